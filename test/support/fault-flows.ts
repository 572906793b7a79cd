import type { Caller } from './callers.ts'
import type { Expected } from './fault-runs.ts'
import { anonymous, operator } from './client.ts'
import { aFurnishedStudy } from './operations.ts'
import { FIRST, large, report, send, urlsOf } from './parts.ts'
import { aFile, aParticipant, begin, HELLO, ok, put, replace } from './world.ts'

// Every operation of the native API that changes something: who asks for it, and for what.

export async function aFaultyWorld() {
  const furnished = await aFurnishedStudy()
  const { study, participant } = furnished
  const desk = { study, owner: participant, at: (upload: { id: string }) => `${study.path}/uploads/${upload.id}` }
  return { ...furnished, desk, grace: await aParticipant(study, { id: 'grace' }) }
}
export type World = Awaited<ReturnType<typeof aFaultyWorld>>

export type Flow = Expected &
  Readonly<{
    /** The participant, unless somebody else. */
    caller?: (world: World) => Caller
    body?: unknown
    /** Makes what the operation is on, and says what its path names and what is sent. */
    before?: (world: World) => Promise<Readonly<{ names?: Record<string, string>; body?: unknown }>>
  }>

const asAdmin = ({ study }: World) => study.admin
const asWorker = ({ study }: World) => study.worker
const asOperator = () => operator
const gone = { doneBefore: [404] } as const

const documents = {
  putDocument: { body: { theme: 'light' } },
  patchDocument: { body: { theme: null, language: 'pt' } },
  deleteDocument: gone,
  putDocumentSchema: { caller: asAdmin, body: { type: 'object' } },
  deleteDocumentSchema: {
    caller: asAdmin,
    before: async ({ study }) => {
      ok(await study.admin.put(`${study.path}/document-schemas/preferences`, {}))
      return {}
    },
    ...gone,
  },
} satisfies Record<string, Flow>

const entries = { entries: [{ at: '2026-11-20', data: { steps: 7011 } }] }
const aReport =
  (at: 'participants/ada' | '') =>
  async ({ study, participant }: World) => {
    const path = [study.path, at, 'reports/steps/entries'].filter((each) => each !== '').join('/')
    ok(await (at === '' ? study.worker : participant).post(path, entries))
    return { names: { identifier: 'steps', at: '2026-11-20' } }
  }
const reports = {
  updateParticipantReport: { caller: asAdmin, before: aReport('participants/ada'), body: { labels: ['activity'] } },
  deleteParticipantReport: { before: aReport('participants/ada'), ...gone },
  addParticipantReportEntries: { body: entries },
  putParticipantReportEntry: { before: aReport('participants/ada'), body: { steps: 8211 } },
  deleteParticipantReportEntry: { before: aReport('participants/ada'), ...gone },
  updateStudyReport: { caller: asAdmin, before: aReport(''), body: { labels: ['activity'] } },
  deleteStudyReport: { caller: asAdmin, before: aReport(''), ...gone },
  addStudyReportEntries: { caller: asWorker, body: entries },
  putStudyReportEntry: { caller: asWorker, before: aReport(''), body: { steps: 8211 } },
  deleteStudyReportEntry: { caller: asWorker, before: aReport(''), ...gone },
} satisfies Record<string, Flow>

const people = {
  updateStudy: { caller: asAdmin, body: { name: 'Another name' } },
  eraseStudy: { caller: asOperator, goesOn: true, doneBefore: [404] },
  enrolParticipant: { caller: asAdmin, body: { externalId: 'PT-1' } },
  updateParticipant: { caller: asAdmin, body: { status: 'withdrawn' } },
  eraseParticipant: { caller: asAdmin, goesOn: true, doneBefore: [404] },
  setHost: {
    caller: asOperator,
    body: { participant: 'ada' },
    before: async ({ study }) => ({ names: { host: `${study.id}.example.org` } }),
  },
  removeHost: {
    caller: asOperator,
    before: async ({ study }) => {
      const host = `${study.id}.example.org`
      ok(await operator.put(`${study.path}/hosts/${host}`, { participant: 'ada' }))
      return { names: { host } }
    },
    ...gone,
  },
  addMember: { caller: asAdmin, body: { issuer: 'https://login.example.org/', subject: 'user-7', role: 'staff' } },
  removeMember: { caller: asAdmin, ...gone },
  issueKey: { caller: asAdmin, body: { role: 'staff', label: 'phone' } },
  revokeKey: { caller: asAdmin },
  rotateKey: { body: { graceSeconds: 600 }, before: async () => ({ names: { key: 'self' } }) },
  issueEnrolmentCode: { caller: asAdmin, body: { label: 'phone' } },
  revokeEnrolmentCode: { caller: asAdmin, ...gone },
  exchangeEnrolmentCode: {
    caller: () => anonymous,
    before: async ({ study }) => {
      const { code } = ok(await study.admin.post(`${study.path}/participants/ada/enrolment-codes`, { label: 'phone' }))
      return { body: { code } }
    },
  },
} satisfies Record<string, Flow>

const file = { name: 'notes.txt', mediaType: 'text/plain', size: HELLO.length }
const again = { forAWhile: ['uploads'] } as const
const aHandled = async ({ study, participant }: World) => {
  const upload = await replace(participant, `${study.path}/participants/me/files/diary`)
  ok(await participant.post(`${study.path}/uploads/${upload.id}/complete`))
  return { names: { handle: 'diary' } }
}
const anArrived = async ({ study, participant }: World) => {
  const { upload } = await begin(participant, study)
  await put(upload.url)
  return { names: { upload: upload.id as string } }
}
const aPart = async ({ desk }: World) => {
  const { upload } = await large(desk)
  const [first, second] = await urlsOf(desk, upload, 1, 2)
  return { names: { upload: upload.id as string }, parts: [await send(first, FIRST), await send(second)] }
}
const anotherVersion = async (world: World) => {
  await aHandled(world)
  const { study, participant } = world
  const upload = await replace(participant, `${study.path}/participants/me/files/diary`, 'another one')
  return { names: { upload: upload.id } }
}
const files = {
  beginFile: { body: file },
  putFile: { body: file, before: aHandled, ...again },
  updateFileByHandle: { body: { title: 'Week one' }, before: aHandled },
  deleteFileByHandle: { before: aHandled, ...gone },
  updateFile: { body: { title: 'Week one', tags: ['diary'], visibility: 'study' } },
  deleteFile: gone,
  deleteFiles: {
    before: async ({ study, participant }) => {
      const made = [await aFile(participant, study), await aFile(participant, study)]
      return { body: { ids: made.map(({ id }) => id) } }
    },
  },
  abandonUpload: gone,
  renewUploadUrl: {},
  presignParts: {
    body: { parts: [{ number: 1 }, { number: 2 }] },
    before: async ({ desk }) => ({ names: { upload: (await large(desk)).upload.id } }),
  },
  reportParts: {
    before: async (world) => {
      const { names, parts } = await aPart(world)
      return { names, body: { parts } }
    },
  },
  completeUpload: { before: anArrived },
  'completeUpload of parts': {
    before: async (world) => {
      const { names, parts } = await aPart(world)
      await report(world.desk, { id: names.upload }, ...parts)
      return { names }
    },
  },
  'completeUpload of another version': {
    before: anotherVersion,
  },
  'completeUpload where only the latest is kept': {
    before: async (world) => {
      ok(await world.study.admin.patch(world.study.path, { settings: { retention: 'latest' } }))
      return anotherVersion(world)
    },
  },
} satisfies Record<string, Flow>

const aLink =
  (delivery: 'redirect' | 'stream') =>
  async ({ study, participant, names }: World) => {
    const at = `${study.path}/files/${names['file']}/download-tokens`
    const { url } = ok(await participant.post(at, { seconds: 600, delivery }))
    return { names: { token: new URL(url).pathname.slice('/d/'.length) } }
  }
const spent = { doneBefore: [410], onlyOnce: true } as const
const template = { template: { participant: 'me' }, principal: 'participant:grace' }
const sharing = {
  issueDownloadToken: { body: { seconds: 600 } },
  revokeDownloadToken: {},
  grantAccess: { body: { level: 'content' }, before: async () => ({ names: { principal: 'participant:grace' } }) },
  revokeAccess: gone,
  applyGrants: { body: { ...template, level: 'content' } },
  revokeGrants: {
    body: template,
    before: async ({ study, participant }) => {
      ok(await participant.post(`${study.path}/files/grants:apply`, { ...template, level: 'content' }))
      return {}
    },
  },
  // A claim whose answer was lost is used up all the same: that is what single use means.
  confirmDownload: { caller: () => anonymous, before: aLink('redirect'), ...spent },
  'confirmDownload through the Worker': { caller: () => anonymous, before: aLink('stream'), ...spent },
} satisfies Record<string, Flow>

/** By the operation's id; one that is asked in several ways has more to its name. */
export const FLOWS: Readonly<Record<string, Flow>> = { ...documents, ...reports, ...people, ...files, ...sharing }

/** What changes nothing of a study that a fault could leave half done, and why. */
export const WITHOUT_FLOW: Readonly<Record<string, string>> = {
  searchFiles: 'it reads',
  replayErasures: 'it is of all studies, after their database was put back: test/jobs/restore.test.ts',
  moveStudy: 'there is one database: test/databases/moves.test.ts',
  createStudy: 'there is no study before it: test/api/idempotency-faults.test.ts',
}
