import { downloadPath, fileIdOf, versionIdOf } from '../../src/adapters/kidsfirst/ids.ts'
import { permits, rules } from '../../src/domain/policy.ts'
import type { StudyId } from '../../src/model/ids.ts'
import { anonymous, as } from './client.ts'
import { type Asked, type DoorRow, type DoorRows, factsFor, itself, NOBODY, type Tongue } from './door-matrix.ts'
import { withToken } from './kidsfirst.ts'
import type { Thing } from './matrix.ts'

// Kids First outside of GraphQL: downloads, by a bearer or a developer's token, and signed URLs.

export const BY_PATH: Tongue = {
  door: 'kidsfirst',
  says: { allowed: 200, unauthenticated: 401, study_not_found: 401, forbidden: 401, file_not_found: 404 },
}

/** As Kids First calls it and its version. */
export const kfIdOf = ({ names }: Thing): string => fileIdOf(Number(names['number']))
export const versionKfIdOf = ({ names }: Thing): string => versionIdOf(Number(names['version']))

/** Where a route has a thing. */
const pathTo = (route: string, thing: Thing): string =>
  route
    .replace(':study', thing.names['study'] ?? '')
    .replace(':file', kfIdOf(thing))
    .replace(':version', versionKfIdOf(thing))

type Verdict = NonNullable<DoorRow['decide']>

/** Whoever shows nothing good may read as anybody may. */
const byRights: Verdict = (principal, asked) =>
  permits(rules.fileContent, principal ?? NOBODY, factsFor(asked)) ? 'allowed' : undefined
/** A developer's token is a key for downloads, and no other. */
const byToken: Verdict = (principal, asked) =>
  principal?.role === 'download' ? byRights(principal, asked) : (byRights(NOBODY, asked) ?? 'unauthenticated')

const DOWNLOAD = { sees: 'fileMetadata', needs: ['fileContent'], unseen: 'file_not_found', shows: itself } as const

const downloadRow = (route: string, of: string): DoorRow => ({
  ...DOWNLOAD,
  of,
  decide: byRights,
  ask: async ({ asker, thing }) => as(asker.secret).get(pathTo(route, thing)),
})

const NOT_TOLD = { unauthenticated: 404, study_not_found: 404, forbidden: 404, file_not_found: 404 }

const signedUrlRow = (route: string, of: string): DoorRow => ({
  of,
  admits: ['admin', 'staff'],
  sees: 'fileMetadata',
  needs: ['issueLink', 'fileContent'],
  unseen: 'file_not_found',
  changes: 'always',
  ask: async ({ asker, thing }) => as(asker.secret).get(pathTo(route, thing)),
  says: NOT_TOLD,
})

/** The link is made by the study's staff, and opens to whoever has it. */
const linkRow = (used: (asked: Asked, url: string) => Promise<Awaited<ReturnType<DoorRow['ask']>>>): DoorRow => ({
  of: 'shared',
  decide: () => 'allowed',
  shows: itself,
  changes: 'always',
  ask: async (asked) => {
    const { study = '', admin = '', number } = asked.thing.names
    const at = downloadPath(study as StudyId, { file: Number(number) }) // what a study was made with
    const { body } = await as(admin).get(at.replace('/download/', '/signed-url/'))
    return used(asked, body.url)
  },
})

const isOf = (route: string, name: string) => route.startsWith(`GET /${name}`)
const pathIn = (route: string) => route.slice('GET '.length)

/** The first way of writing each is asked of everything; the others, which have the same handlers, of one thing. */
export function pathRows(routes: readonly string[]): DoorRows {
  const downloads = routes.filter((route) => isOf(route, 'download/'))
  const urls = routes.filter((route) => isOf(route, 'signed-url/') || isOf(route, 'study/'))
  const of = (index: number) => (index === 0 ? 'file' : 'some file')
  const [first = ''] = downloads
  return {
    ...Object.fromEntries(downloads.map((route, index) => [route, downloadRow(pathIn(route), of(index))])),
    ...Object.fromEntries(urls.map((route, index) => [route, signedUrlRow(pathIn(route), of(index))])),
    [`${first}, by a developer's token`]: {
      ...DOWNLOAD,
      of: 'few files',
      decide: byToken,
      ask: async ({ asker, thing }) =>
        anonymous.get(pathTo(pathIn(first), thing), asker.secret === undefined ? {} : withToken(asker.secret)),
    },
    [`${first}, by a signed URL`]: linkRow(async ({ asker }, url) => as(asker.secret).get(url)),
    'GET /health_check': {
      of: 'some file',
      decide: () => 'allowed',
      ask: async ({ asker }) => as(asker.secret).get('/health_check'),
    },
    // There is a page where the schema is told, and here it is not.
    'GET /graphql': {
      of: 'some file',
      decide: () => 'forbidden',
      ask: async ({ asker }) => as(asker.secret).get('/graphql'),
      says: { forbidden: 405 },
    },
  }
}
