import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, test } from 'vitest'
import { hollowVersions, strays } from '../support/bucket.ts'
import { anonymous, as, operator } from '../support/client.ts'
import {
  aBusyParticipant,
  eraseQuietly,
  everythingStored,
  namesOf,
  receiptOf,
  sweepUntilDone,
  tracesOf,
} from '../support/erasures.ts'
import { deliver, disturbed, sweepAt, within } from '../support/faults.ts'
import { LOGIN, signedIn } from '../support/tokens.ts'
import { aFile, aParticipant, aStudy, begin, objectKeyOf, ok, put } from '../support/world.ts'

const SOME = { files: 40, documents: 20, entries: 50 }
const codeOf = ({ status, body }: { status: number; body: { code?: string } }) => `${status} ${body.code}`

afterAll(async () => {
  expect(await strays()).toEqual([])
  expect(await hollowVersions()).toEqual([])
})

/** A study with things of its own, too. */
async function aLivedInStudy() {
  const study = await aStudy({ allowPublic: true })
  const busy = await aBusyParticipant(study, SOME)
  const shown = await aFile(study.admin, study, { participant: null, visibility: 'public', name: 'shown.txt' })
  const { upload } = await begin(study.worker, study, { participant: null, visibility: 'study' })
  await put(upload.url)
  ok(await study.worker.put(`${study.path}/reports/weather/entries/2026-11-21`, { degrees: 7 }))
  ok(await study.admin.put(`${study.path}/document-schemas/preferences`, { type: 'object' }))
  return { study, busy, shown, upload }
}

describe('a study is erased', () => {
  test('with everything in it: of all that is stored only receipts name it', async () => {
    const { study, busy } = await aLivedInStudy()
    const { person, things, auditId } = await namesOf(study, busy)
    // Somebody is being erased already, and somebody was.
    await aParticipant(study, { id: 'gone' })
    await sweepUntilDone(await eraseQuietly(study.admin, `${study.path}/participants/gone`))
    const going = await eraseQuietly(busy.ada, `${study.path}/participants/me`)

    const erasure = await eraseQuietly(operator, study.path)
    expect(erasure).toMatchObject({ kind: 'study', participant: null, state: 'erasing' })
    const done = await sweepUntilDone(erasure)
    // Each receipt counts what its own steps took.
    const theirs = await receiptOf(going)
    expect([theirs.state, theirs.participant]).toEqual(['done', null])
    for (const [thing, there] of [
      ['members', 1],
      ['enrolmentCodes', 1],
      ['documents', SOME.documents],
      ['entries', SOME.entries + 2],
    ] as const) {
      expect([thing, theirs.counts[thing] + done.counts[thing]]).toEqual([thing, there])
    }

    expect(await tracesOf([...person, ...things])).toEqual([])
    expect(await tracesOf([auditId])).toEqual(['erasures', 'receipt keys'])
    expect(await tracesOf([study.id])).toEqual(['erasures', 'receipt keys', 'receipts'])
    const shadows = [...(await everythingStored())].filter(([place]) => place === 'files_fts_content')
    expect(shadows[0]?.[1] ?? '').not.toContain(`s${study.number}`)
    const row = await env.DB.prepare('SELECT * FROM studies WHERE number = ?').bind(study.number).first()
    expect(row).toMatchObject({ id: `~${study.number}`, name: '', status: 'erased', files: 0, bytes: 0, documents: 0 })
  })

  test('by the operator only', async () => {
    const study = await aStudy()
    for (const caller of [study.admin, study.worker, study.staff, study.download, await aParticipant(study)]) {
      expect(codeOf(await caller.delete(study.path))).toBe('403 forbidden')
    }
    expect(codeOf(await (await aStudy()).admin.delete(study.path))).toBe('404 study_not_found')
    expect(codeOf(await anonymous.delete(study.path))).toBe('401 unauthenticated')
    expect(codeOf(await operator.delete('/v1/studies/absent'))).toBe('404 study_not_found')
    expect(ok(await study.admin.get(study.path)).id).toBe(study.id)
  })

  test('and is not there from the answer on, for anybody', async () => {
    const { study, busy, shown, upload } = await aLivedInStudy()
    ok(await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject: 'sam', role: 'staff' }))
    const sam = await signedIn('sam')
    const link = ok(await study.staff.post(`${study.path}/files/${shown.id}/download-tokens`, { seconds: 600 }))
    const { code } = ok(await study.admin.post(`${busy.path}/enrolment-codes`, { label: 'phone' }))
    const content = `${study.path}/files/${shown.id}/content`
    expect((await anonymous.get(content)).status).toBe(302)
    ok(await sam.get(`${study.path}/files`))

    const { status, body, headers } = await operator.delete(study.path)
    expect([status, headers.get('Location')]).toEqual([202, `${study.path}/erasures/${body.id}`])
    expect(ok(await operator.delete(study.path)).id).toBe(body.id)
    for (const caller of [study.admin, study.worker, study.staff, study.download, busy.ada]) {
      expect(codeOf(await caller.get(`${study.path}/files`))).toBe('401 unauthenticated')
    }
    expect(codeOf(await sam.get(`${study.path}/files`))).toBe('404 study_not_found')
    expect((await anonymous.get(content)).status).toBe(401)
    expect([404, 410]).toContain((await anonymous.get(link.url)).status)
    expect([404, 410]).toContain((await anonymous.post('/v1/enrolments', { code })).status)
    for (const asked of [
      await operator.get(study.path),
      await operator.patch(study.path, { name: 'back' }),
      await operator.post(`${study.path}/keys`, { role: 'admin', label: 'new' }),
    ]) {
      expect(codeOf(asked)).toBe('404 study_not_found')
    }
    const listed: { id: string }[] = ok(await operator.get('/v1/studies?limit=100')).items
    expect(listed.map(({ id }) => id)).not.toContain(study.id)
    expect(codeOf(await operator.post('/v1/studies', { id: study.id, name: 'Again' }))).toBe('409 study_exists')
    // What was on its way lands nowhere.
    const object = { key: objectKeyOf(upload.url) }
    expect((await deliver([{ action: 'PutObject', object }])).acked).toHaveLength(1)
    await sweepUntilDone(body)
  })

  test('and its id can be had again, with another number and nothing of what was', async () => {
    const { study, shown, busy } = await aLivedInStudy()
    const erasure = await eraseQuietly(operator, study.path)
    await sweepUntilDone(erasure)
    const again = ok(await operator.post('/v1/studies', { id: study.id, name: 'Again' }))
    expect(again.number).toBeGreaterThan(study.number)
    expect(again.usage).toEqual({ bytes: 0, files: 0, documents: 0 })
    const admin = as(ok(await operator.post(`${study.path}/keys`, { role: 'admin', label: 'first' })).secret)
    for (const what of ['files', 'participants', 'members', 'erasures', 'document-schemas', 'reports']) {
      expect([what, ok(await admin.get(`${study.path}/${what}`)).items]).toEqual([what, []])
    }
    expect((await admin.get(`${study.path}/files/${shown.id}`)).status).toBe(404)
    for (const caller of [study.admin, study.staff, busy.ada]) {
      expect(codeOf(await caller.get(`${study.path}/files`))).toBe('401 unauthenticated')
    }
    expect((await receiptOf(erasure)).state).toBe('done')
    // The highest number stays taken where its study is erased.
    await sweepUntilDone(await eraseQuietly(operator, study.path))
    const next = ok(await operator.post('/v1/studies', { id: study.id, name: 'And again' }))
    expect(next.number).toBeGreaterThan(again.number)
  })

  test('once, where the answers of D1 are lost', async () => {
    const study = await aStudy()
    const { DB, seen } = disturbed({ on: /INSERT INTO erasures|DELETE FROM audit_events|SET state = 'done'/, loses: 1 })
    const erasure = ok(await within({ DB }, operator).delete(study.path))
    for (const minutes of [2, 4, 6]) await sweepAt(new Date(Date.now() + minutes * 60_000), { DB })
    expect(seen.times).toBeGreaterThan(1)
    expect((await sweepUntilDone(erasure)).counts).toMatchObject({ keys: 4, participants: 0 })
  })

  test('beside what its participants do, of which nothing is left', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    const { upload } = await begin(ada, study)
    await put(upload.url)
    let erasure = { study: '', id: '' }
    const { DB, seen } = disturbed({
      on: /INSERT INTO versions/,
      before: async () => {
        erasure = await eraseQuietly(operator, study.path)
      },
    })
    const late = await within({ DB }, ada).post(`${study.path}/uploads/${upload.id}/complete`)
    // Nobody knows the key any more.
    expect([late.status, seen.times]).toEqual([401, 1])
    await sweepUntilDone(erasure)
    expect(await tracesOf([study.id])).toEqual(['erasures', 'receipt keys', 'receipts'])
  })
})
