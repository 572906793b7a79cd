import { describe, expect, test } from 'vitest'
import { anonymous, as, type Caller, operator } from '../support/client.ts'
import { CLINIC, LOGIN, aToken, signedIn } from '../support/tokens.ts'
import { aFile, aKey, aParticipant, aStudy, HELLO, ok, type Study } from '../support/world.ts'

const NO_CONTACT = { email: null, phone: null, firstName: null, lastName: null }
const add = async (study: Study, member: object) =>
  study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, ...member })

/** A member of the study, and a caller who signed in as that one. */
async function aMember(
  study: Study,
  member: { subject: string; role: string; participant?: string },
): Promise<Caller & { id: string }> {
  const { id } = ok(await add(study, member))
  return { ...(await signedIn(member.subject)), id }
}

describe('a member', () => {
  test('is added with all that was said, and listed', async () => {
    const study = await aStudy()
    const contact = { email: 'grace@example.org', phone: '+15555550123', firstName: 'Grace', lastName: 'Hopper' }
    const added = await add(study, { subject: 'user|7', role: 'staff', ...contact })
    expect(added.status).toBe(201)
    expect(added.body).toEqual({
      id: expect.stringMatching(/^mem_[0-9a-z]{26}$/),
      issuer: LOGIN.issuer,
      subject: 'user|7',
      role: 'staff',
      participant: null,
      ...contact,
      createdAt: expect.stringMatching(/Z$/),
    })
    const second = ok(await add(study, { subject: 'user|8', role: 'admin' }))
    expect(second).toMatchObject(NO_CONTACT)
    expect(ok(await study.admin.get(`${study.path}/members`))).toEqual({
      items: [added.body, second],
      nextCursor: null,
    })
    const first = ok(await study.admin.get(`${study.path}/members?limit=1`))
    expect(first.items).toEqual([added.body])
    expect(ok(await study.admin.get(`${study.path}/members?limit=1&cursor=${first.nextCursor}`)).items).toEqual([
      second,
    ])
  })

  test('is one per subject of an issuer in a study', async () => {
    const study = await aStudy()
    ok(await add(study, { subject: 'ada', role: 'staff' }))
    const again = await add(study, { subject: 'ada', role: 'admin' })
    expect(again).toMatchObject({ status: 409, body: { code: 'member_exists' } })
    ok(await add(study, { subject: 'ada', role: 'worker', issuer: 'https://other.example.org/' }))
    ok(await add(await aStudy(), { subject: 'ada', role: 'worker' }))
    expect(ok(await study.admin.get(`${study.path}/members`)).items).toHaveLength(2)
  })

  test('of role `participant` says which one, and no other does', async () => {
    const study = await aStudy()
    const { id } = await aParticipant(study)
    for (const member of [
      { role: 'participant' },
      { role: 'participant', participant: null },
      { role: 'staff', participant: id },
      { role: 'participant', participant: 'me' },
    ]) {
      const refused = await add(study, { subject: 'ada', ...member })
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: '/participant' }] } })
    }
    const absent = await add(study, { subject: 'ada', role: 'participant', participant: 'nobody' })
    expect(absent).toMatchObject({ status: 404, body: { code: 'participant_not_found' } })
    for (const role of ['download', 'operator', 'owner']) {
      expect(await add(study, { subject: 'ada', role })).toMatchObject({ status: 422 })
    }
    expect(ok(await study.admin.get(`${study.path}/members`)).items).toEqual([])
  })

  test('is managed by admins only', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { id } = ok(await add(study, { subject: 'ada', role: 'staff' }))
    const wanted = { issuer: LOGIN.issuer, subject: 'mallory', role: 'admin' }
    for (const caller of [study.worker, study.staff, study.download, participant, operator]) {
      expect(await caller.post(`${study.path}/members`, wanted)).toMatchObject({ status: 403 })
      expect(await caller.get(`${study.path}/members`)).toMatchObject({ status: 403 })
      expect(await caller.delete(`${study.path}/members/${id}`)).toMatchObject({ status: 403 })
    }
    const { admin: stranger } = await aStudy()
    for (const refused of [
      await stranger.post(`${study.path}/members`, wanted),
      await stranger.get(`${study.path}/members`),
      await stranger.delete(`${study.path}/members/${id}`),
    ]) {
      expect(refused).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
    }
    expect(await anonymous.post(`${study.path}/members`, wanted)).toMatchObject({ status: 401 })
    expect(ok(await study.admin.get(`${study.path}/members`)).items).toHaveLength(1)
  })
})

describe('somebody with a JWT', () => {
  test('has the role that the study gave them, in that study', async () => {
    const study = await aStudy()
    const elsewhere = await aStudy()
    const [admin, staff, worker] = [
      await aMember(study, { subject: 'a', role: 'admin' }),
      await aMember(study, { subject: 's', role: 'staff' }),
      await aMember(study, { subject: 'w', role: 'worker' }),
    ]
    expect((await admin.post(`${study.path}/participants`, { id: 'ada' })).status).toBe(201)
    expect((await staff.post(`${study.path}/participants`, {})).status).toBe(403)
    expect((await worker.post(`${study.path}/participants`, {})).status).toBe(403)
    expect(ok(await staff.get(`${study.path}/participants/ada`))).not.toHaveProperty('email')
    expect(ok(await worker.get(`${study.path}/participants/ada`))).toHaveProperty('email')
    for (const caller of [admin, staff, worker]) {
      expect(await caller.get(elsewhere.path)).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
    }
  })

  test('is the participant that the study says, with all that is theirs', async () => {
    const study = await aStudy()
    const byKey = await aParticipant(study, { id: 'ada' })
    const byToken = await aMember(study, { subject: 'ada@login', role: 'participant', participant: 'ada' })
    expect(ok(await byToken.get(`${study.path}/participants/me`)).id).toBe('ada')
    const [one, two] = [await aFile(byKey, study), await aFile(byToken, study)]
    expect([one.participant, two.participant]).toEqual(['ada', 'ada'])
    expect(ok(await byToken.get(`${study.path}/files`)).items).toHaveLength(2)
    expect(ok(await byKey.get(`${study.path}/files/${two.id}`))).toEqual(two)

    ok(await study.admin.patch(`${study.path}/participants/ada`, { status: 'withdrawn' }))
    const file = { name: 'x', mediaType: 'text/plain', size: HELLO.length }
    const refused = await byToken.post(`${study.path}/files`, file)
    expect(refused).toMatchObject({ status: 403, body: { code: 'participant_withdrawn' } })
    expect(ok(await byToken.get(`${study.path}/files`)).items).toHaveLength(2)
  })

  test('and no place in the study is told what a stranger is told', async () => {
    const study = await aStudy()
    const stranger = await signedIn('nobody')
    const [there, absent] = [await stranger.get(study.path), await stranger.get('/v1/studies/absent')]
    expect(there).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
    expect({ ...there.body, requestId: '' }).toEqual({ ...absent.body, requestId: '' })
    expect(await stranger.get('/v1/studies')).toMatchObject({ status: 403 })
    expect(await stranger.post('/v1/studies', { id: 'theirs', name: 'x' })).toMatchObject({ status: 403 })
  })

  test('is known by issuer and subject together', async () => {
    const study = await aStudy()
    await aMember(study, { subject: 'same', role: 'admin' })
    const other = await signedIn('same', { issuer: CLINIC })
    expect(await other.get(study.path)).toMatchObject({ status: 404 })
  })

  test('is a member only where the settings allow the issuer', async () => {
    const study = await aStudy()
    const limited = await signedIn('ada', { issuer: CLINIC })
    ok(await study.admin.post(`${study.path}/members`, { issuer: CLINIC.issuer, subject: 'ada', role: 'admin' }))
    expect(await limited.get(study.path)).toMatchObject({ status: 404, body: { code: 'study_not_found' } })

    const [path] = CLINIC.studies.map((id) => `/v1/studies/${id}`)
    ok(await operator.post('/v1/studies', { id: CLINIC.studies[0], name: 'Clinic' }))
    const admin = as(ok(await operator.post(`${path}/keys`, { role: 'admin', label: 'first' })).secret)
    ok(await admin.post(`${path}/members`, { issuer: CLINIC.issuer, subject: 'ada', role: 'staff' }))
    expect(ok(await limited.get(`${path}`)).name).toBe('Clinic')
  })

  test.each([
    ['has expired', { exp: 1_700_000_000 }],
    ['never expires', { exp: undefined }],
    ['is for somebody else', { aud: 'another-service' }],
    ['is of an unknown issuer', { iss: 'https://unknown.example.org/' }],
    ['names nobody', { sub: undefined }],
  ] as const)('that %s is not let in', async (_why, claims) => {
    const study = await aStudy()
    await aMember(study, { subject: 'ada', role: 'admin' })
    const refused = await (await signedIn('ada', { claims })).get(study.path)
    expect(refused).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
  })

  test('that was tampered with is not let in', async () => {
    const study = await aStudy()
    await aMember(study, { subject: 'ada', role: 'staff' })
    const token = await aToken('ada')
    const [header = '', , signature = ''] = token.split('.')
    const [, claims = ''] = (await aToken('eve')).split('.')
    const unsigned = btoa('{"alg":"none"}').replaceAll('=', '')
    for (const forged of [
      `${header}.${claims}.${signature}`,
      `${unsigned}.${token.split('.')[1]}.`,
      `${unsigned}.${token.split('.')[1]}.${signature}`,
      token.slice(0, -8),
    ]) {
      expect(await as(forged).get(study.path)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    }
    expect((await as(token).get(study.path)).status).toBe(200)
  })
})

describe('removing a member', () => {
  test('holds from the next request on', async () => {
    const study = await aStudy()
    const member = await aMember(study, { subject: 'ada', role: 'staff' })
    expect((await member.get(study.path)).status).toBe(200)
    expect((await study.admin.delete(`${study.path}/members/${member.id}`)).status).toBe(204)
    expect(await member.get(study.path)).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
    const again = await study.admin.delete(`${study.path}/members/${member.id}`)
    expect(again).toMatchObject({ status: 404, body: { code: 'member_not_found' } })
    const back = ok(await add(study, { subject: 'ada', role: 'staff' }))
    expect(back.id).not.toBe(member.id)
    expect((await member.get(study.path)).status).toBe(200)
  })

  test('ends the keys that act for that member, and no others', async () => {
    const study = await aStudy()
    const [leaver, other] = [
      await aMember(study, { subject: 'ada', role: 'staff' }),
      await aMember(study, { subject: 'grace', role: 'staff' }),
    ]
    const key = await aKey(study, { role: 'staff', member: leaver.id })
    const kept = await aKey(study, { role: 'staff', member: other.id })
    expect((await key.get(study.path)).status).toBe(200)
    ok(await study.admin.delete(`${study.path}/members/${leaver.id}`))
    expect(await key.get(study.path)).toMatchObject({ status: 401 })
    // Elsewhere it is no more than a bad one either.
    expect(await key.get('/v1/studies/absent')).toMatchObject({ status: 401 })
    for (const caller of [kept, study.staff]) expect((await caller.get(study.path)).status).toBe(200)
  })

  test('of another study is not possible', async () => {
    const [study, other] = [await aStudy(), await aStudy()]
    const member = await aMember(other, { subject: 'ada', role: 'staff' })
    const refused = await study.admin.delete(`${study.path}/members/${member.id}`)
    expect(refused).toMatchObject({ status: 404, body: { code: 'member_not_found' } })
    expect((await member.get(other.path)).status).toBe(200)
  })
})
