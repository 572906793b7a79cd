import type { File, Version } from '../model/entities.ts'
import { contentMissing, downloadTokenNotFound, fileNotFound, overloaded, versionNotFound } from '../model/errors.ts'
import { newId, type StudyId } from '../model/ids.ts'
import type { Destination } from '../storage/download-claims.ts'
import { witnessClaim } from './audit.ts'
import { studyNumberOf } from './file-keys.ts'
import { identify } from './identity.ts'
import { denial, requireVisible, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// A file token is a link for a protocol whose URLs name file and version and carry the token beside them. It gives the
// bytes themselves, once, and only where it leads to what its URL names.

/** A version as such a URL names it; undefined: the file's current one. */
export type Named = Destination

/**
 * A token for the version that is named. It never widens what its issuer may see, and ends with its file, its issuer's
 * key or place in the study, or its revocation.
 * @throws DomainError `file_not_found`, also for a draft; `version_not_found`, `content_missing`, `forbidden`
 */
export async function issueFileToken(
  scope: Scope,
  study: StudyId,
  { seconds, ...named }: Named & { seconds: number },
): Promise<{ token: string; file: File; version: Version }> {
  const { file, version } = await nameable(scope, study, named)
  const { token, hash } = await scope.tokens.issueFileToken(studyNumberOf(file.number))
  const link = await scope.stores.downloadTokens.issue(callerIn(scope, study), {
    rules: [rules.issueLink, rules.fileContent],
    token: {
      id: newId('dlt', scope.now),
      hash,
      file: file.id,
      version: version.id,
      delivery: 'stream',
      confirm: false,
      seconds,
      defaultSeconds: seconds,
    },
  })
  // It was there, and the caller's to give, a moment ago.
  if (link === undefined) throw overloaded()
  return { token, file, version }
}

/** What the caller may make a token for. */
async function nameable(scope: Scope, study: StudyId, named: Named): Promise<{ file: File; version: Version }> {
  const number = named.version === undefined ? undefined : { number: named.version }
  const found = await scope.stores.files.findContent(callerIn(scope, study), { number: named.file }, number)
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  const refused = whyRefused(rules.issueLink, principal, file) ?? whyRefused(rules.fileContent, principal, file)
  if (refused !== undefined) throw refused
  if (file.draft) throw denial(principal, fileNotFound())
  if (found.version === undefined) throw number === undefined ? contentMissing() : versionNotFound()
  return { file, version: found.version }
}

/** A token that was shown where it leads to, and what it gives; nothing of it is used up. */
export type ShownFileToken = Readonly<{ study: StudyId; hash: string; to: Destination; version: Version }>

/**
 * Looks at a token without using it up. One that Carrel did not sign, or for a file of another study, is refused without
 * asking anyone.
 * @throws DomainError `download_token_not_found` for one that gives nothing, or nothing here
 */
export async function openFileToken(
  scope: Scope,
  study: StudyId,
  { token, ...to }: Named & { token: string },
): Promise<ShownFileToken> {
  const opened = await scope.tokens.openFileToken(token)
  if (opened === undefined || opened.studyNumber !== studyNumberOf(to.file)) throw downloadTokenNotFound()
  const { hash } = opened
  const leading = { rule: rules.issueLink, to }
  const version = await scope.stores.downloadClaims.lead({ study, hash, now: scope.now }, leading)
  if (version === undefined) throw downloadTokenNotFound()
  return { study, hash, to, version }
}

/**
 * Uses a token up: of all who try, one gets the bytes, or a range of them. They are opened first, so that a storage that
 * fails burns nothing.
 * @throws DomainError `download_token_not_found` where another was first, `content_missing` where storage has nothing
 */
export async function claimFileToken(
  scope: Scope,
  { study, hash, to, version }: ShownFileToken,
  range?: { offset: number; length: number },
): Promise<ReadableStream> {
  const body = await scope.stores.objects.read(version.objectKey, range)
  if (body === undefined) throw contentMissing()
  try {
    const claimed = { study, hash, nonce: crypto.randomUUID(), now: scope.now }
    const { outcome, link } = await scope.stores.downloadClaims.claim(claimed, { rule: rules.issueLink, to })
    if (outcome !== 'won') throw downloadTokenNotFound()
    if (link !== undefined) witnessClaim(scope, study, link)
    return body
  } catch (refused) {
    await body.cancel()
    throw refused
  }
}
