import { FILE_TYPES } from './file-types.ts'

const fileTypes = Object.entries(FILE_TYPES)
  .map(([code, name]) => `"${name}"\n  ${code}`)
  .join('\n  ')

/** What connections take. `last` and `before` are there as upstream has them; most connections only go forwards. */
export const PAGE = 'before: String, after: String, first: Int, last: Int'

/** Files, their versions, and the tokens that open them. */
export const FILES_SDL = `
"A moment, in ISO 8601 with its offset from UTC"
scalar DateTime

"The content of a file, sent as a part of multipart/form-data"
scalar Upload

"JSON, as text"
scalar JSONString

"An object with an ID"
interface Node {
  id: ID!
}

type PageInfo {
  hasNextPage: Boolean!
  hasPreviousPage: Boolean!
  startCursor: String
  endCursor: String
}

"What kind of data a file holds"
enum FileType {
  ${fileTypes}
}

"What the study's team thinks of a version"
enum VersionState {
  "Pending Review"
  PEN
  "Approved"
  APP
  "Changes Needed"
  CHN
  "Processed"
  PRC
}

"A file of a study, whatever its content is by now"
type FileNode implements Node {
  id: ID!
  kfId: String!
  uuid: String!
  name: String!
  description: String!
  fileType: FileType!
  tags: [String!]!
  downloadUrl: String
  validTypes: [FileType]
  study: StudyNode!
  creator: UserNode
  templateVersion: TemplateVersionNode
  versions(fileKfId: String, orderBy: String, ${PAGE}): VersionNodeConnection!
}

type FileNodeConnection {
  pageInfo: PageInfo!
  edges: [FileNodeEdge]!
}

type FileNodeEdge {
  node: FileNode
  cursor: String!
}

"One content of a file, which never changes"
type VersionNode implements Node {
  id: ID!
  kfId: String!
  uuid: String!
  fileName: String!
  "In bytes"
  size: Float!
  state: VersionState!
  description: String
  createdAt: DateTime!
  "Null while no file was made of it"
  downloadUrl: String
  validTypes: [FileType]
  matchesTemplate: Boolean
  creator: UserNode
  "Null while none was made of it"
  rootFile: FileNode
  study: StudyNode
  analysis: AnalysisNode
}

type VersionNodeConnection {
  pageInfo: PageInfo!
  edges: [VersionNodeEdge]!
}

type VersionNodeEdge {
  node: VersionNode
  cursor: String!
}

"What was found in the content of a version: nothing here looks into it"
type AnalysisNode implements Node {
  id: ID!
  columns: JSONString
  nrows: Int
  ncols: Int
  knownFormat: Boolean
  errorMessage: String
}

type DataTemplateNode implements Node {
  id: ID!
  name: String!
  description: String!
  icon: String
}

type TemplateVersionNode implements Node {
  id: ID!
  createdAt: DateTime!
  modifiedAt: DateTime!
  description: String!
  dataTemplate: DataTemplateNode!
}

"How a version fits a template"
type TemplateMatchResult {
  matchesTemplate: Boolean
  matchedRequiredCols: [String]
  missingRequiredCols: [String]
  matchedOptionalCols: [String]
  missingOptionalCols: [String]
  templateVersion: TemplateVersionNode
}

"A token that downloads any file, as often as it is used. It is shown once, when it is made"
type DevDownloadTokenNode implements Node {
  id: ID!
  name: String!
  token: String
  createdAt: DateTime!
  "To the hour; null while it was not used"
  lastUsedAt: DateTime
  creator: UserNode
}

type DevDownloadTokenNodeConnection {
  pageInfo: PageInfo!
  edges: [DevDownloadTokenNodeEdge]!
}

type DevDownloadTokenNodeEdge {
  node: DevDownloadTokenNode
  cursor: String!
}
`
