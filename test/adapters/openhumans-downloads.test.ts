import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import type { Answer } from '../support/callers.ts'
import { aQueue, recorded } from '../support/audit.ts'
import { anonymous } from '../support/client.ts'
import { isThere } from '../support/bucket.ts'
import { sweepAt, within } from '../support/faults.ts'
import { about, aProject, DELETE, form, type Project, PROJECT, upload } from '../support/openhumans.ts'
import { aFile, aKey, aParticipant, HELLO, objectKeyOf, ok, type Participant, put } from '../support/world.ts'

let study: Project['study']
let exchange: Project['exchange']
beforeAll(async () => {
  ;({ study, exchange } = await aProject())
})

const NOT_AUTHORIZED = '<h1>You are not authorized to view this file.</h1>'
const UNAVAILABLE = '<h1>This file is unavailable.</h1>'

/** A member with a file, and where a list says that it is. */
async function listed(caller: Pick<Participant, 'get'> = study.worker) {
  const member = await aParticipant(study)
  const { id } = ok(await upload(study.worker, about(member), { filename: 'größe.txt', content: HELLO }))
  const [{ download_url: url }] = ok(await exchange(member, { ...study.worker, ...caller })).data
  return { member, id, url: String(url) }
}

const expectRefused = async (url: string, html: string) => {
  const { status, text, headers } = await anonymous.get(url)
  expect([status, text]).toEqual([403, html])
  expect(headers.get('Content-Type')).toBe('text/html; charset=utf-8')
}

describe('a download URL', () => {
  test('leads to the bytes for ten minutes, as often as it is used, with the name at its end', async () => {
    const { url } = await listed()
    for (const _ of [1, 2]) {
      const { status, headers } = await anonymous.get(url)
      const location = new URL(headers.get('Location') ?? '')
      expect([status, location.searchParams.get('X-Amz-Expires')]).toEqual([302, '600'])
      expect(location.searchParams.get('response-content-disposition')).toMatch(
        /^attachment; filename=gro_e\.txt; filename\*=UTF-8''gr%C3%B6%C3%9Fe\.txt$/,
      )
      expect(location.href.split('/').at(-1)).toBe('gr%C3%B6%C3%9Fe.txt')
      expect(location.pathname).not.toContain('txt')
      expect(headers.get('Cache-Control')).toContain('no-store')
    }
  })

  test('saves what a browser would show, too', async () => {
    const member = await aParticipant(study)
    await aFile(member, study, { name: 'a.png', mediaType: 'image/png', visibility: 'study' })
    const [{ download_url }] = ok(await exchange(member)).data
    const location = new URL((await anonymous.get(download_url)).headers.get('Location') ?? '')
    expect(location.searchParams.get('response-content-disposition')).toBe('attachment; filename=a.png')
  })

  test('costs no row when it is listed, and opens nothing but its own file', async () => {
    const [one, other] = [await listed(), await listed()]
    expect(one.url).not.toContain(study.worker.key ?? '')
    await expectRefused(one.url.replace(String(one.id), String(other.id)), NOT_AUTHORIZED)
    await expectRefused(one.url.replace(/key=.*/, ''), NOT_AUTHORIZED)
    await expectRefused(one.url.replace(/key=.*/, 'key=6f1c4f0e-6d2c-4a39-9d55-1d8f4d3d0f11'), NOT_AUTHORIZED)
    for (const at of [0, 3, 20, 50, 70]) {
      const key = new URL(one.url).searchParams.get('key') ?? ''
      const changed = key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1)
      await expectRefused(one.url.replace(key, changed), NOT_AUTHORIZED)
    }
    for (const path of ['1/', '1/?key=', `${one.id}x/?key=1`, '99999999999999999999/']) {
      await expectRefused(`/data-management/datafile-download/${path}`, NOT_AUTHORIZED)
    }
    expect((await anonymous.get(one.url)).status).toBe(302)
  })

  test('is not counted against where it is followed from, but whoever shows no key is, as every caller is', async () => {
    const { url, id } = await listed()
    const limited = { RATE_LIMITS: 'on', CALLER_RATE: { limit: async () => ({ success: false }) } }
    const [anyone, worker] = [within(limited, anonymous), within(limited, study.worker)]
    expect((await anyone.get(url)).status).toBe(302)
    for (const answer of [
      await anyone.get(`/data-management/datafile-download/${id}/`),
      await anyone.get(`/api/public/datafile/${id}/`),
      await worker.get(`${PROJECT}/`),
    ]) {
      expect([answer.status, answer.headers.get('Retry-After')]).toEqual([429, '60'])
      expect(answer.body).toEqual({ detail: expect.any(String) })
    }
  })

  test('ends after an hour', async () => {
    const { url } = await listed()
    const key = Uint8Array.fromBase64(new URL(url).searchParams.get('key') ?? '', { alphabet: 'base64url' })
    const seconds = new DataView(key.buffer).getUint32(1) - Date.now() / 1000
    expect(Math.abs(seconds - 3_600)).toBeLessThan(5)
    for (const [later, status] of [
      [3_590, 302],
      [3_605, 403],
    ] as const) {
      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + later * 1_000 })
      try {
        expect((await anonymous.get(url)).status).toBe(status)
      } finally {
        vi.useRealTimers()
      }
    }
  })

  test.each<[string, string, (told: Awaited<ReturnType<typeof listed>>) => Promise<Answer>]>([
    [
      'its owner has left',
      NOT_AUTHORIZED,
      async ({ member }) => study.admin.patch(`${study.path}/participants/${member.id}`, { status: 'withdrawn' }),
    ],
    [
      'its owner is being erased',
      UNAVAILABLE,
      async ({ member }) => study.admin.delete(`${study.path}/participants/${member.id}`),
    ],
    ['the file was deleted', UNAVAILABLE, async ({ id, member }) => form(member, DELETE, { file_id: String(id) })],
  ])('opens nothing any more once %s, whoever listed it', async (_, html, end) => {
    for (const told of [await listed(), await listed()]) {
      const own = ok(await exchange(told.member, told.member)).data[0].download_url
      ok(await end(told))
      for (const url of [told.url, own]) {
        const { status, text } = await anonymous.get(url)
        expect([status, [html, NOT_AUTHORIZED]]).toEqual([403, expect.arrayContaining([text])])
      }
    }
  })

  test('ends with the key that it was listed with, or what that may see', async () => {
    const { id: keyId, ...worker } = await aKey(study, { role: 'worker' })
    const { url, id, member } = await listed(worker)
    const other = ok(await exchange(member)).data[0].download_url
    ok(await study.admin.delete(`${study.path}/keys/${keyId}`))
    await expectRefused(url, NOT_AUTHORIZED)
    expect((await anonymous.get(other)).status).toBe(302)
    const { items } = ok(await member.get(`${study.path}/files`))
    ok(
      await member.patch(`${study.path}/files/${items.find((file: { number: number }) => file.number === id).id}`, {
        visibility: 'private',
      }),
    )
    await expectRefused(other, UNAVAILABLE)
  })

  test('puts a read on record, by the key that listed it; asking what there is, none', async () => {
    const { url } = await listed()
    const { JOBS, bring } = aQueue()
    const anyone = within({ JOBS }, anonymous)
    const events = await recorded(study, async () => {
      expect((await anyone.head(url)).status).toBe(302)
      await bring()
      expect((await anyone.get(url)).status).toBe(302)
      await bring()
    })
    const { results } = await env.DB.prepare("SELECT id FROM api_keys WHERE study_id = ? AND role = 'worker'")
      .bind(study.id)
      .all<{ id: string }>()
    expect(events).toEqual([expect.objectContaining({ action: 'file.read', door: 'openhumans', outcome: 'done' })])
    expect(results.map(({ id }) => id)).toContain(events[0]?.through)
  })
})

describe('deleting', () => {
  const remove = async (member: Participant, fields: Record<string, string>, caller = study.worker) =>
    form(caller, DELETE, { project_member_id: String(member.number), ...fields })

  async function withFiles(...names: string[]) {
    const member = await aParticipant(study)
    const ids: number[] = []
    for (const filename of names) ids.push(ok(await upload(study.worker, about(member), { filename, content: 'x' })).id)
    return { member, ids }
  }
  const left = async (member: Participant, caller = study.worker) =>
    (await exchange(member, caller)).body.data.map((file: { id: number }) => file.id)

  test('takes a file by its number, all of a name, or all there are, and is done when it was done', async () => {
    const { member, ids } = await withFiles('a', 'b', 'b', 'c', 'd')
    const [a, b, bToo, c, d] = ids
    expect((await remove(member, { file_id: String(a) })).body).toEqual({ ids: [a] })
    expect((await study.worker.post(DELETE, { project_member_id: String(member.number), file_id: a })).body).toEqual({
      ids: [],
    })
    const named = await remove(member, { file_basename: 'b' })
    expect([named.status, named.body.ids.toSorted()]).toEqual([200, [b, bToo]])
    expect(await left(member)).toEqual([c, d])
    expect(
      (
        await study.worker.post(DELETE, { project_member_id: String(member.number), all_files: true })
      ).body.ids.toSorted(),
    ).toEqual([c, d])
    expect((await remove(member, { all_files: 'True' })).body).toEqual({ ids: [] })
  })

  test('says how it is to be said', async () => {
    const { member, ids } = await withFiles('a')
    const which = 'one of file_id, file_basename, or all_files is required'
    for (const all_files of ['', 'False', 'false', '0', 'maybe']) {
      expect((await remove(member, { all_files })).body).toEqual({ missing_field: which })
    }
    for (const more of [{ all_files: 'on' }, { file_basename: 'a' }, { file_basename: 'a', all_files: '1' }]) {
      const { status, body } = await remove(member, { file_id: String(ids[0]), ...more })
      expect([status, body]).toEqual([400, { too_many: which }])
    }
    expect((await remove(member, { file_id: 'a' })).body).toEqual({ file_id: ['Enter a whole number.'] })
    expect((await form(study.worker, DELETE, { file_id: 'a' })).body).toEqual({
      project_member_id: ['This field is required.'],
      file_id: ['Enter a whole number.'],
    })
    expect(await left(member)).toEqual(ids)
  })

  test('touches nothing that is not listed to the caller: open uploads, private files, files of others', async () => {
    const { member, ids } = await withFiles('a')
    const other = await withFiles('a')
    const secret = await aFile(member, study, { name: 'a' })
    const { id: open, url } = ok(
      await form(study.worker, `${PROJECT}/files/upload/direct/`, { ...about(member), filename: 'a' }),
    )
    for (const fields of [
      { file_id: String(other.ids[0]) },
      { file_id: String(secret.number) },
      { file_id: String(open) },
    ]) {
      expect((await remove(member, fields, study.admin)).body).toEqual({ ids: [] })
    }
    expect((await remove(member, { file_basename: 'a' }, study.admin)).body).toEqual({ ids })
    expect((await remove(member, { all_files: 'true' }, study.admin)).body).toEqual({ ids: [] })
    expect(await left(other.member)).toEqual(other.ids)
    await put(url)
    ok(await form(member, `${PROJECT}/files/upload/complete/`, { file_id: String(open) }))
    expect((await remove(other.member, { all_files: 'True' }, member)).body.ids.toSorted()).toEqual([
      secret.number,
      open,
    ])
    expect(await left(other.member)).toEqual(other.ids)
  })

  test('takes the bytes, too', async () => {
    const { member, id, url } = await listed()
    const key = objectKeyOf((await anonymous.get(url)).headers.get('Location') ?? '')
    expect(await isThere(key)).toBe(true)
    expect((await remove(member, { file_id: String(id) })).body).toEqual({ ids: [id] })
    await sweepAt(new Date(Date.now() + 8 * 86_400_000))
    expect(await isThere(key)).toBe(false)
  })

  test('takes Python’s word for true, as the documents have it, and no other', async () => {
    const { member, ids } = await withFiles('a')
    const JSON_TYPE = { 'Content-Type': 'application/json' }
    const said = async (all: string) =>
      study.worker.post(DELETE, `{"project_member_id": "${member.number}", "all_files": ${all}}`, JSON_TYPE)
    for (const all of ['False', 'Truer', 'True, "file_id": True']) {
      expect((await said(all)).body).toEqual({ detail: 'JSON parse error - the body is no JSON.' })
    }
    expect((await said(String.raw`"\"all_files\": True"`)).body).toHaveProperty('missing_field')
    expect((await said('True')).body).toEqual({ ids })
  })

  test('goes on until all are gone', async () => {
    const {
      member,
      ids: [first = 0],
    } = await withFiles('a')
    // Copies of the one there is, with numbers and ids of their own.
    const copied = (column: string) =>
      column === 'id' || column === 'handle'
        ? `printf('fil_%026d', value)`
        : column === 'number'
          ? 'number + 1000 + value'
          : column
    const { results } = await env.DB.prepare("SELECT name FROM pragma_table_info('files')").all<{ name: string }>()
    const columns = results.map(({ name }) => name)
    await env.DB.prepare(
      `INSERT INTO files (${columns.join(', ')}) SELECT ${columns.map((name) => (['id', 'handle', 'number'].includes(name) ? copied(name) : `f.${name}`)).join(', ')}
        FROM files f, json_each(?) WHERE f.number = ?`,
    )
      .bind(JSON.stringify(Array.from({ length: 250 }, (_, index) => index + 1)), first)
      .run()
    expect((await remove(member, { all_files: 'True' })).body.ids).toHaveLength(251)
    expect(await left(member)).toEqual([])
  })
})
