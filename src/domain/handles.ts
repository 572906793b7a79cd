import type { File } from '../model/entities.ts'
import { fileNotFound } from '../model/errors.ts'
import type { Handle, StudyId } from '../model/ids.ts'
import { mapPage, type Page, type PageRequest } from '../model/page.ts'
import type { HandledFile } from '../storage/handles.ts'
import { settleArrived } from './arrivals.ts'
import { witness } from './audit.ts'
import { dispositionOf, servedMediaType } from './disposition.ts'
import { getContent, redirectToContent } from './content.ts'
import { identify } from './identity.ts'
import { denial, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// A participant's own files for protocols in which there is no such thing as an upload: a file is there from when it was
// begun, and what was sent to it is noticed when somebody looks.

/** A file with what can be said of its content: what it is or, before it came, what it was said that it would be. */
export type OwnFile = Readonly<{ file: File; mediaType: string; begunAt: Date }>

/** The newest upload's words, or those of the current version. */
function asOwn({ file, awaited }: HandledFile): OwnFile | undefined {
  if (file.content.status === 'complete') {
    const { mediaType, createdAt } = file.content.version
    return { file, mediaType, begunAt: createdAt }
  }
  return awaited && { file, mediaType: awaited.declared.mediaType, begunAt: awaited.createdAt }
}

/** By handle, with content or without. @throws DomainError `cursor_invalid` */
export async function listOwnFiles(scope: Scope, study: StudyId, page: PageRequest): Promise<Page<OwnFile>> {
  await settleArrived(scope, study, { owner: 'me' })
  const found = await scope.stores.handles.list(callerIn(scope, study), { rule: rules.listFiles, page })
  await identify(scope, found.principal)
  const { items, nextCursor } = mapPage(found.page, asOwn)
  // One whose upload has just been given up is about to go, too.
  return { items: items.filter((item) => item !== undefined), nextCursor }
}

/**
 * A URL straight to the content of one's own file. Where nothing has come yet it is of what the newest upload will
 * become: until then storage says that there is no such thing.
 * @throws DomainError `file_not_found`
 */
export async function redirectToOwnFile(
  scope: Scope,
  study: StudyId,
  { handle, method, seconds }: { handle: Handle; method: 'GET' | 'HEAD'; seconds: number },
): Promise<OwnFile & { url: string }> {
  await settleArrived(scope, study, { owner: 'me', handle })
  const { found, principal: asking } = await scope.stores.handles.find(callerIn(scope, study), handle, rules.listFiles)
  const principal = await identify(scope, asking)
  const own = found && asOwn(found)
  if (found === undefined || own === undefined) throw denial(principal, fileNotFound())
  if (found.awaited === undefined) {
    const content = await getContent(scope, study, { file: { id: found.file.id }, version: undefined })
    return { ...own, url: await redirectToContent(scope, content, { method, seconds }) }
  }
  const { objectKey, declared, version } = found.awaited
  const url = await scope.stores.presigner.download({
    objectKey,
    method,
    now: scope.now,
    expiresSeconds: seconds,
    disposition: dispositionOf(declared.name, declared.mediaType),
    mediaType: servedMediaType(declared.mediaType),
  })
  // The URL outlives the wait: whoever has it reads what comes.
  if (method === 'GET')
    witness(scope, principal, { study, action: 'file.read', owner: found.file.owner, object: version })
  return { ...own, url }
}
