// A record of Bridge's reports: how it is saved, told and deleted.

import { beforeAll, describe, expect, test } from 'vitest'
import { aBridgeApp, type BridgeApp, badRequest, done, missing, told } from '../support/bridge-world.ts'
import { aParticipant, ok, type Participant, type Study } from '../support/world.ts'

let study: Study
let ada: Participant
let bob: Participant
let withdrawn: Participant
let callers: BridgeApp['callers']

beforeAll(async () => {
  ;({ study, ada, withdrawn, callers } = await aBridgeApp())
  bob = await aParticipant(study)
})

const RECORD = { date: '2026-11-21', data: { steps: 8211 } }
const DAYS = 'startDate=2026-11-01&endDate=2026-11-30'
const TIMES = 'startTime=2026-11-01T00:00:00.000Z&endTime=2026-11-30T00:00:00.000Z'

describe('a record', () => {
  const SAVED = done('Report data saved.', 201)

  test('is saved by its participant, by the team and by a worker, and read by each', async () => {
    const at = '2026-11-21T10:00:00.000Z'
    const instant = { dateTime: at, data: 2 }
    expect(told(await callers.participant.post('/v3/users/self/reports/walks', RECORD))).toEqual(SAVED)
    expect(told(await callers.participant.post('/v4/users/self/reports/walks', instant))).toEqual(SAVED)
    const theirs = `/participants/${ada.id}/reports/walks`
    expect(told(await callers.staff.post(`/v3${theirs}`, { localDate: '2026-11-22', data: 3 }))).toEqual(SAVED)
    expect(told(await callers.admin.post(`/v4${theirs}`, { date: '2026-11-22T00:00:00Z', data: 4 }))).toEqual(SAVED)
    const byWorker = { healthCode: ada.id, localDate: '2026-11-23', data: 5 }
    expect(told(await callers.worker.post('/v3/participants/reports/walks', byWorker))).toEqual(SAVED)

    const dated = (date: string, data: unknown) => ({ date, localDate: date, data, type: 'ReportData' })
    const byDate = {
      items: [dated('2026-11-21', RECORD.data), dated('2026-11-22', 3), dated('2026-11-23', 5)],
      requestParams: { startDate: '2026-11-01', endDate: '2026-11-30', type: 'RequestParams' },
      startDate: '2026-11-01',
      endDate: '2026-11-30',
      total: 3,
      type: 'DateRangeResourceList',
    }
    expect(told(await callers.participant.get(`/v3/users/self/reports/walks?${DAYS}`))).toEqual([200, byDate])
    expect(told(await callers.staff.get(`/v3${theirs}?${DAYS}`))).toEqual([200, byDate])
    for (const app of ['/v1/apps', '/v3/studies']) {
      expect(told(await callers.worker.get(`${app}/${study.id}${theirs}?${DAYS}`))).toEqual([200, byDate])
    }
    const timed = (date: string, data: unknown) => ({ date, dateTime: date, data, type: 'ReportData' })
    const byTime = {
      items: [timed(at, 2), timed('2026-11-22T00:00:00.000Z', 4)],
      hasNext: false,
      requestParams: {
        pageSize: 50,
        startTime: '2026-11-01T00:00:00.000Z',
        endTime: '2026-11-30T00:00:00.000Z',
        type: 'RequestParams',
      },
      type: 'ForwardCursorPagedResourceList',
    }
    expect(told(await callers.participant.get(`/v4/users/self/reports/walks?${TIMES}`))).toEqual([200, byTime])
    expect(told(await callers.participant.get(`/v4${theirs}?${TIMES}`))).toEqual([200, byTime])
    for (const app of ['/v2/apps', '/v4/studies']) {
      expect(told(await callers.worker.get(`${app}/${study.id}${theirs}?${TIMES}`))).toEqual([200, byTime])
    }
  })

  test('keeps its value byte for byte', async () => {
    const values = [
      '{ "b":1.0, "a":12345678901234567890,"é":"\\u00e9\\"]" }',
      'null',
      '1e400',
      '-0',
      '[ ]',
      '""',
      'false',
    ]
    for (const [index, value] of values.entries()) {
      const body = `{"data": ${value} ,\n"date":"2026-11-${index + 10}", "extra":{"data":[]}}`
      expect((await callers.participant.post('/v3/users/self/reports/exact', body)).status, value).toBe(201)
      ok(await callers.participant.post('/v4/users/self/reports/exact', body.replace('"', '"localDate":null,"')))
      const { text } = await callers.participant.get(
        `/v3/users/self/reports/exact?startDate=2026-11-${index + 10}&endDate=2026-11-${index + 10}`,
      )
      expect(text).toContain(`"data":${value},"type":"ReportData"}]`)
    }
  })

  test('takes the place of the one of the same date, or the same moment in any zone', async () => {
    const save = async (body: object) => ok(await callers.participant.post('/v4/users/self/reports/again', body))
    await save({ date: '2026-11-21', data: 1 })
    await save({ localDate: '2026-11-21', data: 2 })
    await save({ dateTime: '2026-11-21T00:00:00Z', data: 3 })
    await save({ date: '2026-11-21T05:45:00.000+05:45', data: 4 })
    const native = ok(await ada.get(`${study.path}/participants/me/reports/again/entries`))
    expect(native.items.map(({ at, data }: { at: string; data: unknown }) => [at, data])).toEqual([
      ['2026-11-21', 2],
      ['2026-11-21T00:00:00.000Z', 4],
    ])
  })

  test.each<[body: object, errors: object]>([
    [{ data: 1 }, { ReportData: ['ReportData must include a localDate or dateTime'] }],
    [
      { localDate: '2026-11-21', dateTime: '2026-11-21T00:00:00Z', data: 1 },
      { ReportData: ['ReportData must include a localDate or dateTime, but not both'] },
    ],
    [
      { date: '2026-11-21', dateTime: '2026-11-21T00:00:00Z', data: 1 },
      { ReportData: ['ReportData must include a localDate or dateTime, but not both'] },
    ],
    [{ date: '2026-11-21' }, { data: ['data is required'] }],
    [{}, { ReportData: ['ReportData must include a localDate or dateTime'], data: ['data is required'] }],
  ])('%j is not saved', async (body, errors) => {
    const answer = await callers.participant.post('/v3/users/self/reports/invalid', body)
    const message = `ReportData is invalid: ${Object.values(errors).flat().join('; ')}`
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ statusCode: 400, message, errors, type: 'InvalidEntityException' })
    expect(answer.body.entity.type).toBe('ReportData')
  })

  test.each<[field: string, value: unknown]>([
    ['date', '2026-02-30'],
    ['date', '2026-11-21T25:00:00Z'],
    ['date', ''],
    ['localDate', '2026-11-21T00:00:00Z'],
    ['dateTime', '2026-11-21'],
    ['dateTime', '0000-01-01T00:00:00+01:00'],
    ['dateTime', {}],
    ['localDate', ['2026-11-21']],
    ['studyIds', 'arm-a'],
    ['studyIds', [7]],
    ['studyIds', ['\ud800']],
    ['studyIds', Array.from({ length: 51 }, String)],
  ])('whose %s is %j cannot be read', async (field, value) => {
    const body = { ...(field === 'studyIds' ? { date: '2026-11-21' } : {}), data: 1, [field]: value }
    const answer = await callers.participant.post('/v3/users/self/reports/unread', body)
    const message = `Error parsing JSON in request body, fields: ${field}`
    expect(told(answer)).toEqual([400, { statusCode: 400, message, type: 'InvalidEntityException' }])
  })

  test.each(['a b', 'é', 'a.b', 'x'.repeat(256), '%20', 'a%2Fb', '%F0%9F%98%80', '.well'])(
    'of a report %j is neither saved nor read',
    async (identifier) => {
      const blank = 'identifier cannot be missing or blank'
      const long = 'identifier cannot be longer than 255 characters'
      const wrong = 'identifier can only contain letters, numbers, underscore and dash'
      const message = identifier === '%20' ? blank : identifier.length > 255 ? long : wrong
      const at = `/users/self/reports/${identifier}`
      const saved = await callers.participant.post(`/v3${at}`, RECORD)
      expect([saved.status, saved.body.errors]).toEqual([400, { identifier: [message] }])
      const read = await callers.participant.get(`/v4${at}`)
      expect([read.status, read.body.message]).toEqual([400, `ReportDataKey is invalid: ${message}`])
    },
  )

  test('without a health code is not a worker’s to save', async () => {
    const save = async (body: object) => callers.worker.post('/v3/participants/reports/walks', { ...RECORD, ...body })
    for (const body of [{}, { healthCode: null }, { healthCode: {} }]) {
      expect(told(await save(body))).toEqual(badRequest('A health code is required to save report data.'))
    }
    expect(told(await save({ healthCode: 'nobody' }))).toEqual([404, missing('Account')])
  })

  test('may have 400 KiB with what is around it', async () => {
    const save = async (bytes: number) =>
      callers.participant.post('/v3/users/self/reports/large', { date: '2026-11-21', data: 'x'.repeat(bytes) })
    expect((await save(400 * 1024 - 40)).status).toBe(201)
    expect((await save(400 * 1024)).body).toMatchObject({ statusCode: 400, type: 'BadRequestException' })
  })

  test('of who has left is read and not written; they are asked for their consent', async () => {
    const saved = await callers.withdrawn.post('/v3/users/self/reports/x', RECORD)
    expect([saved.status, saved.body.type, saved.body.consented]).toEqual([412, 'UserSessionInfo', false])
    expect((await callers.withdrawn.get('/v4/users/self/reports/x')).status).toBe(200)
    const byTeam = await callers.staff.post(`/v3/participants/${withdrawn.id}/reports/x`, RECORD)
    expect([byTeam.status, byTeam.body.type]).toEqual([400, 'BadRequestException'])
  })
})

describe('of first records that come at once', () => {
  test('one tells the studies, and those that tell others are refused', async () => {
    const studies = [['a'], ['b'], ['c', 'a']]
    const answers = await Promise.all(
      studies.map(async (studyIds, index) =>
        callers.participant.post('/v3/users/self/reports/raced', { date: `2026-11-0${index + 1}`, data: 1, studyIds }),
      ),
    )
    const won = answers.findIndex(({ status }) => status === 201)
    expect(answers.map(({ status }) => status)).toEqual(studies.map((_, index) => (index === won ? 201 : 400)))
    const { body } = await callers.staff.get('/v3/participants/reports/raced/index')
    expect(body.studyIds).toEqual(studies[won]?.toSorted())
    expect((await callers.participant.get(`/v3/users/self/reports/raced?${DAYS}`)).body.total).toBe(1)
  })
})

describe('whatever is sent', () => {
  const HOSTILE = ['__proto__', "'; DROP TABLE reports; --", '0'.repeat(3_000), '\0\u202e']

  test('is answered in good order', async () => {
    const paths = (word: string) => [
      `/v3/users/self/reports/${word}?startDate=${word}`,
      `/v4/users/self/reports/x?startTime=${word}&endTime=${word}`,
      `/v4/users/self/reports/x?offsetKey=${word}&pageSize=${word}`,
      `/v4/participants/${word}/reports/${word}`,
      `/v4/participants/email:${word}/reports/x`,
      `/v3/participants/${ada.id}/reports/x/${word}`,
      `/v3/reports?type=${word}`,
      `/v5/studies/${word}/participants/reports/${word}`,
      `/v1/apps/${word}/reports/${word}`,
    ]
    for (const word of HOSTILE) {
      for (const path of paths(encodeURIComponent(word))) {
        const body = { date: word, data: word, studyIds: [word], healthCode: word }
        for (const caller of [callers.participant, callers.admin]) {
          for (const { status, text } of [
            await caller.get(path),
            await caller.post(path, body),
            await caller.delete(path),
          ]) {
            expect([path, status < 500 ? 'in order' : text]).toEqual([path, 'in order'])
          }
        }
      }
    }
  })

  test.each([
    '{"data":{}',
    '[]',
    '"x"',
    '',
    '{"date":"2026-11-21","data":1}}',
    '\ufeff{}',
    '{"date":{"a":1},"data":1}',
  ])('as a body of %j is refused, if it is no record', async (body) => {
    const answer = await callers.participant.post('/v3/users/self/reports/x', body)
    expect([answer.status, answer.body.type]).toEqual([400, 'InvalidEntityException'])
  })
})

describe('what is deleted', () => {
  test('is a record by either form of its date, or a report with all of them', async () => {
    const at = `/participants/${bob.id}/reports/gone`
    const save = async (body: object) => ok(await callers.admin.post(`/v3${at}`, body))
    for (const date of ['2026-11-20', '2026-11-21', '2026-11-21T09:00:00+01:00']) await save({ date, data: 1 })
    const DELETED = done('Report record deleted.')
    for (const date of ['2026-11-20', '2026-11-21T08:00:00.000Z', '2026-11-21T09:00:00+01:00', '1999-01-01']) {
      expect(told(await callers.worker.delete(`/v3${at}/${date}`)), date).toEqual(DELETED)
    }
    const native = `${study.path}/participants/${bob.id}/reports/gone`
    expect(ok(await bob.get(native)).entries).toBe(1)
    for (const door of ['/v3', '/v4', '/v3']) {
      expect(told(await callers.admin.delete(`${door}${at}`))).toEqual(done('Report deleted.'))
      expect((await bob.get(native)).status).toBe(404)
    }
  })

  test.each([
    ['yesterday', 'yesterday is not a LocalDate value'],
    ['2026-11-21T', '2026-11-21T is not a DateTime value'],
    ['%20', 'Date of report record is required'],
  ])('is nothing by %s', async (date, message) => {
    const answer = await callers.worker.delete(`/v3/participants/${bob.id}/reports/x/${date}`)
    expect(told(answer)).toEqual(badRequest(message))
  })
})
