import type { Credential, Principal } from '../model/principal.ts'
import { fileNotFound, unauthenticated } from '../model/errors.ts'
import { NUMBERS_PER_STUDY } from '../model/ids.ts'
import { type Content, type FoundContent, getContent } from './content.ts'
import { type Scope, secondsFrom } from './scope.ts'

// A file key opens one file for a while to whoever has it, as often as they like, with the rights that its issuer has at
// that moment. Nothing is stored of it: a list may have thousands.

/** Makes keys for what is listed to a caller. @throws DomainError `unauthenticated` to one who shows no key or session */
export function fileKeysFor(
  { tokens, now }: Scope,
  { through }: Principal,
  seconds: number,
): (file: number) => Promise<string> {
  if (through === undefined || !('key' in through)) throw unauthenticated()
  return tokens.fileKeys({ issuer: through.key, expiresAt: secondsFrom(now, seconds) })
}

/** The scope in which a file key's holder reads: the issuer's. */
export type Opened = Readonly<{ scope: Scope; content: FoundContent }>

/**
 * The content of the file of a number, by a key for it. It must be a member's who still takes part.
 * @throws DomainError `unauthenticated` for a key that is none, or is good no longer; `file_not_found`, `content_missing`
 */
export async function openWithFileKey(scope: Scope, { file, key }: { file: number; key: string }): Promise<Opened> {
  const opened = await scope.tokens.openFileKey(key)
  if (opened === undefined || opened.file !== file || opened.expiresAt <= scope.now) throw unauthenticated()
  const studyNumber = studyNumberOf(file)
  const found = await scope.stores.memberFiles.opened(studyNumber, opened)
  if (found === undefined || found.keyHash === null) throw unauthenticated()
  if (found.file === null) throw fileNotFound()
  if (!found.isMembers) throw unauthenticated()
  const credential: Credential = { kind: 'key', studyNumber, hash: found.keyHash }
  const asIssuer: Scope = { ...scope, credential, requiresActive: true }
  return {
    scope: asIssuer,
    content: await getContent(asIssuer, found.study, { file: { id: found.file }, version: undefined }),
  }
}

/** Which study a file's number is of. */
export const studyNumberOf = (file: number): number => Math.floor(file / NUMBERS_PER_STUDY)

/** To be saved, never shown, whatever its type. */
export const asAttachment = <Of extends Content>(content: Of): Of => ({
  ...content,
  disposition: content.disposition.replace(/^inline/, 'attachment'),
})
