import { describe, expect, test } from 'vitest'
import { anonymous, operator } from '../support/client.ts'
import { aFile, aParticipant, aStudy, begin, HELLO, ok, put, type Study } from '../support/world.ts'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
const CONTACT = { email: 'ada@example.org', phone: '+15555550123', firstName: 'Ada', lastName: 'Lovelace' }
const NO_CONTACT = { email: null, phone: null, firstName: null, lastName: null }
const enrol = async (study: Study, participant: object = {}) =>
  study.admin.post(`${study.path}/participants`, participant)
const at = (study: Study, id: string) => `${study.path}/participants/${encodeURIComponent(id)}`

describe('a participant', () => {
  test('is enrolled with a UUID, a number of eight digits, and no more', async () => {
    const study = await aStudy()
    const enrolled = await enrol(study)
    expect(enrolled.status).toBe(201)
    expect(enrolled.body).toEqual({
      id: expect.stringMatching(UUID),
      number: expect.any(Number),
      externalId: null,
      labels: [],
      status: 'active',
      createdAt: expect.stringMatching(/Z$/),
      ...NO_CONTACT,
    })
    expect(String(enrolled.body.number)).toMatch(/^[1-9]\d{7}$/)
    expect(ok(await study.admin.get(at(study, enrolled.body.id)))).toEqual(enrolled.body)
  })

  test('is enrolled with all that the study chooses', async () => {
    const study = await aStudy()
    const chosen = { id: 'ada', number: 10_000_000, externalId: 'PT 1/ä', labels: ['pilot', 'north'], ...CONTACT }
    expect(ok(await enrol(study, chosen))).toEqual({ ...chosen, status: 'active', createdAt: expect.any(String) })
  })

  test.each(['p', 'a b', 'a/b', '100%', '%41', 'ä\u202Eb', '名前', '__proto__', 'Me', 'x'.repeat(255)])(
    'can be called %j',
    async (id) => {
      const study = await aStudy()
      const enrolled = ok(await enrol(study, { id }))
      expect(enrolled.id).toBe(id)
      expect(ok(await study.admin.get(at(study, id)))).toEqual(enrolled)
    },
  )

  test.each(['me', 'self', '.', '..', '', 'x'.repeat(256), 'a\u0000', 'a\nb', 'a\u0085', '\ud800', 7, null])(
    'cannot be called %j',
    async (id) => {
      const study = await aStudy()
      expect(await enrol(study, { id })).toMatchObject({ status: 422, body: { errors: [{ pointer: '/id' }] } })
      expect(ok(await study.admin.get(`${study.path}/participants`)).items).toEqual([])
    },
  )

  test.each([
    [{ number: 9_999_999 }, '/number'],
    [{ number: 100_000_000 }, '/number'],
    [{ number: '10000000' }, '/number'],
    [{ email: 'no address' }, '/email'],
    [{ phone: '5555550123' }, '/phone'],
    [{ firstName: '' }, '/firstName'],
    [{ labels: ['ok', 'a\u0007'] }, '/labels/1'],
    [{ labels: 'pilot' }, '/labels'],
    [{ externalId: '' }, '/externalId'],
    [{ status: 'withdrawn' }, '/status'],
  ])('cannot be enrolled with %j', async (participant, pointer) => {
    const study = await aStudy()
    expect(await enrol(study, participant)).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
  })

  test.each(['id', 'number', 'externalId', 'email', 'phone'] as const)(
    'has an %s that no other one of the study has',
    async (field) => {
      const study = await aStudy()
      const chosen = { id: 'ada', number: 12_345_678, externalId: 'PT-1', ...CONTACT }
      ok(await enrol(study, chosen))
      const refused = await enrol(study, { [field]: chosen[field] })
      expect(refused).toMatchObject({ status: 409, body: { code: 'participant_exists' } })
      expect(refused.body.detail).toContain(` ${field}.`)
      // The request's id is random, and may look like anything.
      expect(JSON.stringify({ ...refused.body, requestId: '' })).not.toContain(String(chosen[field]))
      // Another study knows nothing of it.
      expect((await enrol(await aStudy(), chosen)).status).toBe(201)
    },
  )

  test('cannot be given what another one has', async () => {
    const study = await aStudy()
    ok(await enrol(study, { id: 'ada', externalId: 'PT-1', ...CONTACT }))
    ok(await enrol(study, { id: 'grace', externalId: 'PT-2' }))
    for (const taken of [{ externalId: 'PT-1' }, { email: CONTACT.email }, { phone: CONTACT.phone }]) {
      expect(await study.admin.patch(at(study, 'grace'), taken)).toMatchObject({ status: 409 })
    }
    expect(ok(await study.admin.get(at(study, 'grace')))).toMatchObject({ externalId: 'PT-2', ...NO_CONTACT })
    ok(await study.admin.patch(at(study, 'ada'), { externalId: null }))
    expect(ok(await study.admin.patch(at(study, 'grace'), { externalId: 'PT-1' })).externalId).toBe('PT-1')
  })

  test('is changed field by field, by an admin', async () => {
    const study = await aStudy()
    const first = ok(await enrol(study, { id: 'ada', externalId: 'PT-1', ...CONTACT }))
    const changed = ok(await study.admin.patch(at(study, 'ada'), { labels: ['late'], email: null }))
    expect(changed).toEqual({ ...first, labels: ['late'], email: null })
    expect(ok(await study.admin.patch(at(study, 'ada'), {}))).toEqual(changed)
    for (const refused of [{ id: 'b' }, { number: 12_345_678 }, { status: 'erasing' }, { labels: null }]) {
      expect(await study.admin.patch(at(study, 'ada'), refused)).toMatchObject({ status: 422 })
    }
    for (const caller of [study.worker, study.staff]) {
      expect(await caller.patch(at(study, 'ada'), { labels: [] })).toMatchObject({ status: 403 })
    }
    expect(await study.download.patch(at(study, 'ada'), { labels: [] })).toMatchObject({ status: 404 })
    expect(await anonymous.patch(at(study, 'ada'), { labels: [] })).toMatchObject({ status: 401 })
  })

  test('is enrolled by admins only', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    for (const caller of [study.worker, study.staff, study.download, participant, operator]) {
      expect(await caller.post(`${study.path}/participants`, {})).toMatchObject({ status: 403 })
    }
    expect(await anonymous.post(`${study.path}/participants`, {})).toMatchObject({ status: 401 })
    const other = await aStudy()
    const stranger = await other.admin.post(`${study.path}/participants`, { id: 'intruder' })
    expect(stranger).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
    expect(ok(await study.admin.get(`${study.path}/participants`)).items).toHaveLength(1)
  })
})

describe('what is known of a participant', () => {
  test("is read by oneself as `me`, and by one's own id", async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada', ...CONTACT })
    const own = ok(await ada.get(at(study, 'me')))
    expect(own).toMatchObject({ id: 'ada', number: ada.number, ...CONTACT })
    expect(ok(await ada.get(at(study, 'ada')))).toEqual(own)
    expect(await ada.patch(at(study, 'me'), { firstName: 'Augusta' })).toMatchObject({ status: 403 })
  })

  test('is not told to another participant, who learns not even that it is there', async () => {
    const study = await aStudy()
    await aParticipant(study, { id: 'ada' })
    const grace = await aParticipant(study)
    const [there, absent] = [await grace.get(at(study, 'ada')), await grace.get(at(study, 'nobody'))]
    expect(there).toMatchObject({ status: 404, body: { code: 'participant_not_found' } })
    expect({ ...there.body, requestId: '' }).toEqual({ ...absent.body, requestId: '' })
    expect(await grace.patch(at(study, 'ada'), { labels: [] })).toMatchObject({ status: 404 })
    expect(await grace.get(`${study.path}/participants`)).toMatchObject({ status: 403 })
    expect(await grace.get(`${study.path}/participants?externalId=x`)).toMatchObject({ status: 403 })
  })

  test('is told to staff without the contact fields, in lists too', async () => {
    const study = await aStudy()
    ok(await enrol(study, { id: 'ada', externalId: 'PT-1', labels: ['pilot'], ...CONTACT }))
    const seen = await study.staff.get(at(study, 'ada'))
    expect(Object.keys(seen.body).toSorted()).toEqual(
      ['id', 'number', 'externalId', 'labels', 'status', 'createdAt'].toSorted(),
    )
    const listed = await study.staff.get(`${study.path}/participants?externalId=PT-1`)
    expect(listed.body.items).toEqual([seen.body])
    for (const value of Object.values(CONTACT)) expect(seen.text + listed.text).not.toContain(value)
    for (const caller of [study.admin, study.worker]) {
      expect(ok(await caller.get(at(study, 'ada')))).toMatchObject(CONTACT)
      expect(ok(await caller.get(`${study.path}/participants`)).items).toMatchObject([CONTACT])
    }
  })

  test('`me` is nobody where the caller is no participant', async () => {
    const study = await aStudy()
    for (const caller of [study.admin, study.staff, study.worker, study.download]) {
      expect(await caller.get(at(study, 'me'))).toMatchObject({ status: 404, body: { code: 'participant_not_found' } })
    }
    expect(await anonymous.get(at(study, 'me'))).toMatchObject({ status: 401 })
    const stranger = await aParticipant(await aStudy())
    expect(await stranger.get(at(study, 'me'))).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
  })

  test('is listed by id, page by page, and found by external id', async () => {
    const study = await aStudy()
    for (const id of ['c', 'a', 'e', 'b', 'd']) ok(await enrol(study, { id, externalId: `ext-${id}` }))
    const list = async (query: string) => ok(await study.worker.get(`${study.path}/participants?${query}`))
    const ids = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id)
    const first = await list('limit=2')
    expect(ids(first)).toEqual(['a', 'b'])
    // A cursor names a place: what comes in before it does not move it, what comes in after it is shown.
    for (const id of ['aa', 'cc']) ok(await enrol(study, { id }))
    const second = await list(`limit=3&cursor=${first.nextCursor}`)
    expect(ids(second)).toEqual(['c', 'cc', 'd'])
    const third = await list(`limit=3&cursor=${second.nextCursor}`)
    expect([ids(third), third.nextCursor]).toEqual([['e'], null])
    expect(ids(await list('externalId=ext-d'))).toEqual(['d'])
    expect(ids(await list('externalId=ext'))).toEqual([])
  })
})

describe('a withdrawn participant', () => {
  /** One who has a file, another upload under way, and has left. */
  async function aWithdrawn() {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    const file = await aFile(ada, study, { visibility: 'study' })
    const { upload } = await begin(ada, study)
    const withdrawn = ok(await study.admin.patch(at(study, 'ada'), { status: 'withdrawn' }))
    expect(withdrawn.status).toBe('withdrawn')
    return { study, ada, upload, file, path: `${study.path}/files/${file.id}` }
  }
  const HELLO_FILE = { name: 'x.txt', mediaType: 'text/plain', size: HELLO.length }

  test('reads what is theirs', async () => {
    const { study, ada, file, path } = await aWithdrawn()
    expect(ok(await ada.get(at(study, 'me'))).status).toBe('withdrawn')
    expect(ok(await ada.get(path)).id).toBe(file.id)
    expect((await ada.get(`${path}/content`)).status).toBe(302)
    expect(ok(await ada.get(`${study.path}/files`)).items).toHaveLength(1)
    expect(ok(await ada.get(`${study.path}/keys/self`)).participant).toBe('ada')
  })

  test('writes nothing, and nobody writes what is theirs', async () => {
    const { study, ada, upload, path } = await aWithdrawn()
    await put(upload.url)
    const handle = `${at(study, 'ada')}/files/notes`
    const mine = [
      await ada.post(`${study.path}/files`, HELLO_FILE),
      await ada.put(`${at(study, 'me')}/files/notes`, HELLO_FILE),
      await ada.patch(path, { title: 'x' }),
      await ada.delete(path),
    ]
    const theirs = await Promise.all(
      [study.admin, study.worker].map(async (caller) => [
        await caller.post(`${study.path}/files`, { ...HELLO_FILE, participant: 'ada' }),
        await caller.put(handle, HELLO_FILE),
        await caller.patch(path, { title: 'x' }),
        await caller.delete(path),
      ]),
    )
    for (const answer of [...mine, ...theirs.flat()]) {
      expect(answer).toMatchObject({ status: 403, body: { code: 'participant_withdrawn' } })
    }
    expect(await study.staff.patch(path, { title: 'x' })).toMatchObject({ status: 403 })
    for (const caller of [ada, study.admin, study.worker]) {
      const refused = await caller.post(`${study.path}/uploads/${upload.id}/complete`)
      expect([403, 404]).toContain(refused.status)
    }
    expect(ok(await ada.get(path)).title).toBeNull()
    expect(ok(await ada.get(`${study.path}/files`)).items).toHaveLength(1)
  })

  test('leaves the team what was shared with it', async () => {
    const { study, path } = await aWithdrawn()
    for (const caller of [study.staff, study.worker, study.admin, study.download]) {
      expect((await caller.get(`${path}/content`)).status).toBe(302)
    }
    expect(ok(await study.staff.get(`${study.path}/participants`)).items).toMatchObject([{ status: 'withdrawn' }])
  })

  test('is taken back, and goes on where they were', async () => {
    const { study, ada, upload, path } = await aWithdrawn()
    expect(ok(await study.admin.patch(at(study, 'ada'), { status: 'active' })).status).toBe('active')
    await put(upload.url)
    expect(ok(await ada.post(`${study.path}/uploads/${upload.id}/complete`)).version.size).toBe(HELLO.length)
    expect(ok(await ada.patch(path, { title: 'back' })).title).toBe('back')
  })
})
