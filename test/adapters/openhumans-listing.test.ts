import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { anonymous } from '../support/client.ts'
import { costOf } from '../support/meters.ts'
import { seedBulk } from '../support/seed.ts'
import { about, aProject, DELETE, form, METADATA, type Project, PROJECT, upload } from '../support/openhumans.ts'
import { aFile, aParticipant, aStudy, ok } from '../support/world.ts'

let project: Project
beforeAll(async () => {
  project = await aProject()
})

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/
const ORIGIN = 'http://localhost'

/** A member with files of these names. */
async function aMember(...names: string[]) {
  const member = await aParticipant(project.study)
  const ids: number[] = []
  for (const filename of names) ids.push(ok(await upload(member, about(member), { filename, content: 'x' })).id)
  return { ...member, ids }
}

describe('exchange-member', () => {
  test('tells a member and their files, by the number that the project knows them by', async () => {
    const { study, exchange } = project
    const member = await aMember('a.json')
    const { status, body } = await exchange(member)
    expect([status, body]).toEqual([
      200,
      {
        count: 1,
        next: null,
        previous: null,
        created: expect.stringMatching(TIME),
        project_member_id: String(member.number),
        sources_shared: [],
        data: [
          {
            id: member.ids[0],
            basename: 'a.json',
            created: expect.stringMatching(TIME),
            datatypes: [],
            download_url: expect.stringMatching(
              `^${ORIGIN}/data-management/datafile-download/${member.ids[0]}/\\?key=[\\w-]+$`,
            ),
            metadata: JSON.parse(METADATA),
            source: `direct-sharing-${study.number}`,
            source_project: `${ORIGIN}/api/public/project/${study.number}/`,
            size: 1,
            md5_matches: null,
          },
        ],
      },
    ])
    expect((await member.get(`${PROJECT}/exchange-member/?project_member_id=12345678`)).body.data).toHaveLength(1)
  })

  test('asks a project whom it means, and a member nothing', async () => {
    const invalid = { project_member_id: 'project_member_id is invalid' }
    for (const path of ['', '?project_member_id=', '?project_member_id=1']) {
      const { status, body } = await project.study.worker.get(`${PROJECT}/exchange-member/${path}`)
      expect([status, body]).toEqual([400, invalid])
    }
    expect((await project.member.get(`${PROJECT}/exchange-member/`)).body.project_member_id).toBe(
      String(project.member.number),
    )
  })

  test('goes on where `next` leads, with no header, and back where `previous` does', async () => {
    const member = await aMember('0', '1', '2', '3', '4')
    const names = (body: { data: { basename: string }[] }) => body.data.map(({ basename }) => basename).join('')
    const url = `${PROJECT}/exchange-member/?project_member_id=${member.number}&access_token=${project.study.worker.key}&limit=2&x=y`
    const first = await anonymous.get(url)
    const second = await anonymous.get(first.body.next)
    const third = await anonymous.get(second.body.next)
    expect([first, second, third].map(({ body }) => names(body))).toEqual(['01', '23', '4'])
    expect([first.body.previous, third.body.next, third.body.count]).toEqual([null, null, 5])
    expect(new URL(second.body.next).searchParams.get('x')).toBe('y')
    expect(names((await anonymous.get(third.body.previous)).body)).toBe('23')
    expect(names((await anonymous.get(second.body.previous)).body)).toBe('01')
    const shown = await project.exchange(member, project.study.worker, '&limit=2')
    expect(shown.body.next).toContain('limit=2&offset=2')
    expect(shown.body.next).not.toContain(project.study.worker.key)
    for (const odd of ['&limit=0', '&limit=x&offset=-1', '&limit=99999999999', '&offset=1e3']) {
      expect((await project.exchange(member, project.study.worker, odd)).body.data).toHaveLength(5)
    }
    expect((await project.exchange(member, project.study.worker, '&offset=7')).body).toMatchObject({
      data: [],
      next: null,
      count: 5,
    })
  })

  test('tells a project what the team may read, and a member all of theirs, but nothing that is not complete', async () => {
    const { study, exchange, begin } = project
    const member = await aMember()
    await aFile(member, study, { name: 'private' })
    await aFile(member, study, { name: 'shared', visibility: 'study', description: 'Said.', tags: ['t'] })
    await begin(about(member))
    for (const [caller, names] of [
      [study.worker, ['shared']],
      [study.admin, ['shared']],
      [member, ['private', 'shared']],
    ] as const) {
      const { count, data } = (await exchange(member, caller)).body
      expect([count, data.map((file: { basename: string }) => file.basename)]).toEqual([names.length, names])
      expect(data.at(-1).metadata).toEqual({ tags: ['t'], description: 'Said.' })
    }
  })

  test('costs a row for each file that is counted or passed over, two for each that is told, and nothing of others', async () => {
    const { study, exchange } = project
    const member = await aMember()
    const recipe = {
      owner: `CASE i % 2 WHEN 0 THEN '${member.id}' ELSE '${project.member.id}' END`,
      name: `'a'`,
      category: 'NULL',
      source: 'NULL',
      tags: `'[]'`,
      visibility: `CASE i % 4 WHEN 0 THEN 'private' ELSE 'study' END`,
    }
    await seedBulk(study, { from: 1, to: 2_000, recipe })
    const asked = async (offset: number) =>
      costOf(study.worker, async (caller) => exchange(member, caller, `&limit=100&offset=${offset}`))
    // The most that upstream tells at once, and what it tells where nothing is said.
    for (const [more, files] of [
      ['&limit=201', 200],
      ['', 100],
    ] as const) {
      expect((await exchange(member, study.worker, more)).body.data).toHaveLength(files)
    }
    for (const offset of [0, 300]) {
      const { cost, answer } = await asked(offset)
      expect([answer.body.count, answer.body.data.length]).toEqual([500, 100])
      // The study of a number is looked up once in an isolate's life, which here is one request long.
      expect([cost.trips, cost.r2, cost.kv]).toEqual([3, [], []])
      expect(cost.rows).toBeLessThanOrEqual(500 + offset + 2 * 100 + 20)
    }
  })
})

describe('members', () => {
  const members = async (study: Project['study'], query = '') => study.worker.get(`${PROJECT}/members/${query}`)

  test('are told by number, each with the first ten of their files and where the others are', async () => {
    const { study } = await aProject()
    const ada = await aParticipant(study)
    for (let index = 0; index < 11; index += 1)
      await upload(study.worker, about(ada), { filename: `${index}`, content: 'x' })
    await aFile(ada, study, { name: 'private' })
    const left = await aParticipant(study)
    ok(await study.admin.patch(`${study.path}/participants/${left.id}`, { status: 'withdrawn' }))
    const { body } = await anonymous.get(`${PROJECT}/members/?access_token=${study.worker.key}`)
    expect(body).toMatchObject({ count: 2, next: null, previous: null })
    const ids = body.results.map((each: { project_member_id: string }) => each.project_member_id)
    expect(ids).toEqual(ids.toSorted())
    const told = body.results.find(
      (each: { project_member_id: string }) => each.project_member_id === String(ada.number),
    )
    expect(told).toMatchObject({ created: expect.stringMatching(TIME), file_count: 11, sources_shared: [] })
    expect(Object.keys(told)).toEqual([
      'created',
      'project_member_id',
      'sources_shared',
      'file_count',
      'exchange_member',
      'data',
    ])
    expect(told.data.map((file: { basename: string }) => file.basename)).toEqual([
      '0',
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
      '7',
      '8',
      '9',
    ])
    expect((await anonymous.get(told.exchange_member)).body.count).toBe(11)

    const [first] = (await members(study, '?limit=1')).body.results
    expect(first.exchange_member).not.toContain('access_token')
    const pages = await anonymous.get(`${PROJECT}/members/?access_token=${study.worker.key}&limit=1`)
    expect((await anonymous.get(pages.body.next)).body.results).toHaveLength(1)
    expect((await members(study, '?limit=500&offset=1')).body.previous).toContain('limit=100')
  })

  test('are for the project alone', async () => {
    const { status, body } = await project.member.get(`${PROJECT}/members/`)
    expect([status, body]).toEqual([401, { detail: 'Invalid token.' }])
  })

  test('of another study are not told', async () => {
    const other = await aProject()
    expect((await members(other.study)).body.count).toBe(1)
  })

  test('are told in one trip besides that for the study, and with less of their files where those say a lot of themselves', async () => {
    const { study, member } = await aProject()
    const [{ id }] = [ok(await upload(member, about(member))), await upload(member, about(member))]
    ok(await study.worker.get(`${PROJECT}/members/`))
    const { cost, answer } = await costOf(study.worker, async (caller) => caller.get(`${PROJECT}/members/`))
    expect([cost.trips, answer.body.results[0].data.length]).toEqual([2, 2])
    await env.DB.prepare(`UPDATE files SET metadata = json_object('x', hex(zeroblob(450000))) WHERE number >= ?`)
      .bind(id)
      .run()
    for (let index = 0; index < 7; index += 1) await upload(member, about(member), { filename: 'a', content: 'x' })
    await env.DB.prepare(`UPDATE files SET metadata = json_object('x', hex(zeroblob(450000))) WHERE number >= ?`)
      .bind(id)
      .run()
    const [shown] = (await study.worker.get(`${PROJECT}/members/`)).body.results
    expect([shown.file_count, shown.data.length]).toEqual([9, 8])
  })
})

test('a project is told what there is of it', async () => {
  const { study, member } = await aProject()
  for (const caller of [study.worker, study.admin, member]) {
    const { status, body } = await caller.get(`${PROJECT}/`)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      id: study.number,
      id_label: `direct-sharing-${study.number}`,
      name: 'A study',
      slug: study.id,
      authorized_members: 1,
      type: 'oauth2',
    })
    expect(Object.keys(body).toSorted().join(' ')).toBe(
      'active approved authorized_members badge_image contact_email id id_label info_url is_academic_or_nonprofit is_study leader long_description name organization registered_datatypes request_sources_access request_username_access requested_sources returned_data_description short_description slug type',
    )
  }
})

test('nothing is listed of what is public, and a public file is told to who knows its number', async () => {
  for (const path of [
    '/api/public-data/',
    '/api/public/datafiles/',
    '/api/public/datatypes',
    '/api/public/projects/',
  ]) {
    const { status, body } = await anonymous.get(path)
    expect([status, body]).toEqual([200, { count: 0, next: null, previous: null, results: [] }])
  }
  const study = await aStudy({ allowPublic: true })
  const member = await aParticipant(study)
  const open = await aFile(member, study, { visibility: 'public', name: 'open.txt' })
  const shut = await aFile(member, study, { visibility: 'study' })
  const { body } = await anonymous.get(`/api/public/datafile/${open.number}/`)
  expect(body).toMatchObject({
    id: open.number,
    basename: 'open.txt',
    download_url: `${ORIGIN}/data-management/datafile-download/${open.number}/`,
  })
  const found = await anonymous.get(body.download_url)
  expect([found.status, found.headers.get('Location')]).toEqual([302, expect.stringContaining('/open.txt')])
  const pending = { name: 'a', mediaType: 'text/plain', size: 1, visibility: 'public' }
  const { file: begun } = ok(await member.post(`${study.path}/files`, pending))
  for (const path of [
    `datafile/${begun.number}`,
    `datafile/${shut.number}`,
    'datafile/1',
    'datafile/x',
    'project/1',
    'datatype/3/',
    'nothing',
  ]) {
    const none = await anonymous.get(`/api/public/${path}`)
    expect([none.status, none.body]).toEqual([404, { detail: 'Not found.' }])
  }
  ok(await study.admin.patch(study.path, { settings: { allowPublic: false } }))
  expect((await anonymous.get(`/api/public/datafile/${open.number}/`)).status).toBe(404)
  expect((await anonymous.get(body.download_url)).status).toBe(403)
  ok(await study.admin.patch(study.path, { settings: { allowPublic: true } }))
  expect((await anonymous.get(body.download_url)).status).toBe(302)
  expect((await form(member, DELETE, { file_id: String(open.number) })).body).toEqual({ ids: [open.number] })
  expect((await anonymous.get(`/api/public/datafile/${open.number}/`)).status).toBe(404)
  expect((await anonymous.get(body.download_url)).status).toBe(403)
})

test('no message is sent, and that is said in its own envelope', async () => {
  for (const caller of [project.study.worker, project.member]) {
    const { status, body } = await form(caller, `${PROJECT}/message/`, { message: 'Hello', all_members: 'True' })
    expect([status, body]).toEqual([400, { errors: { message: [expect.stringContaining('nothing was sent')] } }])
  }
  expect((await anonymous.post(`${PROJECT}/message/`, {})).status).toBe(401)
})
