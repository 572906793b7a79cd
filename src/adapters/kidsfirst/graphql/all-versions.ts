import type { GraphQLResolveInfo } from 'graphql'
import { listStudyVersions, type VersionOfFile } from '../../../domain/versions.ts'
import { failedWith } from '../../../model/errors.ts'
import { type Connection, EMPTY, forwards } from './connections.ts'
import { type GraphqlContext, requireCaller } from './context.ts'
import { fileNamed } from './files.ts'
import { said } from './optional.ts'
import { acrossStudies } from './own-studies.ts'
import { orderOf, type VersionsAsked, versionsOfFile } from './versions.ts'

/** The versions of one file. Of one that the caller may not see, or that is not there, there are none. */
async function ofFile(
  kfId: string,
  asked: VersionsAsked,
  asking: { context: GraphqlContext; info: GraphQLResolveInfo },
): Promise<Connection<VersionOfFile>> {
  try {
    return await versionsOfFile(await fileNamed(asking.context, kfId), asked, asking)
  } catch (failure) {
    if (failedWith(failure, 'file_not_found', 'study_not_found')) return EMPTY
    throw failure
  }
}

/** Of a file, or of all that the caller's studies have on lists, study by study. */
export async function allVersions(
  asked: VersionsAsked,
  context: GraphqlContext,
  info: GraphQLResolveInfo,
): Promise<Connection<VersionOfFile>> {
  requireCaller(context)
  const fileKfId = said(asked.fileKfId)
  if (fileKfId !== undefined) return ofFile(fileKfId, asked, { context, info })
  const order = orderOf(asked)
  return acrossStudies(context, forwards(asked, info), async (study, page) =>
    listStudyVersions(context.scope, study, { order, page }),
  )
}
