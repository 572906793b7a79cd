import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { claimFileToken, issueFileToken, openFileToken } from '../../src/domain/file-tokens.ts'
import { credentialOfToken } from '../../src/wire/credentials.ts'
import { anonymous, as, type Caller, operator } from '../support/client.ts'
import { costOf } from '../support/meters.ts'
import { idOf, outcomeOf as outcomeOfVerb, scopeOf } from '../support/scopes.ts'
import { aToken, claiming, CLINIC, LOGIN, REGISTRY, saidToBe, signedIn, WARD } from '../support/tokens.ts'
import { aFile, aParticipant, aStudy, begin, HELLO, ok, put, type Study } from '../support/world.ts'

// Who has a place in a study by the word of an issuer that is trusted with it, and no row of the study's.

const OWNED = { participant: null, visibility: 'study' }
const ADMIN = { roles: ['ADMIN'] }
const STRANGER = { status: 404, body: { code: 'study_not_found' } }

let subjects = 0
const somebody = () => `somebody-${(subjects += 1)}`
/** What of a team a caller is, by what they may read; a participant is there. */
async function placeOf(caller: Caller, study: Study & { ada: string }): Promise<string> {
  const { status } = await caller.get(study.path)
  if (status !== 200) return String(status)
  if ((await caller.get(`${study.path}/members`)).status === 200) return 'admin'
  const documents = await caller.get(`${study.path}/participants/${study.ada}/documents`)
  return documents.status === 200 ? 'worker' : 'staff'
}
const withAda = async () => {
  const study = await aStudy()
  return { ...study, ada: (await aParticipant(study)).id }
}
/** Who did what last in a study, as its audit has it. */
const lastActor = async (study: Study): Promise<string> =>
  ok(await study.admin.get(`${study.path}/audit?limit=1`)).items[0].actor
const addMember = async (study: Study, member: object) =>
  ok(await study.admin.post(`${study.path}/members`, { issuer: REGISTRY.issuer, ...member }))

describe('a place by claim', () => {
  let study: Study & { ada: string }
  let other: Study & { ada: string }
  beforeAll(async () => {
    study = await withAda()
    other = await withAda()
  })

  test('is an admin’s everywhere, and staff’s or a worker’s in the studies of the groups', async () => {
    const groups = [study.id, 'no-such-study']
    const people = [
      await saidToBe(somebody(), ADMIN),
      await saidToBe(somebody(), { roles: ['USER'], groups }),
      await saidToBe(somebody(), { groups, gty: 'client-credentials' }),
      await saidToBe(somebody(), { ...ADMIN, gty: 'client-credentials' }),
    ]
    const places = await Promise.all(
      people.map(async (each) => [await placeOf(each, study), await placeOf(each, other)]),
    )
    expect(places).toEqual([
      ['admin', 'admin'],
      ['staff', '404'],
      ['worker', '404'],
      ['404', '404'],
    ])
    for (const each of people) expect(await each.get('/v1/studies/no-such-study')).toMatchObject(STRANGER)
    // Studies are the operator's all the same.
    for (const each of people) expect(await each.get('/v1/studies')).toMatchObject({ status: 403 })
    expect(ok(await study.admin.get(`${study.path}/members`)).items).toEqual([])
  })

  test('is not had by the word of an issuer that is not trusted with it, nor by a forged one', async () => {
    const said = { ...ADMIN, groups: [study.id] }
    for (const issuer of [LOGIN, CLINIC]) {
      expect(await (await saidToBe(somebody(), said, issuer)).get(study.path)).toMatchObject(STRANGER)
    }
    const claims = claiming(said)
    const [header = '', payload = '', signature = ''] = (await aToken('eve', { issuer: REGISTRY, claims })).split('.')
    const [, theirs = ''] = (await aToken('eve', { issuer: REGISTRY, claims: claiming({}) })).split('.')
    for (const forged of [
      // Signed by a login that is good for something else.
      await aToken('eve', { issuer: LOGIN, claims: { ...claims, iss: REGISTRY.issuer } }),
      await aToken('eve', { issuer: REGISTRY, claims: { ...claims, aud: 'another-service' } }),
      await aToken('eve', { issuer: REGISTRY, claims: { ...claims, exp: 1_700_000_000 } }),
      `${header}.${theirs}.${signature}`,
      `${btoa('{"alg":"none"}').replaceAll('=', '')}.${payload}.`,
    ]) {
      expect(await as(forged).get(study.path)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    }
    expect((await as(`${header}.${payload}.${signature}`).get(study.path)).status).toBe(200)
  })

  test('is only in studies that the settings allow the issuer, whatever it says', async () => {
    const [one] = WARD.studies
    ok(await operator.post('/v1/studies', { id: one, name: 'Ward' }))
    const [admin, staff] = [
      await saidToBe(somebody(), ADMIN, WARD),
      await saidToBe(somebody(), { groups: [one, study.id] }, WARD),
    ]
    for (const caller of [admin, staff]) {
      expect(await caller.get(`/v1/studies/${one}`)).toMatchObject({ status: 200, body: { name: 'Ward' } })
      expect(await caller.get(study.path)).toMatchObject(STRANGER)
    }
  })

  test('gives way to a membership, which is the study’s own word, and is there again without it', async () => {
    for (const [said, member, place] of [
      [ADMIN, { role: 'staff' }, 'staff'],
      [{ groups: [study.id] }, { role: 'admin' }, 'admin'],
      [{ groups: [study.id], gty: 'client-credentials' }, { role: 'participant', participant: study.ada }, '403'],
      [{}, { role: 'worker' }, 'worker'],
    ] as const) {
      const subject = somebody()
      const caller = await saidToBe(subject, said)
      const before = await placeOf(caller, study)
      const { id } = await addMember(study, { subject, ...member })
      expect(await placeOf(caller, study)).toBe(place)
      ok(await study.admin.delete(`${study.path}/members/${id}`))
      expect(await placeOf(caller, study)).toBe(before)
    }
  })

  test('is not had by a member whose participant is being erased', async () => {
    const { id: participant } = await aParticipant(study)
    const subject = somebody()
    await addMember(study, { subject, role: 'participant', participant })
    const caller = await saidToBe(subject, ADMIN)
    ok(await study.admin.delete(`${study.path}/participants/${participant}`))
    expect(await caller.get(study.path)).toMatchObject(STRANGER)
  })

  test('ends as soon as the study is being erased', async () => {
    const gone = await aStudy()
    const callers = [await saidToBe(somebody(), ADMIN), await saidToBe(somebody(), { groups: [gone.id] })]
    for (const caller of callers) expect((await caller.get(gone.path)).status).toBe(200)
    ok(await operator.delete(gone.path))
    for (const caller of callers) {
      expect(await caller.get(gone.path)).toMatchObject(STRANGER)
      expect(await caller.get(`${gone.path}/files`)).toMatchObject(STRANGER)
      expect(await caller.post(`${gone.path}/keys`, { role: 'admin', label: 'x' })).toMatchObject(STRANGER)
    }
  })
})

describe('who has a place by claim', () => {
  let study: Study
  beforeAll(async () => {
    study = await aStudy()
  })

  test('is the same at each request, in what they make and on record', async () => {
    const subject = somebody()
    const [staff, again] = [
      await saidToBe(subject, { groups: [study.id] }),
      await saidToBe(subject, { groups: [study.id], roles: ['USER'] }),
    ]
    const { upload } = await begin(staff, study, OWNED)
    await put(upload.url)
    ok(await again.post(`${study.path}/uploads/${upload.id}/complete`))
    const actor = await lastActor(study)
    expect(actor).toMatch(/^member:mem_z/)
    const member = actor.slice('member:'.length)
    const { items } = ok(await study.admin.get(`${study.path}/audit?actor=${actor}`))
    expect(items.map(({ action, through }: Record<string, string>) => [action, through])).toEqual([
      ['file.complete', member],
      ['file.begin', member],
    ])
    const [key, body] = [
      { 'Idempotency-Key': 'once' },
      { name: 'once.txt', mediaType: 'text/plain', size: 1, ...OWNED },
    ]
    const [first, second] = [
      ok(await staff.post(`${study.path}/files`, body, key)),
      ok(await again.post(`${study.path}/files`, body, key)),
    ]
    expect(second.file.id).toBe(first.file.id)
  })

  test('is nobody whom files are shared with, or keys act for', async () => {
    const admin = await saidToBe(somebody(), ADMIN)
    const { id: file } = await aFile(admin, study, OWNED)
    const actor = await lastActor(study)
    const member = actor.slice('member:'.length)
    const granted = await study.admin.put(`${study.path}/files/${file}/grants/${actor}`, { level: 'content' })
    expect([granted.status, granted.body.code]).toEqual([400, 'invalid_request'])
    const key = await admin.post(`${study.path}/keys`, { role: 'staff', label: 'x', member })
    expect([key.status, key.body.errors]).toEqual([422, [expect.objectContaining({ pointer: '/member' })]])
    expect(await study.admin.delete(`${study.path}/members/${member}`)).toMatchObject({ status: 404 })
  })

  test('lists and finds as their role does, under any filter', async () => {
    const staff = await saidToBe(somebody(), { groups: [study.id] })
    const owner = await aParticipant(study)
    const tags = Array.from({ length: 10 }, (_, index) => `tag-${index}`)
    const seen = await aFile(owner, study, { visibility: 'study', tags, name: 'walk.txt' })
    const hidden = await aFile(owner, study, { visibility: 'private', tags, name: 'walk.txt' })
    const filters = ['name=walk.txt', `participant=${owner.id}`, 'uploadedAfter=2026-01-01T00:00:00Z', 'q=walk']
    const query = [...filters, ...tags.map((tag) => `tag=${tag}`)].join('&')
    for (const asked of [query, `participant=${owner.id}`]) {
      const { items } = ok(await staff.get(`${study.path}/files?${asked}`))
      expect(items.map(({ id }: { id: string }) => id)).toEqual([seen.id])
    }
    expect((await staff.get(`${study.path}/files/${hidden.id}`)).status).toBe(404)
  })

  test('costs a row more at most than a member, who costs no more than ever', async () => {
    const subject = somebody()
    const { id } = await aFile(study.staff, study, OWNED)
    await addMember(study, { subject, role: 'staff' })
    ok(await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject, role: 'staff' }))
    const rowsOf = async (caller: Caller) => {
      const { cost, answer } = await costOf(caller, async (each) => each.get(`${study.path}/files/${id}`))
      expect([answer.status, cost.trips]).toEqual([200, 1])
      return cost.rows
    }
    const member = await rowsOf(await signedIn(subject))
    expect(member).toBeLessThanOrEqual(4)
    expect(await rowsOf(await saidToBe(subject, {}))).toBe(member)
    expect(await rowsOf(await saidToBe(somebody(), { groups: [study.id] }))).toBeLessThanOrEqual(member + 1)
  })
})

describe('a link of somebody who has a place by claim', () => {
  let study: Study
  let staff: Caller
  const linksOf = (file: { id: string }) => `${study.path}/files/${file.id}/download-tokens`
  const linkTo = async (file: { id: string }, link: object = {}) => ok(await staff.post(linksOf(file), link))
  const outcomeOf = async (url: string) => {
    const { status, body } = await anonymous.get(url)
    return body === HELLO ? 'given' : `${status} ${body.code}`
  }
  const stream = { delivery: 'stream' }
  beforeAll(async () => {
    study = await aStudy({ downloadTokenSeconds: 7_200 })
    staff = await saidToBe(somebody(), { groups: [study.id] })
  })

  test('gives the file once, and can be revoked', async () => {
    const file = await aFile(study.staff, study, OWNED)
    const [used, revoked] = [await linkTo(file, stream), await linkTo(file, stream)]
    expect([await outcomeOf(used.url), await outcomeOf(used.url)]).toEqual(['given', '410 download_token_used'])
    ok(await staff.delete(`${linksOf(file)}/${revoked.id}`))
    expect(await outcomeOf(revoked.url)).toBe('410 download_token_revoked')
  })

  test('gives it by a token beside the file’s name, too', async () => {
    const file = await aFile(study.staff, study, OWNED)
    const claims = claiming({ groups: [study.id] })
    const credential = await credentialOfToken(await aToken(somebody(), { issuer: REGISTRY, claims }), env, new Date())
    const scope = { ...(await scopeOf({ door: 'kidsfirst' })), credential }
    const to = { file: file.number, version: undefined }
    const { token } = await issueFileToken(scope, idOf(study), { ...to, seconds: 30 })
    const bearer = await scopeOf({ door: 'kidsfirst' })
    const opened = await openFileToken(bearer, idOf(study), { ...to, token })
    expect(await new Response(await claimFileToken(bearer, opened)).text()).toBe(HELLO)
    expect(await outcomeOfVerb(claimFileToken(bearer, opened))).toBe('download_token_not_found')
  })

  test('lives for an hour at most, whatever is asked and the study has', async () => {
    const file = await aFile(study.staff, study, OWNED)
    const lives = async (caller: Caller, link: object) => {
      const { id } = ok(await caller.post(linksOf(file), link))
      const { items } = ok(await study.admin.get(linksOf(file)))
      const { createdAt, expiresAt } = items.find((each: { id: string }) => each.id === id)
      return (Date.parse(expiresAt) - Date.parse(createdAt)) / 1000
    }
    expect(await lives(staff, {})).toBe(3_600)
    expect(await lives(staff, { seconds: 86_400 })).toBe(3_600)
    expect(await lives(staff, { seconds: 30 })).toBe(30)
    expect(await lives(study.staff, {})).toBe(7_200)
    expect(await lives(study.staff, { seconds: 86_400 })).toBe(86_400)
  })

  test('ends with what it leads to, with what the team may see of it, and with the study', async () => {
    const owner = await aParticipant(study)
    const [hidden, deleted, kept] = [
      await aFile(owner, study, { visibility: 'study' }),
      await aFile(owner, study, { visibility: 'study' }),
      await aFile(owner, study, { visibility: 'study' }),
    ]
    const urls = await Promise.all([hidden, deleted, kept].map(async (file) => (await linkTo(file, stream)).url))
    ok(await owner.patch(`${study.path}/files/${hidden.id}`, { visibility: 'private' }))
    ok(await owner.delete(`${study.path}/files/${deleted.id}`))
    expect(await Promise.all(urls.slice(0, 2).map(outcomeOf))).toEqual(Array(2).fill('410 download_token_revoked'))
    ok(await operator.delete(study.path))
    expect(await outcomeOf(urls[2] ?? '')).toBe('410 download_token_revoked')
  })
})
