import { expect } from 'vitest'
import { fileIdOf } from '../../src/adapters/kidsfirst/ids.ts'
import { bridgeCallers } from './bridge.ts'
import { type Answer, type As, type Caller, callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'
import { sendingTo } from './faults.ts'
import { atHat, FILES as HAT_FILES, send } from './hat.ts'
import { pathOf } from './kidsfirst.ts'
import { upload as uploadVersion } from './kidsfirst-mutations.ts'
import { FILES as ALL_FILES, query } from './kidsfirst-queries.ts'
import { type Cost, meteredBindings } from './meters.ts'
import { asking, clientCredentials, type KeyPair, signed } from './mydatahelps.ts'
import { arrive, OWN, projectOf } from './mydatahelps-files.ts'
import { about, COMPLETE, DELETE, DIRECT, form, PROJECT, upload } from './openhumans.ts'
import { aFile, ok, type Participant, put, type Study } from './world.ts'

// The main calls of each adapter, as its clients make them, and what each of them costs.

/** What is asked and answered by one who is listened to. */
type Note = (operation: string, ask: () => Promise<Answer>) => Promise<Answer['body']>
/** `person` asks, by their own HAT too; with `bob` they share; `account` asks for the project. */
export type People = Readonly<{ study: Study; person: Participant; bob: Participant; account: KeyPair; host: string }>
type Asking = Readonly<People & { as: As; bindings: object; note: Note }>

async function bridge({ study, person, as, note }: Asking) {
  const clients = bridgeCallers(as)
  const files = '/v3/participants/self/files'
  const session = clients(person.key)
  ok(await session.get(files))
  await note('Bridge: sign in', async () =>
    clients().post('/v4/auth/signIn', { appId: study.id, email: `${person.id}@example.org`, password: person.key }),
  )
  const id = crypto.randomUUID()
  const begun = await note('Bridge: begin a file', async () =>
    session.post(`${files}/${id}`, { mimeType: 'text/plain' }),
  )
  await put(begun.uploadUrl)
  await note('Bridge: list own files, one of which has arrived', async () => session.get(files))
  await note('Bridge: list own files', async () => session.get(files))
  const data = '/v3/users/self/data/answers'
  await note('Bridge: save user data', async () => session.post(data, { data: { theme: 'dark' } }))
  await note('Bridge: get user data', async () => session.get(data))
  await note('Bridge: add a report', async () =>
    session.post(`/v4/users/self/reports/${person.id}-walks`, { date: '2026-11-21', data: { steps: 8211 } }),
  )
}

async function myDataHelps({ study, person, account, as, note }: Asking) {
  const assertion = await signed(account, 'account')
  const { access_token: token } = await note('MyDataHelps: token', async () =>
    asking(as())(clientCredentials(assertion)),
  )
  const service = as(token)
  const files = `${projectOf(study)}/files`
  const own = as(person.key)
  ok(await own.get(OWN))
  const begun = await note('MyDataHelps: begin', async () => own.post(`${OWN}?category=images&fileName=a.jpg`))
  await arrive(begun.preSignedUrl, 'image/jpeg')
  ok(await own.get(OWN))
  await note("MyDataHelps: list a project's files", async () => service.get(files))
  await note("MyDataHelps: list a participant's files", async () => service.get(`${files}?participantID=${person.id}`))
  await note('MyDataHelps: list own files', async () => own.get(OWN))
  await note('MyDataHelps: download', async () => service.get(`${files}/download?key=${begun.key}`))
}

async function openHumans({ study, person, as, note }: Asking) {
  const worker = as(study.worker.key)
  const exchange = async () => worker.get(`${PROJECT}/exchange-member/?project_member_id=${person.number}`)
  ok(await exchange())
  await note('Open Humans: exchange-member', exchange)
  const simple = await note('Open Humans: upload', async () => upload(worker, about(person)))
  const begun = await note('Open Humans: begin an upload', async () =>
    form(worker, DIRECT, { filename: 'a.json', ...about(person) }),
  )
  await put(begun.url)
  const member = { project_member_id: String(person.number) }
  await note('Open Humans: complete it', async () => form(worker, COMPLETE, { ...member, file_id: String(begun.id) }))
  const { data } = ok(await exchange())
  await note('Open Humans: download', async () => as().get(data[0].download_url))
  for (const { id } of [simple, begun]) {
    await note('Open Humans: delete', async () => form(worker, DELETE, { ...member, file_id: String(id) }))
  }
}

async function kidsFirst({ study, as, note }: Asking) {
  const staff: Caller = as(study.staff.key)
  const file = await aFile(study.staff, study, { participant: null, name: 'data.csv', mediaType: 'text/csv' })
  ok(await staff.get(pathOf(study, file)))
  await note('Kids First: download', async () => staff.get(pathOf(study, file)))
  const link = await note('Kids First: signed URL', async () =>
    staff.get(pathOf(study, file).replace('/download/', '/signed-url/')),
  )
  await note('Kids First: use it', async () => as().get(link.url))
  await note('Kids First: createVersion', async () => uploadVersion(staff, { fileId: fileIdOf(file.number) }))
  await note('Kids First: allFiles', async () => query(staff, ALL_FILES, { study: study.id, first: 20 }))
  await note('Kids First: allVersions', async () =>
    query(staff, `{ allVersions(first: 20) { edges { node { kfId fileName size } } } }`),
  )
  // The next time, there are as many.
  ok(await study.admin.delete(`${study.path}/files/${file.id}`))
}

async function hat({ person, bob, host, bindings, note }: Asking) {
  const owner = atHat(host, person.key, bindings)
  ok(await owner.post(`${HAT_FILES}/search`, { name: '', source: 'nowhere' }))
  const notes = { name: `${crypto.randomUUID()}.txt`, source: 'hat' }
  const begun = await note('HAT: upload', async () => owner.post(`${HAT_FILES}/upload`, notes))
  await send(begun.contentUrl)
  const at = `${HAT_FILES}/file/${begun.fileId}`
  await note('HAT: complete', async () => owner.put(`${at}/complete`))
  await note('HAT: get', async () => owner.get(at))
  await note('HAT: content', async () => owner.get(`${HAT_FILES}/content/${begun.fileId}`))
  await note('HAT: search', async () => owner.post(`${HAT_FILES}/search`, { name: '', source: 'hat' }))
  await note('HAT: share', async () => owner.get(`${HAT_FILES}/allowAccess/${begun.fileId}/${bob.id}?content=true`))
}

export type Measured = ReadonlyMap<string, Cost>

/** All of them, with one isolate's memory: which study a key is of is looked up before anything counts. */
export async function measureDoors(people: People): Promise<Measured> {
  const measured = new Map<string, Cost>()
  const { cost, bindings } = meteredBindings()
  const note: Note = async (operation, ask) => {
    Object.assign(cost, { trips: 0, rows: 0, written: 0 })
    for (const calls of [cost.kv, cost.r2, cost.asked]) calls.length = 0
    const answer = await ask()
    expect(answer.status, `${operation}: ${answer.text}`).toBeLessThan(400)
    measured.set(operation, { ...cost, kv: [...cost.kv], r2: [...cost.r2], asked: [...cost.asked] })
    return answer.body
  }
  const as = callersOf(sendingTo(bindings), () => ORIGIN)
  for (const measure of [bridge, myDataHelps, openHumans, kidsFirst, hat])
    await measure({ ...people, as, bindings, note })
  return measured
}
