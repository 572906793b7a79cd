import { createFile, deleteFile, updateFile } from './mutations-files.ts'
import { createDevToken, deleteDevToken, signedUrl } from './mutations-tokens.ts'
import { createVersion, evaluateTemplateMatch, updateVersion } from './mutations-versions.ts'

/** What can be done, as the root of GraphQL's execution has it. */
export const mutations = {
  createVersion,
  updateVersion,
  createFile,
  updateFile,
  deleteFile,
  signedUrl,
  createDevToken,
  deleteDevToken,
  evaluateTemplateMatch,
}
