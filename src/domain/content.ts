import type { File, Version } from '../model/entities.ts'
import { contentMissing, versionNotFound } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { FileName, VersionName } from '../storage/files.ts'
import { type Reading, witness } from './audit.ts'
import { dispositionOf, servedMediaType } from './disposition.ts'
import { identify } from './identity.ts'
import { denial, requireVisible, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** Bytes that the caller may have, and how they are to be named and typed on the way. */
export type Content = Readonly<{
  objectKey: string
  size: number
  /** R2's, unquoted. */
  etag: string
  mediaType: string
  disposition: string
}>

/** Content that was asked for by its file, with who asked: it is on record once it is given out. */
export type FoundContent = Content &
  Readonly<{ file: File; version: Version; urlSeconds: number; principal: Principal; reading: Reading }>

/** The name is the file's own as it is now for its current version, else the version's. */
function contentOf(file: File, version: Version): Content {
  const isCurrent = file.content.status === 'complete' && file.content.version.id === version.id
  const { objectKey, size, etag, mediaType } = version
  return {
    objectKey,
    size,
    etag,
    mediaType,
    disposition: dispositionOf(isCurrent ? file.name : version.name, mediaType),
  }
}

/**
 * Content that the caller may read: of the file's current version, or of the one named.
 * @throws DomainError `file_not_found`, `version_not_found`, `content_missing`, `forbidden` for metadata only
 */
export async function getContent(
  scope: Scope,
  study: StudyId,
  { file: name, version: named }: { file: FileName; version: VersionName | undefined },
): Promise<FoundContent> {
  const found = await scope.stores.files.findContent(callerIn(scope, study), name, named)
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  const refused = whyRefused(rules.fileContent, principal, file)
  if (refused !== undefined) throw refused
  if (found.version === undefined) throw named === undefined ? contentMissing() : denial(principal, versionNotFound())
  return {
    ...contentOf(file, found.version),
    file,
    version: found.version,
    urlSeconds: found.downloadUrlSeconds ?? scope.settings.downloadUrlSeconds,
    principal,
    reading: { study, action: 'file.read', owner: file.owner, object: found.version.id },
  }
}

/** What the bytes may say that they are on their way through a browser. */
export const servedMediaTypeOf = ({ mediaType }: Content): string => servedMediaType(mediaType)

/**
 * A URL straight to storage, good for a GET (Range works) or a HEAD, as often as asked until it expires. It lives for as
 * long as the protocol that asks has it (`seconds`), else as the study does; `query` is signed with it.
 */
export async function redirectToContent(
  scope: Scope,
  content: FoundContent,
  { method, seconds = content.urlSeconds, query }: RedirectOptions,
): Promise<string> {
  const url = await presignedDownload(scope, content, { method, seconds, query })
  if (method === 'GET') witness(scope, content.principal, content.reading)
  return url
}

type RedirectOptions = Readonly<{
  method: 'GET' | 'HEAD'
  seconds?: number | undefined
  query?: Readonly<Record<string, string>> | undefined
}>

/** A URL straight to storage for so many seconds, whoever asks: nothing is decided or put on record. */
export const presignedDownload = async (
  scope: Scope,
  content: Content,
  { method, seconds, query }: RedirectOptions & { seconds: number },
): Promise<string> =>
  scope.stores.presigner.download({
    objectKey: content.objectKey,
    method,
    now: scope.now,
    expiresSeconds: seconds,
    disposition: content.disposition,
    mediaType: servedMediaType(content.mediaType),
    query: query ?? {},
  })

/**
 * The bytes, or a range of them, through the Worker: a stream, of which nothing is held.
 * @throws DomainError `content_missing` where storage does not have what the database says
 */
export async function readContent(
  scope: Scope,
  content: FoundContent,
  range?: { offset: number; length: number },
): Promise<ReadableStream> {
  const body = await findBytes(scope, content, range)
  if (body === undefined) throw contentMissing('The bytes of this version are gone.')
  return body
}

/** The same; undefined where storage does not have it, for a protocol that has a word for that. */
export async function findBytes(
  scope: Scope,
  content: FoundContent,
  range?: { offset: number; length: number },
): Promise<ReadableStream | undefined> {
  const body = await scope.stores.objects.read(content.objectKey, range)
  if (body !== undefined) witness(scope, content.principal, content.reading)
  return body
}
