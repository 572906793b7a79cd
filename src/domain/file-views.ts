import type { File, Grant } from '../model/entities.ts'
import type { FileId, StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import { witnessAll } from './audit.ts'
import { dispositionOf, servedMediaType } from './disposition.ts'
import { identify } from './identity.ts'
import { accessTo, permits, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** A file as it is told to one who may see it, in protocols that tell all of it at once. */
export type FileView = Readonly<{
  file: File
  /** With whom it is shared; undefined: that is not for the caller to know. */
  grants: readonly Grant[] | undefined
  /** Where its bytes are, for a while; undefined where there are none yet, or none that the caller may have. */
  contentUrl: string | undefined
}>

/**
 * Files that the caller has found, with what else they may know of them, in one trip however many they are. URLs live for
 * so many seconds, and without that there are none; whoever is given one to what is not their own is on record as having read it.
 */
export async function viewFiles(
  scope: Scope,
  study: StudyId,
  { files, seconds }: { files: readonly File[]; seconds?: number | undefined },
): Promise<FileView[]> {
  const ids = files.map(({ id }) => id)
  const found = await scope.stores.grants.ofFiles(callerIn(scope, study), ids, rules.readGrants)
  const principal = await identify(scope, found.principal)
  const grants = Map.groupBy(found.grants, ({ file }) => file)
  const readable = files.filter((file) => accessTo(file, principal) === 'content')
  const urls = seconds === undefined ? new Map<FileId, string>() : await urlsOf(scope, readable, seconds)
  const given = readable.filter(({ id }) => urls.has(id))
  witnessAll(
    scope,
    principal,
    given.flatMap((file) => readingOf(study, file, principal)),
  )
  return files.map((file) => ({
    file,
    grants: permits(rules.readGrants, principal, file) ? (grants.get(file.id) ?? []) : undefined,
    contentUrl: urls.get(file.id),
  }))
}

/** Of those that have bytes. */
async function urlsOf(scope: Scope, files: readonly File[], seconds: number): Promise<Map<FileId, string>> {
  const urls = files.map(async ({ id, name, content }): Promise<[FileId, string][]> => {
    if (content.status === 'pending') return []
    const { objectKey, mediaType } = content.version
    const url = await scope.stores.presigner.download({
      objectKey,
      method: 'GET',
      now: scope.now,
      expiresSeconds: seconds,
      disposition: dispositionOf(name, mediaType),
      mediaType: servedMediaType(mediaType),
    })
    return [[id, url]]
  })
  return new Map((await Promise.all(urls)).flat())
}

function readingOf(study: StudyId, { owner, content }: File, principal: Principal) {
  if (content.status === 'pending' || (principal.role === 'participant' && principal.participant === owner)) return []
  return [{ study, action: 'file.read', owner, object: content.version.id } as const]
}
