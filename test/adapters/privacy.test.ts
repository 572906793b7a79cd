import { env } from 'cloudflare:workers'
import { afterEach, expect, test, vi } from 'vitest'
import { bridgeCallers } from '../support/bridge.ts'
import { type Answer, type As, callersOf } from '../support/callers.ts'
import { expectNone, listening, secretsIn } from '../support/canaries.ts'
import { ORIGIN } from '../support/client.ts'
import { sendingTo } from '../support/faults.ts'
import { aHost, FILES } from '../support/hat.ts'
import * as kidsFirst from '../support/kidsfirst-mutations.ts'
import * as myDataHelps from '../support/mydatahelps.ts'
import { arrive, filesOf, OWN } from '../support/mydatahelps-files.ts'
import { DELETE, form, METADATA, PROJECT, upload } from '../support/openhumans.ts'
import { aKey, aParticipant, aStudy, objectKeyOf, ok, type Participant, put, type Study } from '../support/world.ts'

// Whatever is said at the foreign doors, and whatever opens them, is in no log line, event, message, record of KV or
// refusal: but where a refusal tells its caller what they have just asked for themselves.

afterEach(() => vi.restoreAllMocks())

/** Odd enough to be found in any spelling that keeps it. */
const marked = (place: string) => `Zoulou3-${place}`
const MARKED = /zoulou3/i

type Visit = Readonly<{
  study: Study
  ada: Participant
  bob: Participant
  /** Callers of the Worker that is listened to, at its own host or the HAT's. */
  as: As
  at: (host: string) => As
}>

async function visiting(flow: (visit: Visit) => Promise<void>) {
  const study = await aStudy({ allowPublic: true })
  const ada = await aParticipant(study, {
    id: 'ada',
    externalId: marked('external'),
    email: 'zoulou3@example.org',
    phone: '+351200300400',
    firstName: marked('first'),
    lastName: marked('last'),
  })
  const bob = await aParticipant(study, { id: 'bob' })
  const ear = listening()
  const secrets: string[] = []
  const refusals: string[] = []
  const overhear = async (request: Request, answer: Answer) => {
    secrets.push(...secretsIn(`${answer.text} ${answer.headers.get('Location') ?? ''}`))
    const shown = ['Authorization', 'Bridge-Session', 'X-Auth-Token', 'Password'].map((name) =>
      request.headers.get(name),
    )
    secrets.push(...shown.flatMap((header) => header?.split(' ').at(-1) ?? []))
    // What their own path names may be told to callers again.
    const echoed = new URL(request.url).pathname
      .split('/')
      .map(decodeURIComponent)
      .filter((word) => MARKED.test(word))
    if (answer.status >= 400) refusals.push(echoed.reduce((text, word) => text.replaceAll(word, ''), answer.text))
  }
  const at = (host: string) => callersOf(sendingTo(ear.bindings), () => `http://${host}`, overhear)
  await flow({ study, ada, bob, at, as: at(new URL(ORIGIN).host) })
  expect(secrets.length).toBeGreaterThan(3)
  expect(refusals.length).toBeGreaterThan(1)
  const heard = await ear.heard(study)
  expect([heard['events'], heard['messages'], heard['lines']].filter((each) => (each ?? '').length < 100)).toEqual([])
  expectNone({ ...heard, refusals: refusals.join('\n') }, MARKED, secrets)
}

test('at Bridge', async () => {
  await visiting(async ({ study, ada, bob, as }) => {
    const bridge = bridgeCallers(as)
    const account = { appId: study.id, email: 'zoulou3@example.org' }
    const session = ok(await bridge().post('/v4/auth/signIn', { ...account, password: ada.key }))
    await bridge().post('/v4/auth/signIn', { ...account, password: bob.key })
    await bridge().post('/v3/auth/reauth', { ...account, reauthToken: session.reauthToken })
    const phone = bridge(session.sessionToken)
    const own = (identifier: string) => `/v3/users/self/data/${marked(identifier)}`
    ok(await phone.post(own('data'), { data: { [marked('field')]: marked('value') } }))
    ok(await phone.get(own('data')))
    const file = `/v3/participants/self/files/${marked('handle')}.pdf`
    const begun = ok(await phone.post(file, { mimeType: 'application/pdf' }))
    await put(begun.uploadUrl, marked('content'))
    ok(await phone.get('/v3/participants/self/files'))
    expect((await phone.get(file)).status).toBe(302)
    const record = { date: '2026-11-21', data: { note: marked('note') } }
    ok(await phone.post(`/v3/users/self/reports/${marked('report')}`, record))
    ok(await bridge(study.worker.key).get(`/v4/participants/ada/reports/${marked('report')}`))
    // Refused: not there, not theirs, and nothing that can be read.
    await bridge(bob.key).get(file)
    await bridge(bob.key).get(`/v1/apps/${study.id}/participants/ada/data/${marked('data')}`)
    await phone.post(own('other'), `{"data": ${marked('broken')}`)
    ok(await phone.delete(own('data')))
    ok(await phone.delete(file))
    await phone.get(file)
    ok(await phone.post('/v3/auth/signOut'))
  })
})

test('at MyDataHelps', async () => {
  await visiting(async ({ study, ada, bob, as }) => {
    const [keys, name] = [await myDataHelps.aKeyPair(), marked(`service.${study.id}`)]
    await myDataHelps.aServiceAccount(study, name, keys)
    const asking = myDataHelps.asking(as())
    const assertion = await myDataHelps.signed(keys, name)
    const service = ok(await asking(myDataHelps.clientCredentials(assertion))).access_token
    await asking(myDataHelps.clientCredentials(assertion))
    const token = ok(await asking(myDataHelps.delegatedParticipant(service, ada.id))).access_token
    const app = as(token)
    const begun = ok(await app.post(`${OWN}?category=${marked('category')}&fileName=${marked('file')}.jpg`))
    await arrive(begun.preSignedUrl, 'image/jpeg')
    const key = encodeURIComponent(begun.key)
    ok(await app.get(`${OWN}?category=${marked('category')}`))
    ok(await app.get(`${OWN}/download?key=${key}`))
    const project = as(service)
    ok(await project.get(`${filesOf(study)}?participantIdentifier=${marked('external')}`))
    ok(await project.get(`${filesOf(study)}/UploadedFiles.csv`))
    ok(await project.get(`${filesOf(study)}/download?key=${key}`))
    await as(bob.key).get(`${OWN}/download?key=${key}`)
    await as(study.staff.key).delete(`${filesOf(study)}?key=${key}`)
    ok(await app.delete(`${OWN}?key=${key}`))
    await app.get(`${OWN}/download?key=${key}`)
    const kept = await env.DB.prepare('SELECT * FROM assertions WHERE study_id = ?').bind(study.id).all()
    expect(JSON.stringify(kept.results)).not.toContain(assertion.split('.')[1])
  })
})

test('at Open Humans', async () => {
  await visiting(async ({ study, ada, bob, as }) => {
    const app = await aKey(study, { role: 'worker', label: marked('app') })
    const { code } = ok(await study.admin.post(`${study.path}/participants/ada/enrolment-codes`, { label: 'phone' }))
    const client = { client_id: marked('app'), client_secret: app.key ?? '', grant_type: 'authorization_code', code }
    const { access_token: token } = ok(await form(as(), '/oauth2/token/', client))
    const master = as(study.worker.key)
    const said = { tags: [marked('tag')], description: marked('description'), [marked('more')]: marked('value') }
    const of = { project_member_id: String(ada.number) }
    const sent = { filename: `${marked('file')}.csv`, content: marked('content') }
    ok(await upload(master, { ...of, metadata: JSON.stringify(said) }, sent))
    const told = ok(await as(token).get(`${PROJECT}/exchange-member/`))
    await as().get(told.data[0].download_url)
    await form(as(bob.key), DELETE, { ...of, file_basename: sent.filename })
    await upload(as(`${study.worker.key}x`), { ...of, metadata: METADATA }, sent)
    ok(await form(master, DELETE, { ...of, file_basename: sent.filename }))
    // A code that comes twice ends what it gave.
    await form(as(), '/oauth2/token/', client)
  })
})

test('at Kids First', async () => {
  const { mutate } = kidsFirst
  await visiting(async ({ study, bob, as }) => {
    const admin = as(study.admin.key)
    const file = { filename: `${marked('file')}.csv`, content: marked('content') }
    const made = ok(await kidsFirst.upload(admin, { study: study.id, description: marked('description') }, file))
    const { version } = made.data.createVersion
    const named = { name: marked('name'), description: marked('about'), fileType: 'OTH', tags: [marked('tag')] }
    const { kfId } = ok(await mutate(admin, kidsFirst.CREATE_FILE, { ...named, version: version.id })).data.createFile
      .file
    ok(await mutate(admin, kidsFirst.UPDATE_FILE, { kfId, name: marked('other') }))
    const { url } = ok(await mutate(admin, kidsFirst.SIGNED_URL, { studyId: study.id, fileId: kfId })).data.signedUrl
    expect((await as().get(url)).text).toBe(marked('content'))
    expect((await as().get(url)).status).toBe(401)
    const { token } = ok(await mutate(admin, kidsFirst.CREATE_TOKEN, { name: marked('token') })).data.createDevToken
      .token
    const path = `/download/study/${study.id}/file/${kfId}`
    ok(await as().get(path, { Authorization: `Token ${token}` }))
    ok(await as().get(`${path}?token=${token}`))
    await as(bob.key).get(path)
    await mutate(as(bob.key), kidsFirst.DELETE_FILE, { kfId })
    await as().get(`${path}?token=${marked('garbage')}`)
    ok(await mutate(admin, kidsFirst.DELETE_TOKEN, { name: marked('token') }))
    ok(await mutate(admin, kidsFirst.DELETE_FILE, { kfId }))
  })
})

test('at a HAT', async () => {
  await visiting(async ({ study, ada, bob, at }) => {
    const host = await aHost(study, ada)
    const hat = at(host)()
    const headers = (token: string) => ({ 'X-Auth-Token': token, 'Content-Type': 'application/json' })
    const signIn = { username: 'zoulou3@example.org', password: ada.key ?? '' }
    const { accessToken } = ok(await hat.get('/users/access_token', signIn))
    await hat.get('/users/access_token', { ...signIn, password: bob.key ?? '' })
    const owner = headers(accessToken)
    const file = {
      name: `${marked('file')}.txt`,
      source: marked('source'),
      title: marked('title'),
      description: marked('description'),
      tags: [marked('tag')],
    }
    const { fileId, contentUrl } = ok(await hat.post(`${FILES}/upload`, file, owner))
    await env.BUCKET.put(objectKeyOf(contentUrl), marked('content'))
    ok(await hat.put(`${FILES}/file/${fileId}/complete`, undefined, owner))
    ok(await hat.post(`${FILES}/search`, { source: marked('source'), name: '' }, owner))
    ok(await hat.get(`${FILES}/allowAccess/${fileId}/bob?content=true`, owner))
    await hat.get(`${FILES}/content/${fileId}`, headers(bob.key ?? ''))
    ok(await hat.get(`${FILES}/restrictAccess/${fileId}/bob`, owner))
    await hat.get(`${FILES}/content/${fileId}`, headers(bob.key ?? ''))
    await hat.put(`${FILES}/file/${fileId}`, { ...file, title: marked('theirs') }, headers(bob.key ?? ''))
    await hat.post(`${FILES}/upload`, { name: [marked('wrong')] }, owner)
    ok(await hat.delete(`${FILES}/file/${fileId}`, owner))
    await hat.get(`${FILES}/file/${fileId}`, owner)
  })
})
