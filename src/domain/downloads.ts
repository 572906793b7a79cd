import type { Delivery, DownloadToken } from '../model/entities.ts'
import {
  contentMissing,
  downloadTokenExpired,
  downloadTokenNotFound,
  downloadTokenRevoked,
  downloadTokenUsed,
  fileNotFound,
  overloaded,
  versionNotFound,
} from '../model/errors.ts'
import { ALL_STUDIES, type DownloadTokenId, type FileId, newId, type StudyId, type VersionId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import { CLAIM_REPEAT_SECONDS, type KnownLink, type Outcome } from '../storage/download-claims.ts'
import { witnessClaim } from './audit.ts'
import { type Content, presignedDownload } from './content.ts'
import { dispositionOf } from './disposition.ts'
import { once } from './idempotency.ts'
import { identify } from './identity.ts'
import { denial, permits, requireVisible, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** A link as it is told once: `token` is never to be had again, and null where it was told before. */
export type IssuedLink = Readonly<{ token: string | null; link: DownloadToken }>
type WantedLink = {
  file: FileId
  version: VersionId | null
  delivery: Delivery
  confirm: boolean
  seconds: number | null
}

/**
 * A link that gives one version's bytes once, to whoever has it. It never widens what its issuer may see, and ends
 * with its file, its issuer's key or place in the study, or its revocation.
 * @throws DomainError `file_not_found`, `version_not_found`, `content_missing`, `forbidden`
 */
export const issueDownloadToken = async (scope: Scope, study: StudyId, wanted: WantedLink): Promise<IssuedLink> =>
  once(scope, study, {
    attempt: async () => issue(scope, study, wanted),
    again: async (made) => {
      const caller = callerIn(scope, study)
      const found = await scope.stores.files.find(caller, { id: wanted.file })
      const principal = await identify(scope, found.principal)
      const refused = whyRefused(rules.issueLink, principal, requireVisible(principal, found.file))
      if (refused !== undefined) throw refused
      const link = await scope.stores.downloadTokens.find(caller, wanted.file, made.link)
      if (link === undefined) throw downloadTokenNotFound()
      return { token: null, link }
    },
  })

async function issue(scope: Scope, study: StudyId, wanted: WantedLink): Promise<IssuedLink> {
  const number = await numberOf(scope, study)
  const attempt = async (): Promise<IssuedLink | undefined> => {
    const { token, hash } = await scope.tokens.issue(number)
    const { downloadTokenSeconds: defaultSeconds } = scope.settings
    const link = await scope.stores.downloadTokens.issue(callerIn(scope, study), {
      rules: [rules.issueLink, rules.fileContent],
      knownAhead: scope.defer,
      token: { ...wanted, id: newId('dlt', scope.now), hash, defaultSeconds },
    })
    return link && { token, link }
  }
  const issued = await attempt()
  if (issued !== undefined) return issued
  const refused = await whyNotIssued(scope, study, wanted)
  if (refused !== undefined) throw refused
  // What was in the way has gone since, by another request.
  const again = await attempt()
  if (again === undefined) throw overloaded()
  return again
}

/** A key's secret names its study by number; only who shows no key costs a look-up. */
async function numberOf(scope: Scope, study: StudyId): Promise<number> {
  const { credential } = scope
  if ('studyNumber' in credential && credential.studyNumber !== ALL_STUDIES) return credential.studyNumber
  const found = await scope.stores.studies.find(callerIn(scope, study))
  const principal = await identify(scope, found.principal)
  if (found.study === undefined) throw denial(principal, fileNotFound())
  return found.study.number
}

async function whyNotIssued(scope: Scope, study: StudyId, wanted: { file: FileId; version: VersionId | null }) {
  const version = wanted.version ?? undefined
  const found = await scope.stores.files.findContent(callerIn(scope, study), { id: wanted.file }, version)
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  const refused = whyRefused(rules.issueLink, principal, file) ?? whyRefused(rules.fileContent, principal, file)
  if (refused !== undefined) return refused
  if (found.version === undefined) return version === undefined ? contentMissing() : versionNotFound()
  return undefined
}

/** A file's links that have not been forgotten yet: a day after their end they are. */
export async function listDownloadTokens(
  scope: Scope,
  study: StudyId,
  { file: id, page }: { file: FileId; page: PageRequest },
): Promise<Page<DownloadToken>> {
  const found = await scope.stores.downloadTokens.list(callerIn(scope, study), id, page)
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  const refused = whyRefused(rules.issueLink, principal, file)
  if (refused !== undefined) throw refused
  return found.page
}

/** @throws DomainError `file_not_found`, `download_token_not_found`, `forbidden` */
export async function revokeDownloadToken(
  scope: Scope,
  study: StudyId,
  { file: id, token }: { file: FileId; token: DownloadTokenId },
): Promise<void> {
  const found = await scope.stores.downloadTokens.revoke(callerIn(scope, study), {
    rule: rules.issueLink,
    file: id,
    id: token,
  })
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  if (found.revoked) return
  if (!permits(rules.issueLink, principal, file)) throw whyRefused(rules.issueLink, principal, file) ?? fileNotFound()
  throw downloadTokenNotFound()
}

/** A link that was shown, and what is known of it without claiming it. */
export type ShownLink = Readonly<{ hash: string; known: KnownLink }>

/**
 * Looks at a link without using it up. A token that Carrel did not sign is refused without asking anyone.
 * @throws DomainError `download_token_not_found`
 */
export async function openDownloadLink(scope: Scope, token: string): Promise<ShownLink> {
  const opened = await scope.tokens.open(token)
  const known = opened && (await scope.stores.downloadClaims.know(opened))
  if (opened === undefined || known === undefined) throw downloadTokenNotFound()
  return { hash: opened.hash, known }
}

/**
 * That a link would give its content to whoever claimed it now: what a page may say before its button is pressed.
 * @throws DomainError `download_token_used`, `…_expired`, `…_revoked`, `…_not_found`
 */
export async function requireUnspent(scope: Scope, { hash, known }: ShownLink): Promise<void> {
  const outcome = await scope.stores.downloadClaims.foresee(
    { study: known.study, hash, now: scope.now },
    { rule: rules.issueLink },
  )
  if (outcome !== 'won') throw whyNotClaimed(outcome)
}

export type ClaimedDownload =
  | { delivery: 'redirect'; url: string }
  | { delivery: 'stream'; content: Content; body: ReadableStream }

/**
 * Uses a link up: of all who try, one gets the content. The same nonce gets it again for a minute.
 * Where the bytes go through the Worker they are opened first, so that a storage that fails burns nothing.
 * @throws DomainError `download_token_used`, `…_expired`, `…_revoked`, `…_not_found`
 */
export async function claimDownload(scope: Scope, { hash, known }: ShownLink, nonce: string): Promise<ClaimedDownload> {
  // Of a version that is gone no key is known.
  const streams = known.delivery === 'stream' && known.objectKey !== '' && known.expiresAt > scope.now
  const body = streams ? await scope.stores.objects.read(known.objectKey) : undefined
  try {
    const claim = await scope.stores.downloadClaims.claim(
      { study: known.study, hash, nonce, now: scope.now },
      { rule: rules.issueLink },
    )
    if (claim.outcome !== 'won' || claim.content === undefined) throw whyNotClaimed(claim.outcome)
    if (claim.link !== undefined && !claim.link.again) witnessClaim(scope, known.study, claim.link)
    const { name, ...facts } = claim.content
    const content = { ...facts, disposition: dispositionOf(name, facts.mediaType) }
    if (known.delivery === 'redirect') {
      const url = await presignedDownload(scope, content, { method: 'GET', seconds: CLAIM_REPEAT_SECONDS })
      return { delivery: 'redirect', url }
    }
    if (body === undefined) throw whyNotClaimed('won')
    return { delivery: 'stream', content, body }
  } catch (refused) {
    await body?.cancel()
    throw refused
  }
}

function whyNotClaimed(outcome: Outcome) {
  switch (outcome) {
    case 'used':
      return downloadTokenUsed()
    case 'expired':
      return downloadTokenExpired()
    case 'revoked':
    case 'won':
      return downloadTokenRevoked()
    case 'unknown':
      return downloadTokenNotFound()
    default:
      return outcome satisfies never
  }
}
