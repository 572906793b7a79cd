import { beforeAll, expect, test } from 'vitest'
import { fileIdOf, versionIdOf } from '../../../src/adapters/kidsfirst/ids.ts'
import { NUMBERS_PER_STUDY } from '../../../src/model/ids.ts'
import { anonymous, as, type Caller, operator } from '../../support/client.ts'
import { aQueue, recorded } from '../../support/audit.ts'
import { within } from '../../support/faults.ts'
import { dataOf, FILE, FILES, query, refusalOf, STUDY } from '../../support/kidsfirst-queries.ts'
import { aStudyFile } from '../../support/kidsfirst.ts'
import { globalId } from '../../support/kidsfirst-mutations.ts'
import { saidToBe, signedIn } from '../../support/tokens.ts'
import { aFile, aParticipant, aStudy, type Participant, type Study } from '../../support/world.ts'

type Numbered = { number: number }

const VERSION = 'query ($kfId: String!) { versionByKfId(kfId: $kfId) { kfId fileName rootFile { name } } }'

let study: Study
let other: Study
let ada: Participant
let bob: Participant
let manifest: Numbered
let own: Numbered
/** Whoever asks, by what they are. */
let people: Readonly<Record<string, Caller>>

beforeAll(async () => {
  ;[study, other] = await Promise.all([aStudy(), aStudy()])
  ;[ada, bob] = await Promise.all([aParticipant(study), aParticipant(study)])
  const described = { title: 'Manifest', category: 'SEQ', tags: ['Batch One', 'x'], description: 'All of them.' }
  manifest = await aStudyFile(study, described)
  await aStudyFile(study, { name: 'notes.csv', category: 'diary', tags: ['a,b'] })
  own = await aFile(ada, study, { name: 'diary.txt' })
  people = {
    admin: study.admin,
    staff: study.staff,
    worker: study.worker,
    download: study.download,
    ada,
    bob,
    'another study’s admin': other.admin,
    operator,
    'one who is said to be an admin everywhere': await saidToBe('root', { roles: ['ADMIN'] }),
    'one who is said to be of the study': await saidToBe('ida', { groups: [study.id] }),
    'one who is said to be of another': await saidToBe('eve', { groups: [other.id] }),
    'one of whom nothing is said': await signedIn('nemo'),
    'one with a key that is none': as(study.staff.key?.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))),
    'one with a token that is none': as('e30.e30.e30'),
    nobody: anonymous,
  }
})

/** All that is asked of the study, and what came of it: the number of nodes, or the words of the refusal. */
async function reads(caller: Caller) {
  const count = async (field: string, args = '') => {
    const answer = await query(caller, `{ ${field}${args} { edges { node { id } } } }`)
    return answer.body.data?.[field]?.edges.length ?? refusalOf(answer)
  }
  const version = async ({ number }: Numbered) => refusalOf(await query(caller, VERSION, { kfId: versionIdOf(number) }))
  return {
    file: refusalOf(await query(caller, FILE, { kfId: fileIdOf(manifest.number) })),
    own: refusalOf(await query(caller, FILE, { kfId: fileIdOf(own.number) })),
    version: await version(manifest),
    files: await count('allFiles', `(study_KfId: "${study.id}")`),
    versions: await count('allVersions', `(fileKfId: "${fileIdOf(manifest.number)}")`),
    everyVersion: await count('allVersions'),
    study: refusalOf(await query(caller, STUDY, { kfId: study.id })),
  }
}

const NONE = {
  file: 'File was not found',
  own: 'File was not found',
  version: 'Version was not found',
  files: 0,
  versions: 0,
  everyVersion: 0,
  study: 'Study was not found',
}
const TEAM = { ...NONE, file: 'yes', version: 'yes', files: 2, versions: 1, everyVersion: 2, study: 'yes' }
const NOT_ALLOWED = Object.fromEntries(Object.keys(NONE).map((each) => [each, 'Not allowed']))
const NO_LIST = { files: 'Not allowed', everyVersion: 'Not allowed' }

test.each([
  ['admin', { ...TEAM, own: 'yes', files: 3, everyVersion: 3 }],
  ['staff', TEAM],
  ['worker', TEAM],
  ['download', { ...TEAM, ...NO_LIST, study: 'Not allowed' }],
  ['ada', { ...NONE, own: 'yes', files: 1, everyVersion: 1, study: 'Not allowed' }],
  ['bob', { ...NONE, study: 'Not allowed' }],
  ['another study’s admin', NONE],
  ['operator', { ...NONE, ...NO_LIST, study: 'Not allowed' }],
  ['one who is said to be of the study', TEAM],
  ['one who is said to be of another', NONE],
  ['one of whom nothing is said', NONE],
  ['one with a key that is none', NOT_ALLOWED],
  ['one with a token that is none', NOT_ALLOWED],
  ['nobody', NOT_ALLOWED],
])('%s reads what is theirs to read', async (name, allowed) => {
  expect(await reads(people[name] ?? anonymous)).toEqual(allowed)
})

test('who is said to be an admin everywhere reads in every study', async () => {
  const root = people['one who is said to be an admin everywhere'] ?? anonymous
  // What other tests have of studies is there as well.
  expect(await reads(root)).toMatchObject({
    file: 'yes',
    own: 'yes',
    version: 'yes',
    files: 3,
    versions: 1,
    study: 'yes',
  })
  const { allFiles } = await dataOf(root, FILES, { study: other.id })
  expect(allFiles.edges).toEqual([])
})

test.each(['nobody', 'one with a key that is none'])('%s is told nothing, whatever is asked', async (name) => {
  const fields = [
    `node(id: "${globalId('FileNode', fileIdOf(manifest.number))}") { id }`,
    `file(id: "${globalId('FileNode', fileIdOf(manifest.number))}") { id }`,
    `version(id: "${globalId('VersionNode', versionIdOf(manifest.number))}") { id }`,
    `study(id: "${globalId('StudyNode', study.id)}") { id }`,
    'fileByKfId(kfId: "no id") { id }',
    'allFiles { edges { node { id } } }',
    'allStudies { edges { node { id } } }',
    'allDevTokens { edges { node { id } } }',
    'myProfile { id }',
  ]
  const { status, body } = await query(
    people[name] ?? anonymous,
    `{ ${fields.map((field, i) => `f${i}: ${field}`).join(' ')} }`,
  )
  expect(status).toBe(200)
  expect(Object.values(body.data)).toEqual(fields.map(() => null))
  expect(new Set(body.errors.map(({ message }: Error) => message))).toEqual(new Set(['Not allowed']))
})

test('a file that is not there is told in the same words as one that may not be seen', async () => {
  const { number: ofStudy } = study
  const kfIds = [
    fileIdOf(manifest.number),
    fileIdOf(own.number),
    fileIdOf(ofStudy * NUMBERS_PER_STUDY + 999),
    fileIdOf(60_000 * NUMBERS_PER_STUDY + 1),
    fileIdOf(1),
    fileIdOf(manifest.number).toLowerCase(),
    'SF_ILOU0000',
    '',
  ]
  const told = await Promise.all(kfIds.map(async (kfId) => (await query(other.staff, FILE, { kfId })).text))
  expect(new Set(told).size).toBe(1)
  expect(told[0]).toContain('File was not found')
})

test('each field that is refused to a known caller is on record', async () => {
  const kfIds = [own.number, study.number * NUMBERS_PER_STUDY + 999].map(fileIdOf)
  const fields = kfIds.map((kfId, i) => `f${i}: fileByKfId(kfId: "${kfId}") { name }`)
  const { JOBS, bring } = aQueue()
  const events = await recorded(study, async () => {
    await query(within({ JOBS }, study.staff), `{ ${fields.join(' ')} }`)
    await bring()
  })
  const denied = { door: 'kidsfirst', action: 'access.deny', outcome: 'denied', object: null }
  expect(events).toMatchObject([denied, denied])
})
