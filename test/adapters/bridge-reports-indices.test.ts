// What Bridge tells of reports: the index of participants' reports, the app's own reports and whom they are open to, and
// what a study of the app (v5) has of them.

import { beforeAll, describe, expect, test } from 'vitest'
import { bridgeAs } from '../support/bridge-client.ts'
import { badRequest, done, missing, teamOf, told } from '../support/bridge-world.ts'
import type { Caller } from '../support/client.ts'
import { aParticipant, aStudy, ok, type Participant } from '../support/world.ts'

const RECORD = { date: '2026-11-21', data: 1 }
const DAYS = 'startDate=2026-11-01&endDate=2026-11-30'
const TIMES = 'startTime=2026-11-01T00:00:00.000Z&endTime=2026-11-30T00:00:00.000Z'
const NO_INDEX = [404, missing('ReportIndex')]

const index = (identifier: string, studyIds: string[] = [], isPublic = false) => ({
  identifier,
  studyIds,
  public: isPublic,
  type: 'ReportIndex',
})
const list = (reportType: string, items: object[], more: object = {}) => ({
  items,
  requestParams: { reportType, ...more, type: 'RequestParams' },
  type: 'ReportTypeResourceList',
})

/** An app and somebody of each arm, in nothing else. */
async function anApp(settings: object = { allowPublic: true }) {
  const study = await aStudy(settings)
  const [ada, bob] = [
    await aParticipant(study, { labels: ['a', 'both'] }),
    await aParticipant(study, { labels: ['b'] }),
  ]
  return { study, ada, bob, asAda: bridgeAs(ada.key), asBob: bridgeAs(bob.key), ...teamOf(study) }
}

const CANNOT_CHANGE = 'studyIds cannot be changed once created for a report'

describe('the index of participants’ reports', () => {
  const INDICES = '/v3/participants/reports'
  const save = async (caller: Caller, report: string, more: object = {}) =>
    caller.post(`/v3/users/self/reports/${report}`, { ...RECORD, ...more })

  test('tells the team of all names, and participants of their own', async () => {
    const { study, ada, asAda, asBob, staff, worker, admin } = await anApp()
    for (const report of ['walks', 'sleep']) ok(await save(asAda, report))
    for (const report of ['walks', 'moods']) ok(await save(asBob, report))
    ok(await ada.put(`${study.path}/participants/me/reports/native/entries/2026-11-21`, {}))
    const all = ['moods', 'native', 'sleep', 'walks'].map((report) => index(report))
    for (const caller of [staff, worker, admin]) {
      expect(told(await caller.get(INDICES))).toEqual([200, list('participant', all)])
      expect(told(await caller.get('/v3/reports?type=PARTICIPANT'))).toEqual([200, list('participant', all)])
      expect(told(await caller.get(`${INDICES}/moods/index`))).toEqual([200, index('moods')])
      expect(told(await caller.get(`${INDICES}/none/index`))).toEqual(NO_INDEX)
    }
    expect((await asAda.get(INDICES)).body.items).toEqual(['native', 'sleep', 'walks'].map((report) => index(report)))
    expect(told(await asAda.get(`${INDICES}/walks/index`))).toEqual([200, index('walks')])
    expect(told(await asAda.get(`${INDICES}/moods/index`))).toEqual(NO_INDEX)
    expect((await bridgeAs((await aParticipant(study)).key).get(INDICES)).body.items).toEqual([])
  })

  test('has a name for as long as anybody has a report of it', async () => {
    const { ada, bob, asAda, asBob, admin } = await anApp()
    for (const caller of [asAda, asBob]) ok(await save(caller, 'walks'))
    ok(await admin.delete(`/v3/participants/${ada.id}/reports/walks/2026-11-21`))
    expect((await asAda.get(`${INDICES}/walks/index`)).status).toBe(200)
    ok(await admin.delete(`/v3/participants/${ada.id}/reports/walks`))
    expect((await asAda.get(`${INDICES}/walks/index`)).status).toBe(404)
    expect((await admin.get(`${INDICES}/walks/index`)).status).toBe(200)
    ok(await admin.delete(`/v3/participants/${bob.id}/reports/walks`))
    expect((await admin.get(`${INDICES}/walks/index`)).status).toBe(404)
  })

  test('loses a name to an admin; the reports stay, and the next record brings it back', async () => {
    const { asAda, admin } = await anApp()
    ok(await save(asAda, 'walks', { studyIds: ['a'] }))
    expect(told(await admin.delete(`${INDICES}/walks`))).toEqual(done('Report index deleted.'))
    expect(told(await admin.delete(`${INDICES}/walks`))).toEqual(NO_INDEX)
    expect((await asAda.get(INDICES)).body.items).toEqual([])
    expect((await asAda.get(`/v3/users/self/reports/walks?${DAYS}`)).body.total).toBe(1)
    ok(await save(asAda, 'walks'))
    expect((await asAda.get(INDICES)).body.items).toEqual([index('walks')])
  })

  test('keeps the studies that the first record tells', async () => {
    const { ada, asAda, asBob, staff } = await anApp()
    ok(await save(asAda, 'walks', { studyIds: ['b', 'a', 'b'] }))
    for (const more of [{}, { studyIds: null }, { studyIds: ['a', 'b'] }, { substudyIds: ['b', 'a'] }]) {
      expect((await save(asBob, 'walks', more)).status, JSON.stringify(more)).toBe(201)
    }
    for (const studyIds of [[], ['a'], ['a', 'b', 'c']]) {
      for (const answer of [
        await save(asBob, 'walks', { studyIds, data: 2 }),
        await staff.post(`/v4/participants/${ada.id}/reports/walks`, { ...RECORD, studyIds, data: 2 }),
      ]) {
        const entity = { date: '2026-11-21', localDate: '2026-11-21', data: 2, type: 'ReportData' }
        const errors = { studyIds: [CANNOT_CHANGE] }
        const message = `ReportData is invalid: ${CANNOT_CHANGE}`
        const invalid = { statusCode: 400, message, errors, entity, type: 'InvalidEntityException' }
        expect(told(answer)).toEqual([400, invalid])
      }
    }
    expect((await asBob.get(`/v3/users/self/reports/walks?${DAYS}`)).body.items[0].data).toBe(1)
    expect((await staff.get(`${INDICES}/walks/index`)).body).toEqual(index('walks', ['a', 'b']))
    // Without any it is for all, and that does not change either.
    ok(await save(asAda, 'sleep'))
    expect((await save(asAda, 'sleep', { studyIds: ['a'] })).status).toBe(400)
    expect((await save(asAda, 'sleep', { studyIds: [] })).status).toBe(201)
  })
})

describe('a report of the app', () => {
  const save = async (caller: Caller, report: string, more: object = {}) =>
    caller.post(`/v3/reports/${report}`, { ...RECORD, ...more })

  test('is read by participants, if it was made here and for the whole app', async () => {
    const { study, asAda, staff, admin, worker } = await anApp()
    expect(told(await save(admin, 'weather'))).toEqual(done('Report data saved.', 201))
    ok(await worker.post('/v4/reports/weather', { date: '2026-11-21T10:00:00Z', data: 2 }))
    ok(await worker.post(`/v1/apps/${study.id}/reports/weather`, { date: '2026-11-22', data: 3 }))
    ok(await save(admin, 'arm', { studyIds: ['a'] }))
    ok(await study.admin.put(`${study.path}/reports/native/entries/2026-11-21`, {}))
    for (const caller of [asAda, staff, worker]) {
      expect((await caller.get(`/v3/reports/weather?${DAYS}`)).body).toMatchObject({ total: 2 })
      expect((await caller.get(`/v4/reports/weather?${TIMES}`)).body.items).toHaveLength(1)
      expect(told(await caller.get('/v3/reports/weather/index'))).toEqual([200, index('weather')])
    }
    const all = [index('arm', ['a']), index('native'), index('weather')]
    expect(told(await staff.get('/v3/reports'))).toEqual([200, list('study', all)])
    expect(told(await asAda.get('/v3/reports?type=study'))).toEqual([200, list('study', [index('weather')])])
    for (const report of ['arm', 'native', 'none']) {
      expect((await asAda.get(`/v3/reports/${report}?${DAYS}`)).body, report).toMatchObject({ items: [], total: 0 })
      expect((await asAda.get(`/v4/reports/${report}?${TIMES}`)).body.items).toEqual([])
      expect(told(await asAda.get(`/v3/reports/${report}/index`))).toEqual(NO_INDEX)
    }
    expect((await save(admin, 'arm', { studyIds: [] })).body.errors).toEqual({ studyIds: [CANNOT_CHANGE] })
    // It is no participant's, whatever it is called.
    expect((await staff.get('/v3/participants/reports')).body.items).toEqual([])
  })

  test('is public for as long as an admin says so, and then anyone reads it by date', async () => {
    const { study, asAda, staff, admin } = await anApp()
    const nobody = bridgeAs()
    ok(await save(admin, 'weather'))
    const paths = [`/v1/apps/${study.id}`, `/v3/studies/${study.id}`].map((app) => `${app}/reports/weather?${DAYS}`)
    const publish = async (body: object) => admin.post('/v3/reports/weather/index', body)
    const readers = [nobody, bridgeAs('garbage'), bridgeAs(`crs_${study.number}_${'a'.repeat(43)}`), asAda, staff]
    const expectPublic = async (isPublic: boolean) => {
      expect((await asAda.get('/v3/reports/weather/index')).body).toEqual(index('weather', [], isPublic))
      for (const caller of readers) {
        for (const path of paths) {
          const { status, body } = await caller.get(path)
          expect([status, isPublic ? body.total : body], path).toEqual(isPublic ? [200, 1] : NO_INDEX)
        }
      }
    }
    await expectPublic(false)
    expect(told(await publish({ public: true, identifier: 'another', type: 'x' }))).toEqual(
      done('Report index updated.'),
    )
    await expectPublic(true)
    expect((await nobody.get(`${paths[0]}&startDate=x`)).status).toBe(200)
    expect(told(await nobody.get(`/v1/apps/${study.id}/reports/weather?startDate=x`))).toEqual(
      badRequest('x is not a LocalDate value'),
    )
    ok(await publish({ public: false }))
    await expectPublic(false)
    expect((await asAda.get(`/v3/reports/weather?${DAYS}`)).body.total).toBe(1)
  })

  test('is not public to whom there is no such app or report, or a study that allows none', async () => {
    const { study, admin, staff } = await anApp({ allowPublic: false })
    ok(await save(admin, 'weather'))
    const refused = await admin.post('/v3/reports/weather/index', { public: true })
    expect([refused.status, refused.body.type]).toEqual([400, 'BadRequestException'])
    expect((await staff.post('/v3/reports/weather/index', { public: false })).status).toBe(403)
    expect(told(await admin.post('/v3/reports/none/index', { public: false }))).toEqual(NO_INDEX)
    for (const path of [`${study.id}/reports/weather`, `${study.id}/reports/none`, 'no-such-app/reports/weather']) {
      expect(told(await bridgeAs().get(`/v1/apps/${path}`)), path).toEqual(NO_INDEX)
    }
  })

  test('of the native API is not opened to participants by being taken back from the public', async () => {
    const { study, asAda, admin } = await anApp()
    ok(await study.admin.put(`${study.path}/reports/native/entries/2026-11-21`, {}))
    ok(await admin.post('/v3/reports/native/index', { public: false, studyIds: [] }))
    expect((await asAda.get(`/v3/reports/native?${DAYS}`)).body.total).toBe(0)
    ok(await save(admin, 'weather'))
    ok(await admin.post('/v3/reports/weather/index', { studyIds: ['a'] }))
    expect((await admin.get('/v3/reports/weather/index')).body).toEqual(index('weather', ['a']))
    expect((await asAda.get(`/v3/reports/weather?${DAYS}`)).body.total).toBe(0)
  })

  test('goes with its last record, or by itself', async () => {
    const { admin, worker } = await anApp()
    for (const date of ['1999-01-01', '2026-11-21T10:00:00Z']) ok(await save(admin, 'weather', { date }))
    const remove = async (date: string) => worker.delete(`/v3/reports/weather/${date}`)
    for (const date of ['1999-01-01', '1999-01-01', '2026-11-21']) {
      expect(told(await remove(date))).toEqual(done('Report record deleted.'))
      expect((await worker.get('/v3/reports/weather/index')).status).toBe(200)
    }
    ok(await remove('2026-11-21T12:00:00+02:00'))
    expect((await worker.get('/v3/reports/weather/index')).status).toBe(404)
    ok(await save(admin, 'weather'))
    for (const door of ['/v3', '/v4']) {
      expect(told(await worker.delete(`${door}/reports/weather`))).toEqual(done('Report deleted.'))
      expect((await worker.get('/v3/reports')).body.items).toEqual([])
    }
  })
})

describe('a study of the app', () => {
  const SAVED = done('Participant report saved.', 201)
  let app: Awaited<ReturnType<typeof anApp>>
  const at = (part: string, rest: string) => `/v5/studies/${part}/participants/${rest}`
  const instant = { dateTime: '2026-11-21T10:00:00Z', data: 1 }

  beforeAll(async () => {
    app = await anApp()
    const { ada, asAda, asBob, staff } = app
    expect(told(await asAda.post(at('a', 'self/reports/walks'), instant))).toEqual(SAVED)
    expect(told(await staff.post(at('b', `${app.bob.id}/reports/walks`), instant))).toEqual(SAVED)
    expect(told(await asBob.post(at('b', 'self/reports/moods'), { ...instant, studyIds: ['c'] }))).toEqual(SAVED)
    expect(told(await asAda.post(at(app.study.id, 'self/reports/sleep'), instant))).toEqual(SAVED)
    ok(await ada.put(`${app.study.path}/participants/me/reports/native/entries/2026-11-21`, {}))
  })

  test('has the indices that are marked with it, and the app has all', async () => {
    const { staff, admin, study } = app
    const [moods, native, sleep] = [index('moods', ['b', 'c']), index('native'), index('sleep')]
    const walks = index('walks', ['a', 'b'])
    const items = { a: [walks], b: [moods, walks], c: [moods], d: [], [study.id]: [moods, native, sleep, walks] }
    for (const [part, there] of Object.entries(items)) {
      for (const caller of [staff, admin]) {
        expect(told(await caller.get(at(part, 'reports')))).toEqual([
          200,
          list('participant', there, { studyId: part }),
        ])
        const seen = there.map(({ identifier }) => identifier)
        for (const { identifier, ...rest } of items[study.id] ?? []) {
          const answer = told(await caller.get(at(part, `reports/${identifier}`)))
          expect(answer).toEqual(seen.includes(identifier) ? [200, { identifier, ...rest }] : NO_INDEX)
        }
      }
    }
  })

  test('has the reports of those who are in it', async () => {
    const { staff, ada, bob, study } = app
    const read = async (part: string, person: Participant, report: string) =>
      staff.get(at(part, `${person.id}/reports/${report}?${TIMES}`))
    expect((await read('a', ada, 'walks')).body.items).toHaveLength(1)
    expect((await read('b', bob, 'moods')).body.items).toHaveLength(1)
    expect((await read(study.id, bob, 'sleep')).body.items).toEqual([])
    expect(told(await read('a', bob, 'walks'))).toEqual([404, missing('Account')])
    expect(told(await read('c', bob, 'moods'))).toEqual([404, missing('Account')])
    expect(told(await read('b', bob, 'sleep'))).toEqual(NO_INDEX)
    expect(told(await staff.post(at('a', `${bob.id}/reports/walks`), instant))).toEqual([404, missing('Account')])
  })

  test('is a participant’s if they are in it; what they do not have yet is empty', async () => {
    const { asAda, asBob } = app
    const read = async (caller: Caller, part: string, report: string) =>
      caller.get(at(part, `self/reports/${report}?${TIMES}`))
    expect((await read(asAda, 'a', 'walks')).body.items).toHaveLength(1)
    expect((await read(asAda, 'a', 'new')).body.items).toEqual([])
    expect((await read(asAda, 'a', 'moods')).body.items).toEqual([])
    expect(told(await read(asAda, 'a', 'sleep'))).toEqual(NO_INDEX)
    expect(told(await read(asBob, 'a', 'walks'))).toEqual([404, missing('Account')])
    expect(told(await asBob.post(at('a', 'self/reports/walks'), instant))).toEqual([404, missing('Account')])
  })

  test('adds its mark once, whatever there is already', async () => {
    const { asAda, admin } = app
    ok(await asAda.post('/v4/users/self/reports/late', instant))
    for (const part of ['both', 'a', 'a', 'both']) ok(await asAda.post(at(part, 'self/reports/late'), instant))
    expect((await admin.get('/v3/participants/reports/late/index')).body.studyIds).toEqual(['a', 'both'])
    const said = async (studyIds: string[]) => asAda.post(at('a', 'self/reports/late'), { ...instant, studyIds })
    expect((await said(['both'])).status).toBe(201)
    expect((await said(['c'])).body.errors).toEqual({ studyIds: [CANNOT_CHANGE] })
  })

  test('loses what an admin deletes, and nothing of another', async () => {
    const { study, admin, asBob, bob } = app
    ok(await asBob.post(at('b', 'self/reports/gone'), instant))
    const remove = async (part: string, rest: string) => told(await admin.delete(at(part, rest)))
    for (const rest of ['reports/gone', `${bob.id}/reports/gone`, `${bob.id}/reports/gone/2026-11-21T10:00:00Z`]) {
      expect((await remove('a', rest))[0]).toBe(404)
    }
    const native = `${study.path}/participants/${bob.id}/reports/gone`
    expect(ok(await bob.get(native)).entries).toBe(1)
    expect(await remove('b', `${bob.id}/reports/gone/2026-11-21T10:00:00Z`)).toEqual(done('Report record deleted.'))
    expect(ok(await bob.get(native)).entries).toBe(0)
    expect(await remove('b', 'reports/gone')).toEqual(done('Participant report index deleted.'))
    expect(await remove('b', `${bob.id}/reports/gone`)).toEqual(NO_INDEX)
    ok(await asBob.post(at('b', 'self/reports/gone'), instant))
    expect(await remove('b', `${bob.id}/reports/gone`)).toEqual(done('Report deleted.'))
    expect((await bob.get(native)).status).toBe(404)
  })
})
