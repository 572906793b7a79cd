import { describe, expect, test } from 'vitest'
import { anonymous, as, operator } from '../support/client.ts'
import { aFile, aKey, aParticipant, aStudy, HELLO, ok } from '../support/world.ts'

const DEFAULTS = {
  allowPublic: false,
  defaultVisibility: null,
  retention: 'keep',
  downloadUrlSeconds: null,
  downloadTokenSeconds: null,
  maxBytes: null,
  maxFiles: null,
  maxDocuments: null,
}
const HELLO_FILE = { name: 'hello.txt', mediaType: 'text/plain', size: HELLO.length }

describe('the operator', () => {
  test('makes a study and its first admin key, and needs nothing else', async () => {
    const made = await operator.post('/v1/studies', { id: 'SD_first', name: 'First study' })
    expect(made.status).toBe(201)
    expect(made.body).toEqual({
      id: 'SD_first',
      number: expect.any(Number),
      name: 'First study',
      settings: DEFAULTS,
      usage: { bytes: 0, files: 0, documents: 0 },
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    })
    const { secret } = ok(await operator.post('/v1/studies/SD_first/keys', { role: 'admin', label: 'first' }))
    expect((await as(secret).get('/v1/studies/SD_first')).body).toEqual(made.body)
  })

  test('gives every study a number of its own', async () => {
    const studies = [await aStudy(), await aStudy(), await aStudy()]
    expect(new Set(studies.map(({ number }) => number)).size).toBe(3)
    expect(Math.min(...studies.map(({ number }) => number))).toBeGreaterThan(0)
  })

  test('cannot make a study twice', async () => {
    const { id } = await aStudy()
    const again = await operator.post('/v1/studies', { id, name: 'Another' })
    expect(again).toMatchObject({ status: 409, body: { code: 'study_exists' } })
    expect((await operator.get(`/v1/studies/${id}`)).body.name).toBe('A study')
  })

  test('lists all studies by id, page by page', async () => {
    const ids = ['page-a', 'page-b', 'page-c']
    for (const id of ids) ok(await operator.post('/v1/studies', { id, name: id }))
    const all = ok(await operator.get('/v1/studies?limit=100')).items.map(({ id }: { id: string }) => id)
    expect(all).toEqual(all.toSorted())
    expect(all).toEqual(expect.arrayContaining(ids))

    const walk = async (query: string): Promise<string[]> => {
      const { items, nextCursor } = ok(await operator.get(`/v1/studies?limit=2${query}`))
      const here = items.map(({ id }: { id: string }) => id)
      return nextCursor === null ? here : [...here, ...(await walk(`&cursor=${nextCursor}`))]
    }
    expect(await walk('')).toEqual(all)
  })

  test.each(['worker', 'staff', 'participant', 'download'])('issues admin keys only, and no %s key', async (role) => {
    const study = await aStudy()
    const { id } = await aParticipant(study)
    const wanted = { role, label: 'no', ...(role === 'participant' ? { participant: id } : {}) }
    const refused = await operator.post(`${study.path}/keys`, wanted)
    expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  })

  test('may not touch what is in a study', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study, { id: 'ada' })
    const file = await aFile(participant, study)
    const refused = [
      await operator.post(`${study.path}/files`, { ...HELLO_FILE, participant: null }),
      await operator.get(`${study.path}/files`),
      await operator.get(`${study.path}/participants`),
      await operator.post(`${study.path}/participants`, {}),
      await operator.get(`${study.path}/keys`),
      await operator.get(`${study.path}/keys/${participant.keyId}`),
      await operator.delete(`${study.path}/keys/${participant.keyId}`),
      await operator.get(`${study.path}/members`),
    ]
    for (const answer of refused) expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    const unseen = [
      await operator.get(`${study.path}/files/${file.id}`),
      await operator.get(`${study.path}/files/${file.id}/content`),
      await operator.patch(`${study.path}/files/${file.id}`, { title: 'x' }),
      await operator.delete(`${study.path}/files/${file.id}`),
      await operator.get(`${study.path}/participants/ada`),
      await operator.patch(`${study.path}/participants/ada`, { status: 'withdrawn' }),
    ]
    for (const answer of unseen) expect(answer.status).toBe(404)
    expect(ok(await participant.get(`${study.path}/files/${file.id}`)).title).toBeNull()
  })

  test('is told that a study is not there', async () => {
    for (const answer of [
      await operator.get('/v1/studies/absent'),
      await operator.patch('/v1/studies/absent', { name: 'x' }),
      await operator.post('/v1/studies/absent/keys', { role: 'admin', label: 'x' }),
    ]) {
      expect(answer).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
    }
  })
})

describe('studies', () => {
  test('are made and listed by nobody but the operator', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    for (const caller of [study.admin, study.worker, study.staff, study.download, participant]) {
      expect(await caller.post('/v1/studies', { id: 'mine', name: 'Mine' })).toMatchObject({ status: 403 })
      expect(await caller.get('/v1/studies')).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
    expect(await anonymous.get('/v1/studies')).toMatchObject({ status: 401 })
    expect(await operator.get('/v1/studies/mine')).toMatchObject({ status: 404 })
  })

  test.each(['a', '0', 'SD_X.y-z', 'x'.repeat(64)])('can be called %s', async (id) => {
    ok(await operator.post('/v1/studies', { id, name: 'n' }))
    expect(ok(await operator.get(`/v1/studies/${id}`)).id).toBe(id)
  })

  test.each(['', '-a', '.a', '_a', 'a b', 'a/b', 'ä', 'x'.repeat(65), 'a\n'])('cannot be called %j', async (id) => {
    const refused = await operator.post('/v1/studies', { id, name: 'n' })
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: '/id' }] } })
  })

  test('are read by their team, and their settings are changed by their admins and the operator', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    for (const caller of [operator, study.admin, study.worker, study.staff]) {
      expect(ok(await caller.get(study.path))).toMatchObject({ id: study.id, settings: DEFAULTS })
    }
    for (const caller of [participant, study.download]) {
      expect(await caller.get(study.path)).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    }
    for (const caller of [study.worker, study.staff, study.download, participant]) {
      expect(await caller.patch(study.path, { name: 'Theirs' })).toMatchObject({ status: 403 })
    }
    expect(ok(await study.admin.patch(study.path, { name: 'Renamed' })).name).toBe('Renamed')
    expect(ok(await operator.patch(study.path, { settings: { retention: 'latest' } }))).toMatchObject({
      name: 'Renamed',
      settings: { ...DEFAULTS, retention: 'latest' },
    })
  })

  test('are as little there for a key of another study as one that is absent', async () => {
    const [study, other] = [await aStudy(), await aStudy()]
    for (const caller of [other.admin, other.download, await aParticipant(other)]) {
      const [there, absent] = [await caller.get(study.path), await caller.get('/v1/studies/absent')]
      expect(there.status).toBe(404)
      expect({ ...there.body, requestId: '' }).toEqual({ ...absent.body, requestId: '' })
      expect(await caller.patch(study.path, { name: 'x' })).toMatchObject({ status: 404 })
    }
    expect(ok(await study.admin.get(study.path)).name).toBe('A study')
  })
})

describe('settings', () => {
  test('change one by one, and what is left out stays', async () => {
    const study = await aStudy({ allowPublic: true, downloadTokenSeconds: 600 })
    const changes = [
      { defaultVisibility: 'study' },
      { retention: 'latest' },
      { downloadUrlSeconds: 1 },
      { downloadTokenSeconds: 604_800 },
      { allowPublic: false },
      { downloadUrlSeconds: null, defaultVisibility: null },
    ]
    const expected: Record<string, unknown> = { ...DEFAULTS, allowPublic: true, downloadTokenSeconds: 600 }
    for (const settings of changes) {
      Object.assign(expected, settings)
      expect(ok(await study.admin.patch(study.path, { settings })).settings).toEqual(expected)
    }
    expect(ok(await study.admin.patch(study.path, {})).settings).toEqual(expected)
    expect(ok(await study.admin.get(study.path)).settings).toEqual(expected)
  })

  test.each([
    [{ retention: null }, '/settings/retention'],
    [{ retention: 'some' }, '/settings/retention'],
    [{ allowPublic: 1 }, '/settings/allowPublic'],
    [{ defaultVisibility: 'secret' }, '/settings/defaultVisibility'],
    [{ downloadUrlSeconds: 0 }, '/settings/downloadUrlSeconds'],
    [{ downloadTokenSeconds: 604_801 }, '/settings/downloadTokenSeconds'],
    [{ downloadTokenSeconds: '60' }, '/settings/downloadTokenSeconds'],
    [{ maxBytes: -1 }, '/settings/maxBytes'],
    [{ maxFiles: 1.5 }, '/settings/maxFiles'],
    [{ maxDocuments: 2 ** 53 }, '/settings/maxDocuments'],
    [{ quota: 1 }, '/settings/quota'],
  ])('cannot be %j', async (settings, pointer) => {
    const study = await aStudy()
    for (const refused of [
      await study.admin.patch(study.path, { settings }),
      await operator.post('/v1/studies', { id: 'refused', name: 'n', settings }),
    ]) {
      expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_body', errors: [{ pointer }] } })
    }
    expect(ok(await study.admin.get(study.path)).settings).toEqual(DEFAULTS)
  })

  test('say what a file is to be seen by, and whether anything is public', async () => {
    const study = await aStudy({ allowPublic: true, defaultVisibility: 'study' })
    const participant = await aParticipant(study)
    const [usual, open] = [await aFile(participant, study), await aFile(participant, study, { visibility: 'public' })]
    expect([usual.visibility, open.visibility]).toEqual(['study', 'public'])
    expect((await anonymous.get(`${study.path}/files/${open.id}`)).status).toBe(200)

    ok(await study.admin.patch(study.path, { settings: { allowPublic: false } }))
    expect((await anonymous.get(`${study.path}/files/${open.id}`)).status).toBe(401)
    const refused = await participant.post(`${study.path}/files`, { ...HELLO_FILE, visibility: 'public' })
    expect(refused).toMatchObject({ status: 409, body: { code: 'public_not_allowed' } })
  })

  test('hold for the next request, whichever key changed them', async () => {
    const study = await aStudy()
    const second = await aKey(study, { role: 'admin' })
    ok(await second.patch(study.path, { settings: { allowPublic: true } }))
    const participant = await aParticipant(study)
    expect((await aFile(participant, study, { visibility: 'public' })).visibility).toBe('public')
  })
})
