import { PAGE } from './sdl-files.ts'

/** What can be asked, and what can be done. */
export const OPERATIONS_SDL = `
type Query {
  "Whatever has this id"
  node(id: ID!): Node
  "Get a file"
  file(id: ID!): FileNode
  "Get a file by its kf_id"
  fileByKfId(kfId: String!): FileNode
  "List the files of a study, or of all studies of the caller's: newest first, study by study"
  allFiles(name: String, study_KfId: String, fileType: FileType, tag: String, ${PAGE}): FileNodeConnection
  "Get a version"
  version(id: ID!): VersionNode
  "Get a version by its kf_id"
  versionByKfId(kfId: String!): VersionNode
  "List the versions of a file, or of all studies of the caller's, study by study"
  allVersions(fileKfId: String, orderBy: String, ${PAGE}): VersionNodeConnection
  "Get all developer tokens"
  allDevTokens(${PAGE}): DevDownloadTokenNodeConnection
  "Get a study"
  study(id: ID!): StudyNode
  "Get a study by its kf_id"
  studyByKfId(kfId: String!): StudyNode
  "List the caller's studies"
  allStudies(${PAGE}): StudyNodeConnection
  "Who the caller is"
  myProfile: UserNode
}

type Mutation {
  "Upload a new version of a file, or content that a file is made of afterwards"
  createVersion(file: Upload!, fileId: String, study: ID, description: String): VersionUploadMutation
  "Update a file version"
  updateVersion(kfId: String!, description: String, state: VersionState, file: ID): VersionMutation
  "Make a file of content that was uploaded to a study"
  createFile(version: ID!, study: ID, name: String!, description: String!, fileType: FileType!, tags: [String], templateVersion: ID): CreateFileMutation
  "Update a file"
  updateFile(kfId: String!, name: String, description: String, fileType: FileType, tags: [String], templateVersion: ID): FileMutation
  "Delete a file"
  deleteFile(kfId: String!): DeleteFileMutation
  "Create a new signed url"
  signedUrl(studyId: String!, fileId: String!, versionId: String): SignedUrlMutation
  "Create a new developer token"
  createDevToken(name: String!): DevDownloadTokenMutation
  "Delete a developer token"
  deleteDevToken(name: String!): DeleteDevDownloadTokenMutation
  "Evaluate a file version against its study templates, of which there are none"
  evaluateTemplateMatch(input: EvaluateTemplateMatchInput!): EvaluateTemplateMatchMutation
}

type VersionUploadMutation {
  success: Boolean
  version: VersionNode
}

type VersionMutation {
  version: VersionNode
}

type CreateFileMutation {
  file: FileNode
}

type FileMutation {
  file: FileNode
}

type DeleteFileMutation {
  success: Boolean
  kfId: String
}

type SignedUrlMutation {
  url: String
  file: FileNode
}

type DevDownloadTokenMutation {
  token: DevDownloadTokenNode
}

type DeleteDevDownloadTokenMutation {
  success: Boolean
  name: String
}

input EvaluateTemplateMatchInput {
  fileVersion: ID!
  study: ID!
}

type EvaluateTemplateMatchMutation {
  results: [TemplateMatchResult]
}
`
