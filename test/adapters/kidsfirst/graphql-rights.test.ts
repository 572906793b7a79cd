import { beforeAll, describe, expect, test } from 'vitest'
import { fileIdOf, versionIdOf } from '../../../src/adapters/kidsfirst/ids.ts'
import { anonymous, as, type Caller, operator } from '../../support/client.ts'
import {
  CREATE_FILE,
  CREATE_TOKEN,
  DELETE_FILE,
  DELETE_TOKEN,
  globalId,
  MATCH,
  mutate,
  outcome,
  SIGNED_URL,
  UPDATE_FILE,
  UPDATE_VERSION,
  upload,
} from '../../support/kidsfirst-mutations.ts'
import { aDevToken, aStudyFile } from '../../support/kidsfirst.ts'
import { saidToBe } from '../../support/tokens.ts'
import { aParticipant, aStudy, ok, type Study } from '../../support/world.ts'

let study: Study
let other: Study
let callers: Record<string, Caller>

beforeAll(async () => {
  ;[study, other] = await Promise.all([aStudy(), aStudy()])
  callers = {
    admin: study.admin,
    'claimed ADMIN': await saidToBe('mutating-admin', { roles: ['ADMIN'] }),
    staff: study.staff,
    'claimed staff': await saidToBe('mutating-staff', { groups: [study.id] }),
    worker: study.worker,
    'claimed service': await saidToBe('mutating-service', { groups: [study.id], gty: 'client-credentials' }),
    operator,
    participant: await aParticipant(study),
    download: study.download,
    stranger: other.admin,
    'claimed stranger': await saidToBe('mutating-stranger', { groups: [other.id] }),
    nobody: anonymous,
    'bad token': as('not.a.token'),
  }
})

type Target = Readonly<{ file: string; draft: { id: string; kfId: string } }>
const kfId = ({ number }: { number: number }) => fileIdOf(number)
const aDraft = async () => ok(await upload(study.staff, { study: study.id })).data.createVersion.version
/** What mutations are about: a file, and content that nobody has made a file of yet. */
const aTarget = async (): Promise<Target> => ({ file: kfId(await aStudyFile(study)), draft: await aDraft() })

/** All that mutations could change of it. */
const toldOf = async ({ file, draft }: Target) =>
  ok(
    await mutate(
      study.admin,
      `query ($file: String!, $draft: String!) {
        fileByKfId(kfId: $file) { name description fileType tags versions { edges { node { kfId } } } }
        versionByKfId(kfId: $draft) { description state rootFile { kfId } }
      }`,
      { file, draft: draft.kfId },
    ),
  ).data

type Asked = Awaited<ReturnType<typeof mutate>>
const MUTATIONS: Record<string, (by: Caller, target: Target) => Promise<Asked>> = {
  'createVersion of a file': async (by, { file }) => upload(by, { fileId: file }),
  'createVersion in a study': async (by) => upload(by, { study: globalId('StudyNode', study.id) }),
  createFile: async (by, { draft }) =>
    mutate(by, CREATE_FILE, { version: draft.id, name: 'A', description: 'B', fileType: 'OTH' }),
  updateFile: async (by, { file }) => mutate(by, UPDATE_FILE, { kfId: file, name: 'New' }),
  'updateVersion description': async (by, { draft }) =>
    mutate(by, UPDATE_VERSION, { kfId: draft.kfId, description: 'New' }),
  'updateVersion state': async (by, { draft }) => mutate(by, UPDATE_VERSION, { kfId: draft.kfId, state: 'APP' }),
  'updateVersion file': async (by, { draft, file }) =>
    mutate(by, UPDATE_VERSION, { kfId: draft.kfId, file: globalId('FileNode', file) }),
  deleteFile: async (by, { file }) => mutate(by, DELETE_FILE, { kfId: file }),
  signedUrl: async (by, { file }) => mutate(by, SIGNED_URL, { studyId: study.id, fileId: file }),
  createDevToken: async (by) => mutate(by, CREATE_TOKEN, { name: `token-${crypto.randomUUID()}` }),
  allDevTokens: async (by) => mutate(by, '{ allDevTokens { edges { node { name } } } }', {}),
  deleteDevToken: async (by) => {
    const name = `token-${crypto.randomUUID()}`
    await Promise.all([study, other, undefined].map(async (of) => aDevToken(of, name)))
    return mutate(by, DELETE_TOKEN, { name })
  },
}

const NO = 'Not allowed'
const NO_FILE = 'File does not exist.'
const NO_VERSION = 'Version does not exist.'
const NO_STUDY = 'Study matching query does not exist.'

const ADMINS = ['admin', 'claimed ADMIN']
const TEAM = [...ADMINS, 'staff', 'claimed staff']
const SERVICES = ['worker', 'claimed service']
/** An admin of the other study is one there; somebody who is an admin of several studies cannot say of which. */
const MAKERS = ['admin', 'operator', 'stranger']
const STRANGERS = ['stranger', 'claimed stranger']

test.each<[name: string, may: readonly string[], toStrangers: string, toOthers: string]>([
  ['createVersion of a file', TEAM, NO_FILE, NO],
  ['createVersion in a study', TEAM, NO_STUDY, NO],
  ['createFile', [...TEAM, ...SERVICES], NO_VERSION, NO],
  ['updateFile', TEAM, NO_FILE, NO],
  ['updateVersion description', TEAM, NO_VERSION, NO],
  ['updateVersion state', ADMINS, NO_VERSION, NO],
  ['updateVersion file', TEAM, NO_VERSION, NO],
  ['deleteFile', ADMINS, NO_FILE, NO],
  ['signedUrl', TEAM, 'No file exists with given ID', 'Not authenticated to generate a url.'],
  ['createDevToken', MAKERS, NO, NO],
  ['allDevTokens', MAKERS, NO, NO],
  ['deleteDevToken', MAKERS, NO, NO],
])('%s is for whom upstream has it, in the study that they are of', async (name, may, toStrangers, toOthers) => {
  const ask = MUTATIONS[name] ?? (async () => Promise.reject(new Error('no such mutation')))
  const shared = await aTarget()
  const before = await toldOf(shared)
  const asking = async ([who, caller]: [string, Caller]) => {
    const answer = await ask(caller, may.includes(who) ? await aTarget() : shared)
    expect(answer.status).toBe(200)
    return [who, outcome(answer)]
  }
  const told = await Promise.all(Object.entries(callers).map(asking))
  const wordsFor = (who: string) => (may.includes(who) ? 'done' : STRANGERS.includes(who) ? toStrangers : toOthers)
  expect(Object.fromEntries(told)).toEqual(Object.fromEntries(Object.keys(callers).map((who) => [who, wordsFor(who)])))
  expect(await toldOf(shared)).toEqual(before)
})

// What upstream does wrong, by where it is told: none of it can be done here. That the
// administrators alone make tokens which open everything (2) is in the table above.
describe('what upstream lets happen', () => {
  test('(1) nobody signs a URL of a study that they are not of, nor by the name of their own', async () => {
    const fileId = kfId(await aStudyFile(other))
    for (const studyId of [other.id, study.id]) {
      const answer = await mutate(study.staff, SIGNED_URL, { studyId, fileId })
      expect([outcome(answer), answer.body.data.signedUrl]).toEqual(['No file exists with given ID', null])
    }
  })

  test('(5) nobody takes a version out of another study, nor out of its file', async () => {
    const foreign = await aStudyFile(other)
    const version = versionIdOf(foreign.number)
    const details = { name: 'Mine', description: 'B', fileType: 'OTH', study: study.id }
    expect(outcome(await mutate(study.admin, CREATE_FILE, { version, ...details }))).toBe(NO_VERSION)
    const mine = await aStudyFile(study)
    expect(outcome(await mutate(study.admin, UPDATE_VERSION, { kfId: version, file: kfId(mine) }))).toBe(NO_VERSION)
    const draft = await aDraft()
    expect(outcome(await mutate(study.admin, UPDATE_VERSION, { kfId: draft.kfId, file: kfId(foreign) }))).toBe(NO_FILE)
    const own = versionIdOf(mine.number)
    const taken = await mutate(study.admin, CREATE_FILE, { version: own, ...details })
    expect(outcome(taken)).toContain('part of a file already')
    const moved = await mutate(study.admin, UPDATE_VERSION, { kfId: own, file: kfId(await aStudyFile(study)) })
    expect(outcome(moved)).toContain('the last version of its file')
  })

  test('(6) nobody learns by asking whether there is something', async () => {
    const [there, draft] = [await aStudyFile(study), await aDraft()]
    const input = (fileVersion: string, of: Study) => ({ input: { fileVersion, study: globalId('StudyNode', of.id) } })
    expect(ok(await mutate(study.staff, MATCH, input(draft.id, study))).data.evaluateTemplateMatch.results).toEqual([])
    const asking = async (by: Caller, file: string, version: string) => [
      outcome(await mutate(by, MATCH, input(version, study))).replace(version, 'ID'),
      outcome(await mutate(by, UPDATE_FILE, { kfId: file, name: 'x' })),
      outcome(await mutate(by, UPDATE_VERSION, { kfId: version, description: 'x' })),
      outcome(await upload(by, { fileId: file })),
    ]
    for (const by of [anonymous, as('bad'), other.admin, callers['claimed stranger'] ?? anonymous]) {
      const nowhere = fileIdOf(there.number + 1_000)
      const nothing = await asking(by, nowhere, nowhere.replace('SF', 'FV'))
      expect(await asking(by, kfId(there), versionIdOf(there.number))).toEqual(nothing)
      expect(await asking(by, 'SF_ZZZZZZZZ', 'FV_ZZZZZZZZ')).toEqual(nothing)
    }
  })
})
