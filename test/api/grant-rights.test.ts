import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test } from 'vitest'
import { anonymous, type Caller, operator } from '../support/client.ts'
import { disturbed, within } from '../support/faults.ts'
import { expectProblem } from '../support/problems.ts'
import { LOGIN, signedIn } from '../support/tokens.ts'
import { aFile, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

// Who may share what with whom, and what comes of it when things go wrong. What a grant shows: `grants.test.ts`.

let study: Study
let ada: Participant
let bob: Participant
let file: { id: string }

const grantTo = (principal: string, of = file) => `${study.path}/files/${of.id}/grants/${encodeURIComponent(principal)}`
const toBob = (of = file) => grantTo(`participant:${bob.id}`, of)
const GRANT = { level: 'content' }
const grantsOf = async () =>
  (await env.DB.prepare('SELECT principal, level FROM grants WHERE study_id = ?').bind(study.id).all()).results
const eventsOf = async () => {
  const { results } = await env.DB.prepare(
    `SELECT action FROM audit_events WHERE study_id = ? AND action IN ('file.grant', 'file.revoke') ORDER BY id`,
  )
    .bind(study.id)
    .all<{ action: string }>()
  return results.map(({ action }) => action)
}

beforeEach(async () => {
  study = await aStudy({ allowPublic: true })
  ada = await aParticipant(study)
  bob = await aParticipant(study)
  file = await aFile(ada, study)
})

describe('to share a file', () => {
  test('is for its owner, and for admins where it is not private', async () => {
    const member = ok(
      await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject: 's', role: 'staff' }),
    )
    const carl = await aParticipant(study)
    const others = { staff: study.staff, worker: study.worker, download: study.download, member: await signedIn('s') }
    const refusal: Record<string, Record<string, string>> = {
      private: { admin: 'forbidden', operator: 'file_not_found', stranger: 'study_not_found' },
      study: { staff: 'forbidden', worker: 'forbidden', download: 'forbidden', member: 'forbidden' },
      public: { staff: 'forbidden', carl: 'forbidden', operator: 'file_not_found' },
    }
    const callers: Record<string, Caller> = {
      ...others,
      carl,
      admin: study.admin,
      operator,
      stranger: await signedIn('x'),
    }
    for (const visibility of ['private', 'study', 'public']) {
      ok(await ada.patch(`${study.path}/files/${file.id}`, { visibility }))
      ok(await ada.put(grantTo(`member:${member.id}`), GRANT))
      for (const [role, caller] of Object.entries(callers)) {
        const asked = {
          put: await caller.put(toBob(), GRANT),
          list: await caller.get(`${study.path}/files/${file.id}/grants`),
          delete: await caller.delete(toBob()),
        }
        const codes = Object.values(asked).map(({ status, body }) => body.code ?? status)
        if (role === 'admin' && visibility !== 'private')
          expect([visibility, codes]).toEqual([visibility, [201, 200, 204]])
        else {
          expect(new Set(codes).size, `${role} ${visibility} ${codes.join()}`).toBe(1)
          expect(['forbidden', 'file_not_found', 'study_not_found']).toContain(codes[0])
          expect(codes[0], `${role} ${visibility}`).toBe(refusal[visibility]?.[role] ?? codes[0])
        }
      }
      expectProblem(await anonymous.put(toBob(), GRANT), 'unauthenticated')
    }
    expect(await grantsOf()).toEqual([{ principal: `member:${member.id}`, level: 'content' }])
  })

  test('is not for those with whom it was shared, nor are links to it', async () => {
    const member = ok(
      await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject: 's', role: 'admin' }),
    )
    const carl = `participant:${(await aParticipant(study)).id}`
    ok(await ada.put(toBob(), GRANT))
    ok(await ada.put(grantTo(`member:${member.id}`), GRANT))
    const path = `${study.path}/files/${file.id}`
    for (const grantee of [bob, await signedIn('s')]) {
      expect((await grantee.get(`${path}/content?delivery=stream`)).status).toBe(200)
      expectProblem(await grantee.put(grantTo(carl), GRANT), 'forbidden')
      expectProblem(await grantee.get(`${path}/grants`), 'forbidden')
      expectProblem(await grantee.delete(toBob()), 'forbidden')
      expectProblem(await grantee.post(`${path}/download-tokens`, {}), 'forbidden')
      expectProblem(await grantee.patch(path, { title: 'mine' }), 'forbidden')
      expectProblem(await grantee.patch(path, { visibility: 'study' }), 'forbidden')
    }
    expectProblem(await bob.delete(path), 'forbidden')
  })

  test('does not keep a link alive that its issuer could not make any more', async () => {
    const member = ok(
      await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject: 's', role: 'staff' }),
    )
    const path = `${study.path}/files/${file.id}`
    ok(await ada.patch(path, { visibility: 'study' }))
    ok(await ada.put(grantTo(`member:${member.id}`), GRANT))
    const user = await signedIn('s')
    const { url } = ok(await user.post(`${path}/download-tokens`, { seconds: 600 }))
    ok(await ada.patch(path, { visibility: 'private' }))
    expect((await user.get(`${path}/content?delivery=stream`)).status).toBe(200)
    expectProblem(await anonymous.get(url), 'download_token_revoked')
  })

  test('is over when its owner has withdrawn, for admins too; what was shared stays so', async () => {
    ok(await ada.patch(`${study.path}/files/${file.id}`, { visibility: 'study' }))
    ok(await ada.put(toBob(), GRANT))
    ok(await study.admin.patch(`${study.path}/participants/${ada.id}`, { status: 'withdrawn' }))
    for (const caller of [ada, study.admin]) {
      expectProblem(await caller.put(toBob(), GRANT), 'participant_withdrawn')
      expectProblem(await caller.put(toBob(), { level: 'metadata' }), 'participant_withdrawn')
      expectProblem(await caller.delete(toBob()), 'participant_withdrawn')
      expect((await caller.get(`${study.path}/files/${file.id}/grants`)).body.items).toHaveLength(1)
    }
    expect((await bob.get(`${study.path}/files/${file.id}`)).body.shared).toBe('content')
  })

  test('with somebody who has withdrawn shows it to them', async () => {
    ok(await study.admin.patch(`${study.path}/participants/${bob.id}`, { status: 'withdrawn' }))
    ok(await ada.put(toBob(), GRANT))
    expect((await bob.get(`${study.path}/files/${file.id}`)).body.shared).toBe('content')
  })
})

describe('with whom', () => {
  test('is somebody of the study, as far as the caller may know', async () => {
    const elsewhere = await aStudy()
    const foreign = ok(
      await elsewhere.admin.post(`${elsewhere.path}/members`, { issuer: 'i', subject: 's', role: 'staff' }),
    )
    const eve = await aParticipant(elsewhere)
    const patient = ok(
      await study.admin.post(`${study.path}/members`, {
        issuer: 'i',
        subject: 'p',
        role: 'participant',
        participant: bob.id,
      }),
    )
    await env.DB.prepare(
      `INSERT INTO participants (study_id, id, number, status, created_at) VALUES (?, 'erin', 1, 'erasing', 0)`,
    )
      .bind(study.id)
      .run()
    ok(await ada.patch(`${study.path}/files/${file.id}`, { visibility: 'study' }))
    const participants = ['participant:nobody', `participant:${eve.id}`, 'participant:erin', `participant:${bob.id}`]
    const members = ['member:mem_01k9z3m8qe5w7v2n4h6j8k0r2t', `member:${foreign.id}`, `member:${patient.id}`]
    for (const name of members) {
      for (const caller of [ada, study.admin]) expectProblem(await caller.put(grantTo(name), GRANT), 'invalid_request')
    }
    for (const name of participants) {
      const { status, body } = await ada.put(grantTo(name), GRANT)
      expect([status, body]).toEqual([
        201,
        { principal: name, level: 'content', createdAt: expect.any(String), expiresAt: null },
      ])
      const told = await study.admin.put(grantTo(name), { level: 'metadata' })
      expect([name, told.body.code ?? told.status]).toEqual([name, name.endsWith(bob.id) ? 200 : 'invalid_request'])
    }
    expect((await eve.get(`${elsewhere.path}/files`)).body.items).toEqual([])
    expectProblem(await eve.get(`${study.path}/files/${file.id}`), 'study_not_found')
    // Nothing is kept under the name of somebody who is being erased.
    expect((await grantsOf()).map(({ principal }) => String(principal)).toSorted()).toEqual(
      participants.filter((name) => name !== 'participant:erin').toSorted(),
    )
  })

  test('may come later, and finds then what was shared with them', async () => {
    ok(await ada.put(grantTo('participant:carl'), GRANT))
    const carl = await aParticipant(study, { id: 'carl' })
    expect((await carl.get(`${study.path}/files`)).body.items).toMatchObject([{ id: file.id, shared: 'content' }])
  })

  test('is not the owner', async () => {
    ok(await ada.patch(`${study.path}/files/${file.id}`, { visibility: 'study' }))
    for (const caller of [ada, study.admin]) {
      const refused = await caller.put(grantTo(`participant:${ada.id}`), GRANT)
      expectProblem(refused, 'invalid_request')
      expect(refused.body.errors).toEqual([{ pointer: 'path/principal', message: expect.stringMatching(/theirs/) }])
    }
    expect(await grantsOf()).toEqual([])
  })

  test('is anyone, of a file of the study’s own', async () => {
    const leaflet = await aFile(study.admin, study, { participant: null })
    ok(await study.admin.put(toBob(leaflet), { level: 'content' }))
    expect((await bob.get(`${study.path}/files`)).body.items).toMatchObject([{ id: leaflet.id, shared: 'content' }])
    expect((await ada.get(`${study.path}/files`)).body.items).toMatchObject([{ id: file.id, shared: null }])
    expectProblem(await study.staff.put(toBob(leaflet), GRANT), 'forbidden')
  })

  test('is a limited number at once', async () => {
    await env.DB.prepare(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
       INSERT INTO grants (study_id, file_id, principal, level, created_at)
       SELECT ?, ?, 'participant:' || i, 'metadata', 0 FROM n`,
    )
      .bind(study.id, file.id)
      .run()
    expectProblem(await ada.put(toBob(), GRANT), 'grants_exhausted')
    ok(await ada.put(grantTo('participant:7'), GRANT))
    ok(await ada.delete(grantTo('participant:7')))
    ok(await ada.put(toBob(), GRANT))
  })

  test.each([
    'participant:',
    'participant:me',
    'member:',
    'member:x',
    'key:key_01k9z3m8qe5w7v2n4h6j8k0r2t',
    'bob',
    ':',
    'operator',
    `participant:${'x'.repeat(256)}`,
    'participant:a\u0000b',
    'Participant:bob',
    'participant:\u{d800}',
  ])('is named as it should be, not %j', async (name) => {
    const path = grantTo('participant:x').replace(
      'participant%3Ax',
      name.isWellFormed() ? encodeURIComponent(name) : '%ED%A0%80',
    )
    for (const refused of [await ada.put(path, GRANT), await ada.delete(path)])
      expectProblem(refused, 'invalid_request')
  })

  test('may have a name of any letters', async () => {
    for (const id of ['漢字 größe', 'a/b?c#d', 'o\'hara"%', ' ']) {
      const odd = await aParticipant(study, { id })
      expect(ok(await ada.put(grantTo(`participant:${id}`), GRANT)).principal).toBe(`participant:${id}`)
      expect((await odd.get(`${study.path}/files`)).body.items).toHaveLength(1)
    }
  })
})

test.each([
  {},
  { level: 'write' },
  { level: null },
  { ...GRANT, expiresAt: '2020-01-01T00:00:00Z' },
  { ...GRANT, expiresAt: 7 },
  { ...GRANT, expiresAt: 'soon' },
  { ...GRANT, more: 1 },
  [],
  null,
])('a grant says what is granted and until when, not %j', async (body) => {
  expectProblem(await ada.put(toBob(), JSON.stringify(body), { 'Content-Type': 'application/json' }), 'invalid_body')
  expect(await grantsOf()).toEqual([])
})

describe('when things go wrong', () => {
  test('eight at once make one grant', async () => {
    const answers = await Promise.all(Array.from({ length: 8 }, async () => ada.put(toBob(), GRANT)))
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1)
    expect([await grantsOf(), await eventsOf()]).toEqual([
      [{ principal: `participant:${bob.id}`, level: 'content' }],
      ['file.grant'],
    ])
  })

  test('a lost answer of D1 neither doubles a grant or a revocation, nor denies it', async () => {
    const losing = (on: RegExp) => disturbed({ on, loses: true })
    const made = losing(/INSERT INTO grants/)
    expect((await within({ DB: made.DB }, ada).put(toBob(), GRANT)).status).toBe(201)
    const ended = losing(/DELETE FROM grants/)
    expect((await within({ DB: ended.DB }, ada).delete(toBob())).status).toBe(204)
    expect([made.seen.times, ended.seen.times]).toEqual([2, 2])
    expect([await grantsOf(), await eventsOf()]).toEqual([[], ['file.grant', 'file.revoke']])
  })

  test('what changes just before, counts', async () => {
    const after = (before: () => Promise<unknown>) => disturbed({ on: /INSERT INTO grants/, before }).DB
    const admins = async (path: string, body?: unknown) => study.admin.patch(`${study.path}/${path}`, body)
    const withdrawn = after(async () => admins(`participants/${ada.id}`, { status: 'withdrawn' }))
    expectProblem(await within({ DB: withdrawn }, ada).put(toBob(), GRANT), 'participant_withdrawn')
    ok(await admins(`participants/${ada.id}`, { status: 'active' }))
    const gone = after(async () => ada.delete(`${study.path}/files/${file.id}`))
    expectProblem(await within({ DB: gone }, ada).put(toBob(), GRANT), 'file_not_found')
    expect([await grantsOf(), await eventsOf()]).toEqual([[], []])
  })
})
