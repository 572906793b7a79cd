import { allVersions } from './all-versions.ts'
import { type GraphqlContext, requireCaller } from './context.ts'
import { allDevTokens } from './dev-tokens.ts'
import { allFiles, fileNamed } from './files.ts'
import { idWithin, readGlobalId } from './global-ids.ts'
import { allStudies, studyNamed } from './studies.ts'
import { myProfile } from './users.ts'
import { versionNamed } from './versions.ts'

type ById = Readonly<{ id: string }>
type ByKfId = Readonly<{ kfId: string }>

/** Nodes that can be asked for again by their global ids. */
const NODES: Readonly<Record<string, (context: GraphqlContext, id: string) => Promise<object>>> = {
  FileNode: fileNamed,
  VersionNode: versionNamed,
  StudyNode: studyNamed,
}

/** What an id that is none, or is of another kind of node, leads to: nothing. */
async function node({ id }: ById, context: GraphqlContext) {
  requireCaller(context)
  const read = readGlobalId(id)
  if (read === undefined || !Object.hasOwn(NODES, read.type)) return null
  const found = await NODES[read.type]?.(context, read.id)
  return found === undefined ? null : { ...found, __typename: read.type }
}

/** The root of every query. */
export const queries = {
  node,
  file: async ({ id }: ById, context: GraphqlContext) => fileNamed(context, idWithin(id, 'FileNode')),
  fileByKfId: async ({ kfId }: ByKfId, context: GraphqlContext) => fileNamed(context, kfId),
  allFiles,
  version: async ({ id }: ById, context: GraphqlContext) => versionNamed(context, idWithin(id, 'VersionNode')),
  versionByKfId: async ({ kfId }: ByKfId, context: GraphqlContext) => versionNamed(context, kfId),
  allVersions,
  allDevTokens,
  study: async ({ id }: ById, context: GraphqlContext) => studyNamed(context, idWithin(id, 'StudyNode')),
  studyByKfId: async ({ kfId }: ByKfId, context: GraphqlContext) => studyNamed(context, kfId),
  allStudies,
  myProfile,
}
