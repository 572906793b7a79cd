import { beforeAll, describe, expect, test } from 'vitest'
import { anonymous, as } from '../support/client.ts'
import { about, aProject, COMPLETE, DELETE, form, type Project, PROJECT, upload } from '../support/openhumans.ts'
import { aKey, aParticipant, aStudy, HELLO, ok, put, type Study } from '../support/world.ts'

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }
const REMOVE = `${PROJECT}/remove-members/`
const statusOf = async ({ study }: Project, { id }: { id: string }) =>
  (await study.admin.get(`${study.path}/participants/${id}`)).body.status

/** Tokens of a member, as an app has them, and what renews them. */
async function connect({ study, member }: Project) {
  const { key = '' } = await aKey(study, { role: 'worker', label: 'app' })
  const ask = async (fields: Record<string, string>) =>
    anonymous.post(
      '/oauth2/token/',
      new URLSearchParams({ ...fields, client_id: 'app', client_secret: key }).toString(),
      FORM,
    )
  const { code } = ok(
    await study.admin.post(`${study.path}/participants/${member.id}/enrolment-codes`, { label: 'phone' }),
  )
  const tokens = ok(await ask({ grant_type: 'authorization_code', code }))
  const renew = async () => ask({ grant_type: 'refresh_token', refresh_token: tokens.refresh_token })
  return { token: tokens.access_token, renew }
}

test.each(['the project’s admin', 'the member'])('whom %s takes out is gone from every call at once', async (by) => {
  const project = await aProject()
  const { study, member, exchange, begin, complete, fileOf } = project
  const app = await connect(project)
  const { id } = ok(await upload(study.worker, about(member), { filename: 'a.txt', content: HELLO }))
  const begun = ok(await begin(about(member)))
  await put(begun.url)
  const urls = [
    ok(await exchange()).data[0].download_url,
    ok(await exchange(member, as(app.token))).data[0].download_url,
    ok(await study.admin.get(`${PROJECT}/members/`)).results[0].data[0].download_url,
  ]
  const file = await fileOf(id)
  const native = `${study.path}/files/${file.id}`
  const { url: link } = ok(await study.staff.post(`${native}/download-tokens`, { seconds: 3_600 }))
  for (const caller of [study.worker, study.staff, study.download]) ok(await caller.get(native))
  const fields = { project_member_ids: String(member.number) }
  expect((await form(by === 'the member' ? member : study.admin, REMOVE, fields)).body).toBe('success')

  const invalid = { project_member_id: 'project_member_id is invalid' }
  for (const { status, body } of [
    await exchange(),
    await begin(about(member)),
    await upload(study.worker, about(member)),
    await complete(begun.id),
    await complete(id),
    await form(study.admin, DELETE, { project_member_id: String(member.number), all_files: 'True' }),
  ]) {
    expect([status, body]).toEqual([400, invalid])
  }
  expect((await study.worker.get(`${PROJECT}/members/`)).body).toMatchObject({ count: 0, results: [] })
  expect((await study.worker.get(`${PROJECT}/`)).body.authorized_members).toBe(0)
  for (const url of urls) {
    expect([(await anonymous.get(url)).status, (await anonymous.head(url)).status]).toEqual([403, 403])
  }
  for (const caller of [member, as(app.token)]) {
    for (const { status, body } of [
      await exchange(member, caller),
      await form(caller, COMPLETE, { file_id: String(begun.id) }),
      await form(caller, DELETE, { all_files: 'True' }),
    ]) {
      expect([status, body]).toEqual([401, { detail: 'Invalid token.' }])
    }
  }
  expect((await app.renew()).body.error).toBe('invalid_grant')

  // Natively it is closed to the project as well, by whatever key or link.
  for (const caller of [study.worker, study.staff, study.download]) {
    expect([(await caller.get(native)).status, (await caller.get(`${native}/content`)).status]).toEqual([404, 404])
  }
  expect((await study.admin.get(`${native}/content`)).status).toBe(403)
  expect(ok(await study.staff.get(`${study.path}/files`)).items).toEqual([])
  expect((await anonymous.get(link)).body.code).toBe('download_token_revoked')

  // And what is theirs stays theirs.
  expect((await member.get(`${study.path}/files/${file.id}/content?delivery=stream`)).text).toBe(HELLO)
  const { items } = ok(await member.get(`${study.path}/participants/me/export`))
  expect(items.some((item: { file: { id: string } }) => item.file.id === file.id)).toBe(true)
  expect((await member.delete(`${study.path}/participants/me`)).status).toBe(202)
})

test('who is taken back finds nothing open that was before, and is a member again', async () => {
  const project = await aProject()
  const { study, member, exchange } = project
  ok(await upload(study.worker, about(member)))
  const [{ download_url }] = ok(await exchange()).data
  ok(await study.admin.post(REMOVE, { project_member_ids: [member.number] }))
  ok(await study.admin.patch(`${study.path}/participants/${member.id}`, { status: 'active' }))
  expect(ok(await exchange())).toMatchObject({ count: 0, data: [] })
  expect(ok(await study.worker.get(`${PROJECT}/members/`)).results).toMatchObject([{ file_count: 0, data: [] }])
  expect((await anonymous.get(download_url)).status).toBe(403)
  expect(ok(await exchange(member, member)).count).toBe(1)
})

test('a removal whose answer was lost half-way is repeated as it was', async () => {
  const project = await aProject()
  const { study, member } = project
  const [gone, other] = [await aParticipant(study), await aParticipant(study)]
  ok(await study.admin.post(REMOVE, { project_member_ids: [gone.number] }))
  const body = `project_member_ids=${gone.number}&project_member_ids=${member.number}, ${other.number}`
  for (const _ of ['the first time', 'and again']) {
    const { status, body: said } = await study.admin.post(REMOVE, body, FORM)
    expect([status, said]).toEqual([200, 'success'])
  }
  expect(await Promise.all([member, other].map(async (each) => statusOf(project, each)))).toEqual([
    'withdrawn',
    'withdrawn',
  ])
  // Who has been erased was never there.
  ok(await study.admin.delete(`${study.path}/participants/${gone.id}`))
  expect((await study.admin.post(REMOVE, { project_member_ids: [gone.number] })).body).toEqual({
    errors: { project_member_ids: [`Invalid project member ID(s): ${gone.number}`] },
  })
})

describe('leaving', () => {
  let study: Project['study']
  let exchange: Project['exchange']
  beforeAll(async () => {
    ;({ study, exchange } = await aProject())
  })

  const leave = async (caller: Study['admin'], body: object) => caller.post(REMOVE, body)

  test('takes a member with all that opened their files, and they may repeat it', async () => {
    const [one, two] = [await aParticipant(study), await aParticipant(study)]
    await upload(study.worker, about(one))
    const gone = await leave(study.admin, { project_member_ids: [String(one.number), two.number] })
    expect([gone.status, gone.body]).toEqual([200, 'success'])
    expect((await exchange(one)).status).toBe(400)
    expect((await one.get(`${PROJECT}/`)).body).toEqual({ detail: 'Invalid token.' })
    expect((await study.admin.get(`${study.path}/participants/${two.id}`)).body.status).toBe('withdrawn')
  })

  test('is for a member themselves, whomever they name', async () => {
    const [one, other] = [await aParticipant(study), await aParticipant(study)]
    expect((await form(one, REMOVE, { project_member_ids: String(other.number) })).body).toBe('success')
    expect((await one.get(`${PROJECT}/`)).status).toBe(401)
    expect((await other.get(`${PROJECT}/`)).status).toBe(200)
  })

  test('is not a worker’s to ask, and is refused for whom it does not know', async () => {
    const member = await aParticipant(study)
    const elsewhere = await aParticipant(await aStudy())
    const ids = (...each: unknown[]) => ({ project_member_ids: each })
    expect((await leave(study.worker, ids(member.number))).status).toBe(403)
    for (const [body, fault] of [
      [{}, 'This field is required.'],
      [ids('1234567'), 'Project member IDs are always 8 digits long.'],
      [ids(null), 'Project member IDs are always 8 digits long.'],
      [ids(member.number, 'x'), 'Project member IDs are always 8 digits long.'],
      [ids(member.number, elsewhere.number), `Invalid project member ID(s): ${elsewhere.number}`],
      [ids(...Array.from({ length: 101 }, (_, index) => 10_000_000 + index)), 'Send 100 of them at most at once.'],
    ] as const) {
      const { status, body: said } = await leave(study.admin, body)
      expect([status, said]).toEqual([400, { errors: { project_member_ids: [fault] } }])
    }
    expect((await member.get(`${PROJECT}/`)).status).toBe(200)
  })
})
