import { expect, test } from 'vitest'
import { auditIdOf, eventsOf, recorded } from '../support/audit.ts'
import { anonymous, as, type Caller, operator } from '../support/client.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { sweepAt } from '../support/faults.ts'
import { aToken } from '../support/tokens.ts'
import { aFile, aKey, aParticipant, aStudy, begin, ok, put } from '../support/world.ts'

// Every write puts itself on record in its own batch, once, and says who did what to whose thing.

const LOGIN = 'https://login.example.org/'
const HOUR_MS = 3_600_000

async function aScene() {
  const study = await aStudy({ allowPublic: true })
  const ada = await aParticipant(study, { id: 'ada' })
  const adminKey = ok(await study.admin.get(`${study.path}/keys/self`)).id
  const admin = { actor: `key:${adminKey}`, through: adminKey }
  const pseudonym = await auditIdOf(study, ada)
  const own = { actor: `participant:${pseudonym}`, through: ada.keyId, subject: pseudonym }
  return { study, ada, admin, own, pseudonym }
}

/** What is recorded once, by whom, and of what. */
async function expectRecord(study: { id: string }, deed: () => Promise<unknown>, expected: object) {
  const events = await recorded(study, deed)
  const common = { door: 'native', outcome: 'done', subject: null, object: null }
  expect(events).toEqual([expect.objectContaining({ ...common, ...expected })])
}

test('of a study, its participants and its members', async () => {
  const { study, ada, admin, pseudonym } = await aScene()
  expect((await eventsOf(study))[0]).toMatchObject({ action: 'study.create', actor: 'operator', through: null })
  const doing = async (action: string, deed: () => Promise<unknown>, more: object = {}) =>
    expectRecord(study, deed, { action, ...admin, ...more })

  await doing('study.update', async () => study.admin.patch(study.path, { name: 'Other' }))
  await expectRecord(study, async () => operator.patch(study.path, { name: 'Third' }), {
    action: 'study.update',
    actor: 'operator',
    through: null,
  })
  const enrolled = await recorded(study, async () => study.admin.post(`${study.path}/participants`, { id: 'bob' }))
  expect(enrolled).toMatchObject([
    { action: 'participant.enrol', ...admin, subject: await auditIdOf(study, { id: 'bob' }) },
  ])
  const theirs = { subject: pseudonym }
  const adaPath = `${study.path}/participants/ada`
  await doing('participant.update', async () => study.admin.patch(adaPath, { labels: ['a'] }), theirs)

  let member = { id: '' }
  const members = `${study.path}/members`
  const adding = async () => {
    member = ok(
      await study.admin.post(members, { issuer: LOGIN, subject: 'a', role: 'participant', participant: ada.id }),
    )
  }
  const added = await recorded(study, adding)
  expect(added).toMatchObject([{ action: 'member.add', ...admin, ...theirs, object: member.id }])
  await doing('member.remove', async () => study.admin.delete(`${members}/${member.id}`), {
    ...theirs,
    object: member.id,
  })
})

test('of an admin who ends their own place in the study', async () => {
  const { study } = await aScene()
  const { id } = ok(await study.admin.post(`${study.path}/members`, { issuer: LOGIN, subject: 'boss', role: 'admin' }))
  const boss = as(await aToken('boss'))
  await expectRecord(study, async () => ok(await boss.delete(`${study.path}/members/${id}`)), {
    action: 'member.remove',
    actor: `member:${id}`,
    through: id,
    object: id,
  })
})

test('of keys', async () => {
  const { study, ada, admin, own, pseudonym } = await aScene()
  const keys = `${study.path}/keys`
  let key = { id: '', secret: '' }
  const issued = await recorded(study, async () => {
    key = ok(await study.admin.post(keys, { role: 'participant', participant: ada.id, label: 'phone' }))
  })
  expect(issued).toMatchObject([{ action: 'key.issue', ...admin, subject: pseudonym, object: key.id }])

  let successor = { id: '' }
  const rotated = await recorded(study, async () => {
    successor = ok(await as(key.secret).post(`${keys}/self/rotate`, {}))
  })
  expect(rotated).toMatchObject([{ action: 'key.rotate', ...own, through: key.id, object: successor.id }])

  const revoking = async () => study.admin.delete(`${keys}/${successor.id}`)
  await expectRecord(study, revoking, { action: 'key.revoke', ...admin, subject: pseudonym, object: successor.id })
  expect(await recorded(study, revoking)).toEqual([])

  await expectRecord(study, async () => ok(await ada.delete(`${keys}/self`)), {
    action: 'key.revoke',
    ...own,
    object: ada.keyId,
  })
})

test('of enrolment codes, and of the phone that uses one', async () => {
  const { study, admin, own, pseudonym } = await aScene()
  const codes = `${study.path}/participants/ada/enrolment-codes`
  let code = { id: '', code: '' }
  const issuing = async () => {
    code = ok(await study.admin.post(codes, { label: 'phone' }))
  }
  const issued = await recorded(study, issuing)
  expect(issued).toMatchObject([{ action: 'enrolment_code.issue', ...admin, subject: pseudonym, object: code.id }])
  await expectRecord(study, async () => study.admin.delete(`${codes}/${code.id}`), {
    action: 'enrolment_code.revoke',
    ...admin,
    subject: pseudonym,
    object: code.id,
  })
  await issuing()
  let key = { id: '' }
  const exchanging = async () => {
    key = ok(await anonymous.post('/v1/enrolments', { code: code.code }))
  }
  const claimed = await recorded(study, exchanging)
  expect(claimed).toMatchObject([{ action: 'enrolment_code.claim', ...own, through: key.id, object: code.id }])
  const again = await recorded(study, async () => anonymous.post('/v1/enrolments', { code: code.code }))
  expect(again).toEqual([])
})

test('of files, from their beginning to their end', async () => {
  const { study, ada, own, admin, pseudonym } = await aScene()
  const files = `${study.path}/files`
  let upload = { id: '', url: '' }
  let file = { id: '' }
  const begun = await recorded(study, async () => ({ upload, file } = await begin(ada, study, { visibility: 'study' })))
  expect(begun).toMatchObject([{ action: 'file.begin', ...own, object: versionOf(upload) }])
  await put(upload.url)
  const complete = async () => ok(await ada.post(`${study.path}/uploads/${upload.id}/complete`))
  await expectRecord(study, complete, { action: 'file.complete', ...own, object: versionOf(upload) })
  expect(await recorded(study, complete)).toEqual([])
  await expectRecord(study, async () => ada.patch(`${files}/${file.id}`, { title: 'x' }), {
    action: 'file.edit',
    ...own,
    object: file.id,
  })
  await expectRecord(study, async () => study.admin.delete(`${files}/${file.id}`), {
    action: 'file.delete',
    ...admin,
    subject: pseudonym,
    object: file.id,
  })
  const handle = `${study.path}/participants/me/files/notes`
  const named = await recorded(study, async () => {
    upload = ok(await ada.put(handle, { name: 'n', mediaType: 'text/plain', size: 11 })).upload
  })
  expect(named).toMatchObject([{ action: 'file.begin', ...own, object: versionOf(upload) }])
  await expectRecord(study, async () => ada.delete(`${study.path}/uploads/${upload.id}`), {
    action: 'file.abandon',
    ...own,
    object: versionOf(upload),
  })
})

test("of the study's own files, as nobody's", async () => {
  const { study } = await aScene()
  const events = await recorded(study, async () => aFile(study.worker, study, { participant: null }))
  expect(events.map(({ action, subject }) => [action, subject])).toEqual([
    ['file.begin', null],
    ['file.complete', null],
  ])
})

test('of what Carrel does by itself', async () => {
  const { study, owner } = await aDesk()
  const { upload } = await begin(owner, study)
  const later = new Date(Date.now() + 8 * 24 * HOUR_MS)
  await expectRecord(study, async () => sweepAt(later), {
    action: 'file.abandon',
    door: 'job',
    actor: 'system',
    through: null,
    subject: await auditIdOf(study, owner),
    object: versionOf(upload),
  })
})

test('of links', async () => {
  const { study, ada, own, admin, pseudonym } = await aScene()
  const file = await aFile(ada, study, { visibility: 'study' })
  const links = `${study.path}/files/${file.id}/download-tokens`
  let link = { id: '' }
  const issuing =
    (caller: Caller, more: object = {}) =>
    async () => {
      link = ok(await caller.post(links, more))
    }
  expect(await recorded(study, issuing(ada))).toMatchObject([{ action: 'link.issue', ...own, object: link.id }])
  const byTeam = await recorded(study, issuing(study.admin, { version: file.version.id }))
  expect(byTeam).toMatchObject([{ action: 'link.issue', ...admin, subject: pseudonym, object: link.id }])
  await expectRecord(study, async () => ada.delete(`${links}/${link.id}`), {
    action: 'link.revoke',
    ...own,
    object: link.id,
  })
  const ours = await aFile(study.worker, study, { participant: null })
  const ofStudy = await recorded(study, async () =>
    study.admin.post(`${study.path}/files/${ours.id}/download-tokens`, {}),
  )
  expect(ofStudy).toMatchObject([{ action: 'link.issue', ...admin, subject: null }])
})

test('of documents and their schemas', async () => {
  const { study, ada, own, admin } = await aScene()
  const path = `${study.path}/participants/me/documents/preferences`
  const schema = `${study.path}/document-schemas/preferences`
  await expectRecord(study, async () => ok(await study.admin.put(schema, { type: 'object' })), {
    action: 'document_schema.put',
    ...admin,
  })
  const etag = ({ headers }: { headers: Headers }) => headers.get('ETag')?.slice(1, -1)
  let written: string | undefined
  const stored = await recorded(study, async () => (written = etag(await ada.put(path, { theme: 'dark' }))))
  expect(stored).toMatchObject([{ action: 'document.put', ...own, object: written }])
  const type = { 'Content-Type': 'application/merge-patch+json' }
  const patched = await recorded(study, async () => (written = etag(await ada.patch(path, { a: 1 }, type))))
  expect(patched).toMatchObject([{ action: 'document.put', ...own, object: written }])
  await expectRecord(study, async () => ada.delete(path), { action: 'document.delete', ...own, object: written })
  await expectRecord(study, async () => study.admin.delete(schema), { action: 'document_schema.delete', ...admin })
})

test('of reports', async () => {
  const { study, ada, own, admin } = await aScene()
  const steps = `${study.path}/participants/me/reports/steps`
  const doing = async (action: string, deed: () => Promise<unknown>) =>
    expectRecord(study, deed, { action, ...own, object: null })
  const entries = [
    { at: '2026-11-20', data: { steps: 1 } },
    { at: '2026-11-21', data: { steps: 2 } },
  ]
  await doing('report.add', async () => ok(await ada.put(`${steps}/entries/2026-11-19`, { steps: 3 })))
  await doing('report.add', async () => ok(await ada.post(`${steps}/entries`, { entries })))
  await doing('report_entry.delete', async () => ok(await ada.delete(`${steps}/entries/2026-11-19`)))
  await doing('report.delete', async () => ok(await ada.delete(steps)))
  const shared = `${study.path}/reports/weather`
  await expectRecord(study, async () => ok(await study.admin.put(`${shared}/entries/2026-11-19`, { rain: 1 })), {
    action: 'report.add',
    ...admin,
  })
  await expectRecord(study, async () => ok(await study.admin.patch(shared, { public: true })), {
    action: 'report.change',
    ...admin,
  })
})

test('of nothing that was not done', async () => {
  const { study, ada } = await aScene()
  const bob = await aParticipant(study)
  const { id } = await aFile(ada, study)
  const key = await aKey(study, { role: 'staff' })
  const done = (
    await recorded(study, async () => {
      for (const refused of [
        await bob.delete(`${study.path}/files/${id}`),
        await bob.patch(`${study.path}/files/${id}`, { title: 'x' }),
        await bob.post(`${study.path}/files/${id}/download-tokens`, {}),
        await key.put(`${study.path}/participants/ada/documents/d`, {}),
        await key.patch(study.path, { name: 'x' }),
        await key.post(`${study.path}/participants`, { id: 'eve' }),
        await key.delete(`${study.path}/keys/${ada.keyId}`),
        await ada.patch(`${study.path}/files/${id}`, { title: 'x' }, { 'If-Match': '"r99"' }),
        await ada.delete(`${study.path}/participants/me/reports/none`),
      ]) {
        expect(refused.status).toBeGreaterThanOrEqual(400)
      }
    })
  ).filter(({ outcome }) => outcome === 'done')
  expect(done).toEqual([])
})

test('at a time that its id sorts by', async () => {
  const { study, ada } = await aScene()
  await aFile(ada, study)
  const events = await eventsOf(study)
  expect(events.map(({ at }) => at)).toEqual(events.map(({ at }) => at).toSorted((a, b) => a - b))
  const now = Date.now()
  for (const { at } of events) expect(Math.abs(now - at)).toBeLessThan(60_000)
})
