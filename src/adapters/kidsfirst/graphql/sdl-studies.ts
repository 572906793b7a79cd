import { PAGE } from './sdl-files.ts'

const EVENT_FILTERS =
  'studyKfId: String, fileKfId: String, versionKfId: String, username: String, eventType: String, createdAfter: DateTime, createdBefore: DateTime, orderBy: String'

/** Studies, and the people around them. What Carrel has not of them is null, or a connection with nothing in it. */
export const STUDIES_SDL = `
type StudyNode implements Node {
  id: ID!
  kfId: String!
  name: String
  shortName: String
  shortCode: String
  investigatorName: String
  program: String
  domain: String
  createdAt: DateTime
  modifiedAt: DateTime
  visible: Boolean
  deleted: Boolean
  bucket: String
  attribution: String
  dataAccessAuthority: String
  externalId: String
  releaseStatus: String
  releaseDate: String
  version: String
  description: String
  anticipatedSamples: Int
  awardeeOrganization: String
  sequencingStatus: String
  ingestionStatus: String
  phenotypeStatus: String
  slackNotify: Boolean
  slackChannel: String
  additionalFields: JSONString
  files(name: String, study_KfId: String, fileType: FileType, tag: String, ${PAGE}): FileNodeConnection!
  events(${EVENT_FILTERS}, ${PAGE}): EventNodeConnection!
  collaborators(${PAGE}): CollaboratorConnection!
}

type StudyNodeConnection {
  pageInfo: PageInfo!
  edges: [StudyNodeEdge]!
}

type StudyNodeEdge {
  node: StudyNode
  cursor: String!
}

type EventNode implements Node {
  id: ID!
  uuid: String!
  createdAt: DateTime!
  eventType: String!
  description: String!
  user: UserNode
  study: StudyNode
  file: FileNode
  version: VersionNode
}

type EventNodeConnection {
  pageInfo: PageInfo!
  edges: [EventNodeEdge]!
}

type EventNodeEdge {
  node: EventNode
  cursor: String!
}

type CollaboratorConnection {
  pageInfo: PageInfo!
  edges: [CollaboratorEdge]!
}

type CollaboratorEdge {
  node: UserNode
  cursor: String!
  role: String
  joinedOn: DateTime
  invitedBy: UserNode
}

"Who did something, by the name that Carrel has for them: who they are else, it does not tell"
type UserNode implements Node {
  id: ID!
  username: String!
  displayName: String!
  email: String
  picture: String
  firstName: String
  lastName: String
  dateJoined: DateTime
  slackNotify: Boolean
  slackMemberId: String
  emailNotify: Boolean
  groups(${PAGE}): GroupNodeConnection!
  studies(${PAGE}): StudyNodeConnection!
  studySubscriptions(${PAGE}): StudyNodeConnection!
}

type GroupNode implements Node {
  id: ID!
  name: String!
  permissions(${PAGE}): PermissionNodeConnection!
}

type GroupNodeConnection {
  pageInfo: PageInfo!
  edges: [GroupNodeEdge]!
}

type GroupNodeEdge {
  node: GroupNode
  cursor: String!
}

type PermissionNode implements Node {
  id: ID!
  name: String!
  codename: String!
}

type PermissionNodeConnection {
  pageInfo: PageInfo!
  edges: [PermissionNodeEdge]!
}

type PermissionNodeEdge {
  node: PermissionNode
  cursor: String!
}
`
