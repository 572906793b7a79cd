import type { GraphQLResolveInfo } from 'graphql'
import { type FileQuery, getFile, listFiles } from '../../../domain/files.ts'
import type { File } from '../../../model/entities.ts'
import { failedWith, fileNotFound } from '../../../model/errors.ts'
import type { StudyId } from '../../../model/ids.ts'
import type { PageRequest } from '../../../model/page.ts'
import { numbered } from '../access.ts'
import { downloadPath, fileIdOf } from '../ids.ts'
import { type Connection, connectionOfPage, EMPTY, forwards, type Paging } from './connections.ts'
import { type Asking, type GraphqlContext, requireCaller } from './context.ts'
import { saying } from './errors.ts'
import { type FileType, fileTypeOf, NAMED_TYPES } from './file-types.ts'
import { globalIdOf } from './global-ids.ts'
import { said } from './optional.ts'
import { acrossStudies } from './own-studies.ts'
import type { StudySource } from './studies.ts'
import { userOf } from './users.ts'
import { uuidOf, versionsOfFile } from './versions.ts'

export type FilesAsked = Paging &
  Readonly<{ name?: string | null; study_KfId?: string | null; fileType?: FileType | null; tag?: string | null }>

const kfIdOf = ({ number }: File) => fileIdOf(number)

export const fileFields = {
  id: (file: File) => globalIdOf('FileNode', kfIdOf(file)),
  kfId: kfIdOf,
  uuid: ({ id }: File) => uuidOf(id),
  name: ({ title, name }: File) => title ?? name,
  description: ({ description }: File) => description ?? '',
  fileType: ({ category }: File) => fileTypeOf(category),
  tags: ({ tags }: File) => tags,
  downloadUrl: (file: File, _: unknown, { context }: Asking) =>
    context.origin + downloadPath(file.study, { file: file.number, version: undefined }),
  validTypes: () => [],
  study: ({ study }: File): StudySource => ({ id: study }),
  creator: ({ createdBy }: File) => userOf(createdBy),
  templateVersion: () => null,
  versions: versionsOfFile,
}

/** @throws DomainError `file_not_found`, also for one that the caller may not see, and for content that is no file yet */
export async function fileNamed(context: GraphqlContext, kfId: string | undefined): Promise<File> {
  requireCaller(context)
  const { study, number } = await numbered(context.c, kfId, 'SF')
  context.trip()
  const file = await saying({ study_not_found: 'File was not found' }, getFile(context.scope, study, { number }))
  if (file.draft || file.content.status === 'pending') throw fileNotFound()
  return file
}

const queryOf = ({ name, fileType, tag }: FilesAsked): FileQuery => ({
  status: 'complete',
  participant: undefined,
  category: fileType === 'OTH' ? undefined : (fileType ?? undefined),
  noCategories: fileType === 'OTH' ? NAMED_TYPES : undefined,
  source: undefined,
  name: undefined,
  title: said(name),
  tags: [],
  tagWith: said(tag),
  from: undefined,
  until: undefined,
})

/** Files of a study, newest first. Of one that is none of the caller's, or is not there, there are none. */
async function filesOf(
  study: StudyId,
  { query, page }: { query: FileQuery; page: PageRequest },
  { scope, trip }: GraphqlContext,
): Promise<Connection<File>> {
  trip()
  try {
    return connectionOfPage(await listFiles(scope, study, { query, page }), page, (file) => file)
  } catch (failure) {
    if (failedWith(failure, 'study_not_found')) return EMPTY
    throw failure
  }
}

/** Of a study, or of all that the caller is of, study by study. @throws DomainError `unauthenticated`, `forbidden` */
export async function allFiles(
  asked: FilesAsked,
  context: GraphqlContext,
  info: GraphQLResolveInfo,
): Promise<Connection<File>> {
  requireCaller(context)
  const [query, page] = [queryOf(asked), forwards(asked, info)]
  const study = said(asked.study_KfId)
  // Any text may be the id of a study: whether it is one, the study's row says.
  if (study !== undefined) return filesOf(study as StudyId, { query, page }, context)
  return acrossStudies(context, page, async (id, part) => listFiles(context.scope, id, { query, page: part }))
}

/** The same within a study that was found. */
export async function filesOfStudy(
  { id }: StudySource,
  asked: FilesAsked,
  { context, info }: Asking,
): Promise<Connection<File>> {
  const study = said(asked.study_KfId)
  if (study !== undefined && study !== id) return EMPTY
  return filesOf(id, { query: queryOf(asked), page: forwards(asked, info) }, context)
}
