import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { anonymous, type Caller, operator } from '../support/client.ts'
import { eraseQuietly, heldJobs, receiptOf, sweepUntilDone } from '../support/erasures.ts'
import { within } from '../support/faults.ts'
import { keepRows } from '../support/kept.ts'
import { type DescribedOperation, operations, pathOf } from '../support/operations.ts'
import { LOGIN, signedIn } from '../support/tokens.ts'
import { aFile, aKey, aParticipant, aStudy, begin, ok, put, type Study } from '../support/world.ts'

const at = (study: { path: string }, id: string) => `${study.path}/participants/${id}`
const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => `${status} ${body.code}`

describe('a participant is erased', () => {
  test('by themselves, and are told how far it is without a key, or with the one that is dead', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    const { status, body, headers } = await ada.delete(at(study, 'me'))
    expect(status).toBe(202)
    expect(body).toMatchObject({ kind: 'participant', participant: 'ada', state: 'erasing', doneAt: null })
    const receipt = headers.get('Location') ?? ''
    expect(receipt).toBe(`${study.path}/erasures/${body.id}`)
    expect(codeOf(await ada.get(at(study, 'me')))).toBe('401 unauthenticated')
    expect(codeOf(await ada.delete(at(study, 'me')))).toBe('401 unauthenticated')
    for (const caller of [ada, anonymous, study.staff, await aParticipant(study)]) {
      expect(ok(await caller.get(receipt))).toMatchObject({ id: body.id, participant: null })
    }
    for (const caller of [study.admin, operator]) expect(ok(await caller.get(receipt)).id).toBe(body.id)
  })

  test('by an admin, who is answered the same receipt again, whose it is included', async () => {
    const study = await aStudy()
    await aParticipant(study, { id: 'ada' })
    const { JOBS } = heldJobs()
    const admin = within({ JOBS }, study.admin)
    const [first, second] = await Promise.all([admin.delete(at(study, 'ada')), admin.delete(at(study, 'ada'))])
    expect(ok(first)).toEqual(ok(second))
    expect(ok(await admin.delete(at(study, 'ada')))).toEqual(first.body)
    expect(ok(await study.admin.get(`${study.path}/erasures/${first.body.id}`)).participant).toBe('ada')
    const done = await sweepUntilDone(first.body)
    expect(done.doneAt).toEqual(expect.any(String))
    // There is nobody left to erase.
    expect(codeOf(await admin.delete(at(study, 'ada')))).toBe('404 participant_not_found')
  })

  test('when they have withdrawn, too', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    ok(await study.admin.patch(at(study, 'ada'), { status: 'withdrawn' }))
    expect((await ada.delete(at(study, 'ada'))).status).toBe(202)
    expect(codeOf(await ada.get(at(study, 'me')))).toBe('401 unauthenticated')
  })

  test('by nobody else', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    for (const caller of [study.staff, study.worker]) {
      expect(codeOf(await caller.delete(at(study, 'ada')))).toBe('403 forbidden')
    }
    for (const caller of [await aParticipant(study), study.download, operator]) {
      expect(codeOf(await caller.delete(at(study, 'ada')))).toBe('404 participant_not_found')
    }
    const elsewhere = await aStudy()
    for (const caller of [elsewhere.admin, await aParticipant(elsewhere, { id: 'ada' })]) {
      expect(codeOf(await caller.delete(at(study, 'ada')))).toBe('404 study_not_found')
    }
    expect(codeOf(await anonymous.delete(at(study, 'ada')))).toBe('401 unauthenticated')
    for (const nobody of ['me', 'absent', '%F0%9F%8C%B8', 'a%27%20OR%201%3D1']) {
      expect(codeOf(await study.admin.delete(at(study, nobody)))).toBe('404 participant_not_found')
    }
    expect(ok(await ada.get(at(study, 'me'))).status).toBe('active')
    const { results } = await env.DB.prepare('SELECT 1 FROM erasures WHERE study_id = ?').bind(study.id).all()
    expect(results).toEqual([])
  })

  test('with the ways in that were theirs: keys, a sign-in and a code', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    const jwt = await signedIn('ada')
    const other = await aKey(study, { role: 'participant', participant: 'ada' })
    const member = { issuer: LOGIN.issuer, subject: 'ada', role: 'participant', participant: 'ada' }
    ok(await study.admin.post(`${study.path}/members`, member))
    for (const caller of [ada, other, jwt]) ok(await caller.get(`${study.path}/files`))
    const { code } = ok(await study.admin.post(`${at(study, 'ada')}/enrolment-codes`, { label: 'phone' }))
    await eraseQuietly(study.admin, at(study, 'ada'))
    for (const caller of [ada, other]) expect((await caller.get(`${study.path}/files`)).status).toBe(401)
    expect((await jwt.get(`${study.path}/files`)).status).toBe(404)
    expect((await anonymous.post('/v1/enrolments', { code })).status).toBe(410)
    // And they are given no other.
    const refused = [
      await study.admin.post(`${study.path}/keys`, { role: 'participant', participant: 'ada', label: 'new' }),
      await study.admin.post(`${study.path}/members`, { ...member, subject: 'b' }),
      await study.admin.post(`${at(study, 'ada')}/enrolment-codes`, { label: 'b' }),
      await study.admin.patch(at(study, 'ada'), { status: 'active' }),
    ]
    for (const { status, text } of refused) expect([403, 404, 422], text).toContain(status)
    expect(ok(await study.admin.get(at(study, 'ada'))).status).toBe('erasing')
  })

  test('and their contact fields go at once, their external id is free at once, their id when all is done', async () => {
    const study = await aStudy()
    const person = { externalId: 'PT-1', email: 'ada@example.org', phone: '+15555550123', firstName: 'Ada' }
    const ada = await aParticipant(study, { id: 'ada', labels: ['pilot'], ...person })
    await aFile(ada, study)
    const audited = async () =>
      env.DB.prepare('SELECT audit_id FROM participants WHERE study_id = ? AND id = ?')
        .bind(study.id, 'ada')
        .first('audit_id')
    const before = await audited()
    const erasure = await eraseQuietly(study.admin, at(study, 'ada'))
    expect(ok(await study.admin.get(at(study, 'ada')))).toMatchObject({
      externalId: null,
      email: null,
      phone: null,
      firstName: null,
      labels: [],
      status: 'erasing',
    })
    await aParticipant(study, person)
    const enrol = async () => study.admin.post(`${study.path}/participants`, { id: 'ada' })
    expect(codeOf(await enrol())).toBe('409 participant_exists')
    await sweepUntilDone(erasure)
    expect((await enrol()).status).toBe(201)
    const again = await aKey(study, { role: 'participant', participant: 'ada' })
    expect(ok(await again.get(`${study.path}/files`)).items).toEqual([])
    expect(await audited()).not.toBe(before)
    expect((await ada.get(`${study.path}/files`)).status).toBe(401)
    // The receipt of who was here before is not theirs.
    expect(ok(await again.get(`${study.path}/erasures/${erasure.id}`)).participant).toBeNull()
    expect(ok(await again.delete(at(study, 'me'))).id).not.toBe(erasure.id)
  })

  test('and erasures are listed for admins and the operator, latest first, page by page', async () => {
    const study = await aStudy()
    const ids = []
    for (const id of ['a', 'b', 'c']) {
      await aParticipant(study, { id })
      ids.unshift((await eraseQuietly(study.admin, at(study, id))).id)
    }
    const list = async (query: string, caller: Caller = study.admin) => caller.get(`${study.path}/erasures?${query}`)
    const { items, nextCursor } = ok(await list('limit=2'))
    const rest = ok(await list(`limit=2&cursor=${nextCursor}`, operator))
    expect([...items, ...rest.items].map(({ id }: { id: string }) => id)).toEqual(ids)
    expect([items[0].participant, rest.items[0].participant, rest.nextCursor]).toEqual(['c', 'a', null])
    for (const caller of [study.staff, study.worker, study.download, await aParticipant(study)]) {
      expect(codeOf(await list('', caller))).toBe('403 forbidden')
    }
    expect(codeOf(await list('cursor=x'))).toBe('400 cursor_invalid')
    expect(codeOf(await study.admin.get(`${study.path}/erasures/era_00000000000000000000000000`))).toBe(
      '404 erasure_not_found',
    )
    // By another study's path it is no erasure.
    const elsewhere = await aStudy()
    expect(codeOf(await operator.get(`${elsewhere.path}/erasures/${ids[0]}`))).toBe('404 erasure_not_found')
  })
})

/** One of each thing of somebody's, shared as widely as can be; all that is said of it holds the mark. */
async function aMarked(study: Study) {
  const mark = `mark-${crypto.randomUUID()}`
  const ada = await aParticipant(study, { id: 'ada', externalId: mark, firstName: mark })
  const grace = await aParticipant(study, { id: 'grace' })
  const said = { name: `${mark}.txt`, title: mark, description: mark, tags: [mark], visibility: 'public' }
  const file = await aFile(ada, study, { ...said, metadata: { mark } })
  const { upload } = await begin(ada, study, said)
  const link = ok(await study.staff.post(`${study.path}/files/${file.id}/download-tokens`, { seconds: 600 }))
  const principal = 'participant:grace'
  ok(await ada.put(`${study.path}/files/${file.id}/grants/${principal}`, { level: 'content' }))
  ok(await ada.put(`${at(study, 'me')}/files/${mark}`, { ...said, mediaType: 'text/plain', size: 1 }))
  ok(await ada.put(`${at(study, 'me')}/documents/${mark}`, { mark }))
  ok(await ada.put(`${at(study, 'me')}/reports/${mark}/entries/2026-11-21`, { mark }))
  const names = {
    study: study.id,
    participant: 'ada',
    file: file.id,
    handle: mark,
    upload: upload.id,
    version: file.version.id,
    token: link.id,
    principal,
    identifier: mark,
    at: '2026-11-21',
    key: ada.keyId,
    member: 'mem_00000000000000000000000000',
    code: ok(await study.admin.post(`${at(study, 'ada')}/enrolment-codes`, { label: 'phone' })).id,
    erasure: 'era_00000000000000000000000000',
  }
  return { mark, names, link, upload, callers: { ...study, grace, anonymous, ada } }
}

/** What of this operation an id is said by design: it holds no thing of theirs. */
const TELLS_IDS = /\/(audit|participants|keys|erasures)/
const isOn = ({ template }: DescribedOperation) => /\{(participant|file|upload|handle)\}/.test(template)

describe('from the answer on', () => {
  test('nothing of theirs is seen, by anyone, on any route', async () => {
    const study = await aStudy({ allowPublic: true })
    const { mark, names, link, callers } = await aMarked(study)
    const reads = (await operations()).filter(({ method }) => method === 'GET')
    async function seen() {
      const where: string[] = []
      for (const [name, caller] of Object.entries(callers)) {
        if (typeof caller !== 'object' || name === 'ada') continue
        for (const operation of reads) {
          const { status, text, headers } = await caller.get(pathOf(operation, names))
          const all = text + (headers.get('Location') ?? '')
          const told = all.includes(mark) || (!TELLS_IDS.test(operation.template) && all.includes(names.file))
          const isTheirs = operation.template.includes('{file}') && status < 400
          if ((told && status < 400) || isTheirs) where.push(`${name} ${operation.template}`)
        }
      }
      return where
    }
    expect((await seen()).length).toBeGreaterThan(40)
    const erasure = await eraseQuietly(study.admin, at(study, 'ada'))
    expect(await seen()).toEqual([])
    expect([404, 410]).toContain((await anonymous.get(link.url)).status)
    for (const query of [`q=${mark}`, `tag=${mark}`, 'participant=ada', 'status=pending']) {
      expect(ok(await study.admin.get(`${study.path}/files?${query}`)).items).toEqual([])
    }
    await sweepUntilDone(erasure)
    expect(await seen()).toEqual([])
  })

  test('nothing of theirs is written, by anyone, on any route', async () => {
    const study = await aStudy({ allowPublic: true })
    const { names, upload, callers } = await aMarked(study)
    await put(upload.url)
    const erasure = await eraseQuietly(study.admin, at(study, 'ada'))
    const kept = await keepRows(study)
    const writes = (await operations()).filter((operation) => operation.method !== 'GET' && isOn(operation))
    expect(writes.length).toBeGreaterThan(15)
    // A code that is good for nothing can still be withdrawn.
    const harmless = ['eraseParticipant', 'revokeEnrolmentCode']
    for (const operation of writes.filter(({ id }) => !harmless.includes(id))) {
      for (const name of ['admin', 'worker', 'staff', 'grace', 'ada'] as const) {
        const method = operation.method === 'PUT' ? 'put' : operation.method === 'PATCH' ? 'patch' : 'post'
        const path = pathOf(operation, names)
        const type = { 'Content-Type': operation.body?.type ?? '' }
        const { status, text } =
          operation.method === 'DELETE'
            ? await callers[name].delete(path)
            : await callers[name][method](path, operation.body?.example, type)
        expect(status, `${name} ${operation.id} ${text}`).toBeGreaterThanOrEqual(400)
      }
    }
    const named = { name: 'x.txt', mediaType: 'text/plain', size: 1, participant: 'ada' }
    expect((await study.worker.post(`${study.path}/files`, named)).status).toBe(403)
    expect(await kept.changed()).toEqual([])
    await sweepUntilDone(erasure)
  })
})

test('whoever has completed an upload for somebody is not told of the file again once they are being erased', async () => {
  const study = await aStudy()
  await aParticipant(study, { id: 'ada' })
  const { upload } = await begin(study.worker, study, { participant: 'ada', visibility: 'study' })
  await put(upload.url)
  const complete = async () => study.worker.post(`${study.path}/uploads/${upload.id}/complete`)
  expect([(await complete()).status, (await complete()).status]).toEqual([200, 200])
  const { JOBS } = heldJobs()
  expect((await within({ JOBS }, study.admin).delete(at(study, 'ada'))).status).toBe(202)
  expect(codeOf(await complete())).toBe('404 upload_not_found')
})

test('a receipt that is kept by whoever has it says nothing of anybody', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study, { id: 'ada', externalId: 'PT-77' })
  await aFile(ada, study, { name: 'secret-name.txt' })
  const erasure = await sweepUntilDone(await eraseQuietly(ada, at(study, 'me')))
  const text = JSON.stringify(await receiptOf(erasure))
  for (const word of ['ada', 'PT-77', 'secret-name', 'ptc_']) expect(text).not.toContain(word)
})
