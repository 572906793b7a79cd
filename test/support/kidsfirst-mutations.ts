import type { Answer, Caller } from './callers.ts'

// Forms that bring a file with a GraphQL operation, put together by hand: as clients send them, and as none would.

export const FORM_BOUNDARY = '----WebKitFormBoundary7MA4YWxkTrZu0gW'
export const FORM = { 'Content-Type': `multipart/form-data; boundary=${FORM_BOUNDARY}` }

/** `disposition`, `type`: in place of what is usual. What is no text is sent as JSON. */
export type FormPart = Readonly<{
  name: string
  filename?: string
  disposition?: string
  type?: string
  content: unknown
}>

function headersOf({ name, filename, disposition, type }: FormPart): string {
  const file = filename === undefined ? '' : `; filename="${filename}"`
  const said = `Content-Disposition: ${disposition ?? `form-data; name="${name}"${file}`}`
  const mediaType = type ?? (filename === undefined ? undefined : 'text/csv')
  return mediaType === undefined ? said : `${said}\r\nContent-Type: ${mediaType}`
}

/** Everything up to where the next part, or the end, begins. */
export const partOf = (part: FormPart): string =>
  `--${FORM_BOUNDARY}\r\n${headersOf(part)}\r\n\r\n${typeof part.content === 'string' ? part.content : JSON.stringify(part.content)}\r\n`

export const formOf = (parts: readonly FormPart[]): string => `${parts.map(partOf).join('')}--${FORM_BOUNDARY}--\r\n`

/** What comes in front of a file: the operation, and where in it the file belongs. */
export const inFrontOf = (operation: object, map: object = { 1: ['variables.file'] }): FormPart[] => [
  { name: 'operations', content: operation },
  { name: 'map', content: map },
]

/** The operations of Kids First's own web app, but for the fragments around them. */
export const CREATE_VERSION = `mutation CreateVersion($file: Upload!, $fileId: String, $study: ID, $description: String) {
  createVersion(file: $file, fileId: $fileId, study: $study, description: $description) {
    success
    version { id kfId fileName size state description downloadUrl rootFile { kfId name versions { edges { node { kfId } } } } __typename }
    __typename
  }
}`
export const CREATE_FILE = `mutation CreateFile($version: ID!, $study: ID, $name: String!, $description: String!, $fileType: FileType!, $tags: [String], $templateVersion: ID) {
  createFile(version: $version, study: $study, name: $name, description: $description, fileType: $fileType, tags: $tags, templateVersion: $templateVersion) {
    file { id kfId name description fileType tags downloadUrl versions { edges { node { kfId downloadUrl } } } __typename }
    __typename
  }
}`
export const UPDATE_FILE = `mutation UpdateFile($kfId: String!, $name: String, $description: String, $fileType: FileType, $tags: [String], $templateVersion: ID) {
  updateFile(kfId: $kfId, name: $name, description: $description, fileType: $fileType, tags: $tags, templateVersion: $templateVersion) {
    file { kfId name description fileType tags __typename }
  }
}`
export const DELETE_FILE = 'mutation DeleteFile($kfId: String!) { deleteFile(kfId: $kfId) { success kfId } }'
export const UPDATE_VERSION = `mutation UpdateVersion($kfId: String!, $description: String, $state: VersionState, $file: ID) {
  updateVersion(kfId: $kfId, description: $description, state: $state, file: $file) {
    version { kfId description state rootFile { kfId } __typename }
  }
}`
export const SIGNED_URL = `mutation SignedUrl($studyId: String!, $fileId: String!, $versionId: String) {
  signedUrl(studyId: $studyId, fileId: $fileId, versionId: $versionId) { url file { kfId } }
}`
export const CREATE_TOKEN =
  'mutation ($name: String!) { createDevToken(name: $name) { token { id name token createdAt } } }'
export const DELETE_TOKEN = 'mutation DeleteToken($name: String!) { deleteDevToken(name: $name) { success name } }'
export const MATCH = `mutation ($input: EvaluateTemplateMatchInput!) {
  evaluateTemplateMatch(input: $input) { results { matchesTemplate } }
}`

type Variables = Readonly<Record<string, unknown>>

export const mutate = async (caller: Caller, query: string, variables: Variables): Promise<Answer> =>
  caller.post('/graphql', { query, variables })

/** A file with what is said of it, as the web app sends it. */
export const upload = async (
  caller: Caller,
  variables: Variables,
  { filename = 'data.csv', content = 'a,b\r\n1,2\r\n', ...part }: Partial<FormPart> = {},
): Promise<Answer> => {
  const operation = { operationName: 'CreateVersion', variables: { ...variables, file: null }, query: CREATE_VERSION }
  return caller.post('/graphql', formOf([...inFrontOf(operation), { name: '1', filename, content, ...part }]), FORM)
}

/** What came of a mutation: `done`, or what it was refused with. */
export const outcome = ({ body }: Answer): string => body.errors?.[0]?.message ?? 'done'

/** The id by which Relay's clients name something. */
export const globalId = (type: 'FileNode' | 'VersionNode' | 'StudyNode', id: string) => btoa(`${type}:${id}`)
