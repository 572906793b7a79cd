import type { Answer, Caller } from './callers.ts'

// Documents as Kids First's own web app sends them: with fragments, and `__typename` wherever there is a selection.

const FILE_FIELDS =
  'fragment FileFields on FileNode { id kfId name description fileType downloadUrl tags validTypes __typename }'
const VERSION_FIELDS =
  'fragment VersionFields on VersionNode { id kfId fileName size state description createdAt __typename }'
const CREATOR_FIELDS = 'fragment CreatorFields on UserNode { id username email picture displayName __typename }'
const STUDY_BASIC_FIELDS =
  'fragment StudyBasicFields on StudyNode { id name shortName kfId investigatorName createdAt modifiedAt __typename }'
const STUDY_INFO_FIELDS = `fragment StudyInfoFields on StudyNode { bucket attribution dataAccessAuthority externalId
  releaseStatus version releaseDate description anticipatedSamples awardeeOrganization sequencingStatus ingestionStatus
  phenotypeStatus slackNotify slackChannel additionalFields __typename }`
const EVENT_FIELDS = 'fragment EventFields on EventNode { id uuid createdAt eventType description __typename }'

export const FILE = `query File($kfId: String!) {
  fileByKfId(kfId: $kfId) {
    ...FileFields
    creator { ...CreatorFields __typename }
    templateVersion { id createdAt modifiedAt dataTemplate { id name description icon __typename } __typename }
    versions {
      edges {
        node {
          analysis { id columns nrows ncols knownFormat errorMessage __typename }
          ...VersionFields
          downloadUrl
          creator { ...CreatorFields __typename }
          __typename
        }
        __typename
      }
      __typename
    }
    __typename
  }
}
${FILE_FIELDS} ${VERSION_FIELDS} ${CREATOR_FIELDS}`

export const STUDY = `query Study($kfId: String!) {
  studyByKfId(kfId: $kfId) {
    ...StudyBasicFields
    ...StudyInfoFields
    shortCode program domain
    collaborators { edges { role node { ...CreatorFields __typename } __typename } __typename }
    events(first: 10, orderBy: "-created_at") {
      edges { node { ...EventFields user { ...CreatorFields __typename } file { kfId __typename } __typename } __typename }
      __typename
    }
    files {
      edges {
        node {
          ...FileFields
          versions(orderBy: "-created_at") { edges { node { ...VersionFields __typename } __typename } __typename }
          __typename
        }
        __typename
      }
      __typename
    }
    __typename
  }
}
${STUDY_BASIC_FIELDS} ${STUDY_INFO_FIELDS} ${CREATOR_FIELDS} ${EVENT_FIELDS} ${FILE_FIELDS} ${VERSION_FIELDS}`

export const ALL_STUDIES = `{ allStudies { edges { node { id kfId name __typename } __typename } __typename } }`

export const DEV_TOKENS = `query DevTokens {
  allDevTokens {
    edges { node { ...TokenFields __typename } __typename }
    __typename
  }
}
fragment TokenFields on DevDownloadTokenNode {
  id name token createdAt creator { username picture displayName __typename } __typename
}`

export const MY_PROFILE = `query myProfile {
  myProfile {
    ...CreatorFields
    groups { edges { node { id name permissions { edges { node { id name codename __typename } __typename } __typename } __typename } __typename } __typename }
    __typename
  }
}
${CREATOR_FIELDS}`

export const FILES = `query ($first: Int, $after: String, $study: String, $name: String, $type: FileType, $tag: String) {
  allFiles(first: $first, after: $after, study_KfId: $study, name: $name, fileType: $type, tag: $tag) {
    edges { cursor node { kfId name fileType versions { edges { node { kfId size } } } } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}`

type Variables = Readonly<Record<string, unknown>>

export const query = async (caller: Caller, text: string, variables: Variables = {}): Promise<Answer> =>
  caller.post('/graphql', { query: text, variables })

/** What was answered to it; a refusal is a fault of the test. */
export async function dataOf(caller: Caller, text: string, variables: Variables = {}) {
  const { status, body } = await query(caller, text, variables)
  if (status !== 200 || body.errors !== undefined) throw new Error(`${status} ${JSON.stringify(body.errors)}`)
  return body.data
}

/** What a field was refused with; `yes` where it was not. */
export const refusalOf = ({ body }: Answer): string => body.errors?.[0]?.message ?? 'yes'
