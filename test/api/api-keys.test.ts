import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { anonymous, as, operator } from '../support/client.ts'
import { aKey, aParticipant, aStudy, ok, type Study } from '../support/world.ts'

const INSTANT = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString()
const issue = async (study: Study, key: object) => study.admin.post(`${study.path}/keys`, { label: 'test', ...key })
const at = (study: { path: string }, key: string) => `${study.path}/keys/${key}`

describe('a key', () => {
  test('is issued with its secret, which is shown this once', async () => {
    const study = await aStudy()
    const issued = await issue(study, {
      role: 'staff',
      label: "Grace's laptop",
      expiresAt: '2099-01-01T00:00:00+01:00',
    })
    expect(issued.status).toBe(201)
    expect(issued.headers.get('Cache-Control')).toBe('no-store')
    const { secret, ...key } = issued.body
    expect(key).toEqual({
      id: expect.stringMatching(/^key_[0-9a-z]{26}$/),
      role: 'staff',
      participant: null,
      member: null,
      label: "Grace's laptop",
      hint: secret.slice(-4),
      publicKey: null,
      createdAt: INSTANT,
      expiresAt: '2098-12-31T23:00:00.000Z',
      revokedAt: null,
      lastUsedAt: null,
    })
    expect(secret).toMatch(new RegExp(`^crl_${study.number}_[\\w-]{43}$`))
    expect((await as(secret).get(study.path)).status).toBe(200)

    const read = await study.admin.get(at(study, key.id))
    const listed = await study.admin.get(`${study.path}/keys`)
    const revoked = await study.admin.delete(at(study, key.id))
    for (const answer of [read, listed, revoked]) expect(answer.text).not.toContain(secret)
    const { results } = await env.DB.prepare('SELECT * FROM api_keys').all()
    expect(JSON.stringify(results)).not.toContain(secret.slice(8))
  })

  test.each([
    [{ role: 'participant' }, '/participant'],
    [{ role: 'staff', participant: 'ada' }, '/participant'],
    [{ role: 'download', participant: 'ada' }, '/participant'],
    [{ role: 'participant', participant: 'me' }, '/participant'],
    [{ role: 'participant', participant: 'ada', member: 'mem_01k9z3m8qe5w7v2n4h6j8k0r2t' }, '/member'],
    [{ role: 'download', member: 'mem_01k9z3m8qe5w7v2n4h6j8k0r2t' }, '/member'],
    [{ role: 'staff', member: 'mem_01k9z3m8qe5w7v2n4h6j8k0r2t' }, '/member'],
    [{ role: 'operator' }, '/role'],
    [{ role: 'staff', label: '' }, '/label'],
    [{ role: 'staff', expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
    [{ role: 'staff', expiresAt: '2099-02-30T00:00:00Z' }, '/expiresAt'],
    [{ role: 'staff', expiresAt: '2099-01-01' }, '/expiresAt'],
    [{ role: 'staff', expiresAt: '9999-12-31T23:59:59-23:59' }, '/expiresAt'],
    [{ role: 'staff', expiresAt: 4_102_444_800_000 }, '/expiresAt'],
    [{ role: 'staff', secret: 'chosen' }, '/secret'],
  ])('cannot be issued as %j', async (key, pointer) => {
    const study = await aStudy()
    await aParticipant(study, { id: 'ada' })
    expect(await issue(study, key)).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
  })

  test('for a participant needs one who is there', async () => {
    const study = await aStudy()
    const refused = await issue(study, { role: 'participant', participant: 'nobody' })
    expect(refused).toMatchObject({ status: 404, body: { code: 'participant_not_found' } })
    await aParticipant(await aStudy(), { id: 'elsewhere' })
    expect(await issue(study, { role: 'participant', participant: 'elsewhere' })).toMatchObject({ status: 404 })
  })

  test('is issued, listed and looked at by admins only', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { body } = await issue(study, { role: 'staff' })
    for (const caller of [study.worker, study.staff, study.download, participant]) {
      for (const refused of [
        await caller.post(`${study.path}/keys`, { role: 'admin', label: 'mine' }),
        await caller.get(`${study.path}/keys`),
        await caller.get(at(study, body.id)),
        await caller.get(at(study, 'key_00000000000000000000000000')),
        await caller.delete(at(study, body.id)),
      ]) {
        expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } })
      }
    }
    expect(ok(await as(body.secret).get(at(study, 'self'))).revokedAt).toBeNull()
  })

  test('is listed oldest first, revoked ones too, page by page and by participant', async () => {
    const study = await aStudy()
    const [ada, grace] = [await aParticipant(study), await aParticipant(study)]
    const second = await aKey(study, { role: 'participant', participant: ada.id })
    ok(await study.admin.delete(at(study, ada.keyId)))
    const ids = async (query: string) => {
      const page = ok(await study.admin.get(`${study.path}/keys?${query}`))
      return { ids: page.items.map(({ id }: { id: string }) => id), next: page.nextCursor }
    }
    const all = await ids('')
    expect(all.ids).toHaveLength(7)
    expect(all.ids).toEqual(expect.arrayContaining([ada.keyId, grace.keyId, second.id]))
    expect(all.ids).toEqual(all.ids.toSorted())
    const first = await ids('limit=5')
    expect([...first.ids, ...(await ids(`limit=5&cursor=${first.next}`)).ids]).toEqual(all.ids)
    const hers = [ada.keyId, second.id].toSorted()
    expect(await ids(`participant=${ada.id}`)).toEqual({ ids: hers, next: null })
    const one = await ids(`participant=${ada.id}&limit=1`)
    expect(await ids(`participant=${ada.id}&limit=1&cursor=${one.next}`)).toEqual({ ids: hers.slice(1), next: null })
    expect(await ids('participant=nobody')).toEqual({ ids: [], next: null })
  })

  test('is read by its holder, as `self` and by its id', async () => {
    const study = await aStudy()
    for (const caller of [study.admin, study.worker, study.staff, study.download, await aParticipant(study)]) {
      const self = ok(await caller.get(at(study, 'self')))
      expect(caller.key?.endsWith(self.hint)).toBe(true)
      expect(ok(await caller.get(at(study, self.id)))).toMatchObject({ id: self.id, role: self.role })
    }
    // The operator's is no key of the study, and nobody has none.
    expect(await operator.get(at(study, 'self'))).toMatchObject({ status: 403 })
    expect(await anonymous.get(at(study, 'self'))).toMatchObject({ status: 401 })
  })

  test('of another study is not there', async () => {
    const [study, other] = [await aStudy(), await aStudy()]
    const { id } = ok(await issue(other, { role: 'staff' }))
    for (const refused of [await study.admin.get(at(study, id)), await study.admin.delete(at(study, id))]) {
      expect(refused).toMatchObject({ status: 404, body: { code: 'key_not_found' } })
    }
    for (const path of [at(study, id), at(study, 'self'), `${study.path}/keys`]) {
      const [there, absent] = [await other.admin.get(path), await other.admin.get(path.replace(study.id, 'absent'))]
      expect(there).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
      expect({ ...there.body, requestId: '' }).toEqual({ ...absent.body, requestId: '' })
    }
    expect(ok(await other.admin.get(at(other, id))).revokedAt).toBeNull()
  })
})

describe('revoking a key', () => {
  test('holds from the next request on, in every study', async () => {
    const study = await aStudy()
    const other = await aStudy()
    const key = await aKey(study, { role: 'worker' })
    expect((await key.get(study.path)).status).toBe(200)
    const revoked = ok(await study.admin.delete(at(study, key.id)))
    expect(revoked).toMatchObject({ id: key.id, revokedAt: INSTANT })
    for (const path of [study.path, other.path, '/v1/studies/absent', at(study, 'self'), '/v1/studies']) {
      expect(await key.get(path)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    }
    expect(await key.post(`${study.path}/keys/self/rotate`, {})).toMatchObject({ status: 401 })
  })

  test('again changes nothing', async () => {
    const study = await aStudy()
    const key = await aKey(study, { role: 'worker' })
    const { revokedAt } = ok(await study.admin.delete(at(study, key.id)))
    await env.DB.prepare('UPDATE api_keys SET revoked_at = revoked_at - 60000 WHERE id = ?').bind(key.id).run()
    const again = ok(await study.admin.delete(at(study, key.id)))
    expect(Date.parse(again.revokedAt)).toBe(Date.parse(revokedAt) - 60_000)
  })

  test("is everybody's right with their own", async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const [byId, other] = [await aKey(study, { role: 'staff' }), await aKey(study, { role: 'staff' })]
    for (const [caller, name] of [
      [participant, 'self'],
      [study.download, 'self'],
      [byId, byId.id],
    ] as const) {
      expect(ok(await caller.delete(at(study, name))).revokedAt).toEqual(INSTANT)
      expect(await caller.get(at(study, 'self'))).toMatchObject({ status: 401 })
    }
    expect((await other.get(study.path)).status).toBe(200)
  })
})

describe('a key that expires', () => {
  test('lets nobody in from then on', async () => {
    const study = await aStudy()
    const key = await aKey(study, { role: 'staff', expiresAt: inSeconds(3_600) })
    expect((await key.get(study.path)).status).toBe(200)
    await env.DB.prepare('UPDATE api_keys SET expires_at = ? WHERE id = ?').bind(Date.now(), key.id).run()
    for (const path of [study.path, '/v1/studies/absent']) {
      expect(await key.get(path)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    }
    expect(ok(await study.admin.get(at(study, key.id)))).toMatchObject({ revokedAt: null, expiresAt: INSTANT })
  })
})
