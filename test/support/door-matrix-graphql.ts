import { permits, rules } from '../../src/domain/policy.ts'
import type { Answer } from './callers.ts'
import { as } from './client.ts'
import {
  type Asked,
  canaryOf,
  type DoorRow,
  type DoorRows,
  type DoorThing,
  itself,
  seenBy,
  type Tongue,
} from './door-matrix.ts'
import { kfIdOf, versionKfIdOf } from './door-matrix-kidsfirst.ts'
import * as mutations from './kidsfirst-mutations.ts'
import { query } from './kidsfirst-queries.ts'
import type { Thing } from './matrix.ts'

// Each query and each mutation of Kids First. What is refused is told in a 200, in words.

const REFUSALS = [
  [/^Not (?:allowed|authenticated)/, 403],
  [/not found$|does not exist\.?$|^No (?:file|version) exists/i, 404],
] as const

function statusOf({ status, body }: Answer): number {
  const message: string | undefined = body.errors?.[0]?.message
  if (message === undefined) return status
  return REFUSALS.find(([words]) => words.test(message))?.[1] ?? 400
}

const SAYS = {
  allowed: 200,
  unauthenticated: 403,
  forbidden: 403,
  participant_withdrawn: 403,
  study_not_found: 404,
  file_not_found: 404,
  version_not_found: 404,
  key_not_found: 404,
} as const

export const GRAPHQL: Tongue = { door: 'kidsfirst', says: SAYS, statusOf }
/** Tokens are of the caller's own study, which no argument names. */
export const OF_TOKENS: Tongue = { ...GRAPHQL, isByCredential: true, stranger: 'forbidden' }

const by = ({ asker }: Asked) => as(asker.secret)
const ADMINISTRATORS = { admits: ['admin'] } as const
const INVESTIGATORS = { admits: ['admin', 'staff'] } as const
const SERVICES = { admits: ['admin', 'staff', 'worker'] } as const

type Verdict = NonNullable<DoorRow['decide']>
type Shows = NonNullable<DoorRow['shows']>
const isSomebody: Verdict = (principal) =>
  principal === undefined || principal.role === 'anonymous' ? undefined : 'allowed'
/** Participants find what they may see; of a study that is not theirs, everybody finds nothing. */
const byListing: Verdict = (principal) =>
  principal?.role === 'participant' || principal?.role === 'stranger' ? 'allowed' : undefined

const isOperator = ({ asker }: Asked) => asker.home?.role === 'operator'

const FILE = 'kfId name versions { edges { node { fileName } } }'
const asked = (text: string, variables: (thing: Thing) => object): Pick<DoorRow, 'ask'> => ({
  ask: async (cell) => query(by(cell), text, { ...variables(cell.thing) }),
})

const fileRow = { of: 'file', sees: 'fileMetadata', unseen: 'file_not_found', shows: itself } as const
const versionRow = { of: 'file', sees: 'fileMetadata', unseen: 'version_not_found', shows: itself } as const
const kfId = (thing: Thing) => ({ kfId: kfIdOf(thing) })
const fileId = (thing: Thing) => ({ id: mutations.globalId('FileNode', kfIdOf(thing)) })
const versionId = (thing: Thing) => ({ id: mutations.globalId('VersionNode', versionKfIdOf(thing)) })
const studyKfId = ({ names }: Thing) => ({ kfId: names['study'] })
const studyRow = { of: 'study', needs: ['readStudy'], shows: itself } as const

export const BY_KF_ID = `query ($kfId: String!) { fileByKfId(kfId: $kfId) { ${FILE} } }`

export function queryRows(files: readonly DoorThing[], studies: readonly DoorThing[]): DoorRows {
  const listed: Shows = (_, { asker, thing }) =>
    seenBy(
      'listFiles',
      files,
    )(asker)
      .filter(({ names }) => names['study'] === thing.names['study'])
      .map(canaryOf)
  // Whoever is of no study finds no versions, also of what everyone may see.
  const ifSeen: Shows = (principal, { asker, thing }) =>
    principal?.role === 'stranger' ? [] : seenBy('fileMetadata', [thing])(asker).map(canaryOf)
  return {
    'query node': {
      ...fileRow,
      of: 'few files',
      ...asked(`query ($id: ID!) { node(id: $id) { ... on FileNode { ${FILE} } } }`, fileId),
    },
    'query file': { ...fileRow, of: 'few files', ...asked(`query ($id: ID!) { file(id: $id) { ${FILE} } }`, fileId) },
    'query fileByKfId': { ...fileRow, ...asked(BY_KF_ID, kfId) },
    'query allFiles': {
      of: 'study',
      needs: ['listFiles'],
      decide: byListing,
      shows: listed,
      ...asked(`query ($kfId: String) { allFiles(study_KfId: $kfId) { edges { node { ${FILE} } } } }`, studyKfId),
    },
    'query version': {
      ...versionRow,
      of: 'few files',
      ...asked('query ($id: ID!) { version(id: $id) { fileName } }', versionId),
    },
    'query versionByKfId': {
      ...versionRow,
      ...asked('query ($kfId: String!) { versionByKfId(kfId: $kfId) { fileName } }', (thing) => ({
        kfId: versionKfIdOf(thing),
      })),
    },
    'query allVersions': {
      of: 'few files',
      decide: isSomebody,
      shows: ifSeen,
      ...asked('query ($kfId: String) { allVersions(fileKfId: $kfId) { edges { node { fileName } } } }', kfId),
    },
    'query study': {
      ...studyRow,
      ...asked('query ($id: ID!) { study(id: $id) { name } }', ({ names }) => ({
        id: mutations.globalId('StudyNode', names['study'] ?? ''),
      })),
    },
    'query studyByKfId': {
      ...studyRow,
      ...asked('query ($kfId: String!) { studyByKfId(kfId: $kfId) { name } }', studyKfId),
    },
    'query allStudies': {
      of: 'nothing',
      decide: isSomebody,
      // The operator has all that there are, whosever they are.
      ask: async (cell) =>
        query(by(cell), `{ allStudies { edges { node { kfId ${isOperator(cell) ? '' : 'name'} } } } }`),
      shows: (_, cell) => (isOperator(cell) ? [] : seenBy('readStudy', studies)(cell.asker).map(canaryOf)),
    },
    'query myProfile': { of: 'nothing', decide: isSomebody, ...asked('{ myProfile { username } }', () => ({})) },
  }
}

const changed = (text: string, variables: (thing: Thing) => object): Pick<DoorRow, 'ask'> => ({
  ask: async (cell) => mutations.mutate(by(cell), text, { ...variables(cell.thing) }),
})

export const mutationRows: DoorRows = {
  'mutation createVersion': {
    of: 'study',
    ...INVESTIGATORS,
    needs: ['readStudy', 'createFile'],
    changes: 'always',
    ask: async (cell) => mutations.upload(by(cell), { study: cell.thing.names['study'] }),
  },
  'mutation createVersion, of a file': {
    ...fileRow,
    of: 'few files',
    ...INVESTIGATORS,
    needs: ['editFile'],
    changes: 'always',
    ask: async (cell) => mutations.upload(by(cell), { fileId: kfIdOf(cell.thing) }),
  },
  'mutation updateVersion': {
    ...versionRow,
    of: 'few files',
    shows: () => [],
    ...INVESTIGATORS,
    needs: ['editFile'],
    changes: 'always',
    ...changed(mutations.UPDATE_VERSION, (thing) => ({ kfId: versionKfIdOf(thing), description: 'new' })),
  },
  'mutation updateVersion, its state': {
    ...versionRow,
    of: 'few files',
    shows: () => [],
    ...INVESTIGATORS,
    needs: ['reviewVersion'],
    changes: 'always',
    ...changed(mutations.UPDATE_VERSION, (thing) => ({ kfId: versionKfIdOf(thing), state: 'APP' })),
  },
  'mutation createFile': {
    ...versionRow,
    of: 'draft',
    shows: () => [],
    ...SERVICES,
    needs: ['editFile'],
    changes: 'once',
    ...changed(mutations.CREATE_FILE, (thing) => ({
      version: versionKfIdOf(thing),
      name: 'named',
      description: '',
      fileType: 'OTH',
    })),
  },
  'mutation updateFile': {
    ...fileRow,
    ...INVESTIGATORS,
    needs: ['editFile'],
    changes: 'always',
    ...changed(mutations.UPDATE_FILE, (thing) => ({ ...kfId(thing), description: 'new' })),
  },
  'mutation deleteFile': {
    ...fileRow,
    shows: () => [],
    ...ADMINISTRATORS,
    needs: ['deleteFile'],
    changes: 'once',
    ...changed(mutations.DELETE_FILE, kfId),
  },
  'mutation signedUrl': {
    ...fileRow,
    of: 'few files',
    shows: () => [],
    ...INVESTIGATORS,
    needs: ['issueLink', 'fileContent'],
    changes: 'always',
    ...changed(mutations.SIGNED_URL, (thing) => ({ studyId: thing.names['study'], fileId: kfIdOf(thing) })),
  },
  'mutation evaluateTemplateMatch': {
    ...versionRow,
    of: 'few files',
    shows: () => [],
    ...changed(mutations.MATCH, (thing) => ({
      input: { fileVersion: versionKfIdOf(thing), study: thing.names['study'] },
    })),
  },
}

const OF_ADMINS = { of: 'nothing', admits: ['admin', 'operator'], needs: ['manageDownloadKeys'] } as const
let made = 0

/** `canaries`: what each study calls a token of its own. */
export const tokenRows = (canaries: Readonly<Record<string, string>>): DoorRows => ({
  'query allDevTokens': {
    ...OF_ADMINS,
    ...asked('{ allDevTokens { edges { node { name token } } } }', () => ({})),
    shows: (principal) => (principal?.role === 'admin' ? [canaries[principal.study] ?? ''] : []),
  },
  'mutation createDevToken': {
    ...OF_ADMINS,
    changes: 'always',
    ...changed(mutations.CREATE_TOKEN, () => ({ name: `token ${(made += 1)}` })),
  },
  'mutation deleteDevToken': {
    ...OF_ADMINS,
    // Of all studies there is none of this name.
    decide: (principal) =>
      principal?.role === 'operator' && permits(rules.manageDownloadKeys, principal) ? 'key_not_found' : undefined,
    changes: 'once',
    ...changed(mutations.DELETE_TOKEN, () => ({ name: 'spare' })),
  },
})
