import { describe, expect, test } from 'vitest'
import type { Answer } from '../support/client.ts'
import { expectProblem } from '../support/problems.ts'
import { aStudy, ok } from '../support/world.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }
const FILE = { name: 'x.txt', mediaType: 'text/plain', size: 1, participant: null }

/** Where a study's participants and files are made. */
async function aWorld() {
  const study = await aStudy()
  return { study, participants: `${study.path}/participants`, files: `${study.path}/files` }
}
const pointersOf = ({ body }: Answer): string[] => body.errors.map(({ pointer }: { pointer: string }) => pointer)

describe('a field', () => {
  test.each([
    ['{"nope":1}', ['/nope']],
    ['{"__proto__":{"id":"x"}}', ['/__proto__']],
    ['{"constructor":1,"toString":2,"hasOwnProperty":3}', ['/constructor', '/toString', '/hasOwnProperty']],
    ['{"a/b~c":1,"":2}', ['/a~1b~0c', '/']],
    ['{"\\ud800":1,"\\u0000":2,"\u202E":3}', ['/\ud800', '/\u0000', '/\u202E']],
    ['{"ID":"ada","external_id":"x"}', ['/ID', '/external_id']],
  ])('that is unknown is named: %s', async (body, pointers) => {
    const { study, participants } = await aWorld()
    const refused = await study.admin.post(participants, body, JSON_TYPE)
    expectProblem(refused, 'invalid_body')
    expect(pointersOf(refused)).toEqual(pointers)
  })

  test('that is wrong is named with all the others, at any depth', async () => {
    const { study, participants, files } = await aWorld()
    const settings = { retention: 'some', allowPublic: 1, nope: 1 }
    expect(pointersOf(await study.admin.patch(study.path, { name: '', settings })).toSorted()).toEqual(
      ['/name', '/settings/allowPublic', '/settings/nope', '/settings/retention'].toSorted(),
    )
    expect(pointersOf(await study.admin.post(participants, { labels: ['a', 1, '\u0000'] }))).toEqual([
      '/labels/1',
      '/labels/2',
    ])
    expect(pointersOf(await study.admin.post(files, {})).toSorted()).toEqual(['/mediaType', '/name', '/size'])
  })

  test.each([
    ['size', '11'],
    ['size', -1],
    ['size', 1.5],
    ['size', 2 ** 53],
    ['size', null],
    ['name', 7],
    ['name', ''],
    ['name', 'a\u0000b'],
    ['name', '\ud800'],
    ['name', 'x\udfffy'],
    ['name', ['x']],
    ['name', 'x'.repeat(256)],
    ['tags', 'diary'],
    ['tags', { 0: 'diary' }],
    ['md5', 'D41D8CD98F00B204E9800998ECF8427E'],
    ['visibility', 'everyone'],
    ['upload', true],
    ['mediaType', 'text'],
    ['mediaType', 'text/plain\r\nX-Evil: 1'],
    ['metadata', []],
    ['metadata', 'x'],
    ['participant', 7],
    ['participant', { id: 'ada' }],
  ])('%s cannot be %j', async (field, value) => {
    const { study, files } = await aWorld()
    const refused = await study.admin.post(files, { ...FILE, [field]: value })
    expectProblem(refused, 'invalid_body')
    expect(pointersOf(refused).every((pointer) => pointer === `/${field}` || pointer === `/${field}/0`)).toBe(true)
    expect(ok(await study.admin.get(`${files}?status=pending`)).items).toEqual([])
  })

  test('that is a number too large for a number is refused', async () => {
    const { study, files } = await aWorld()
    for (const size of ['1e400', '-1e400', '9007199254740993', '1'.repeat(400)]) {
      const refused = await study.admin.post(files, `{"name":"x","mediaType":"a/b","size":${size}}`, JSON_TYPE)
      expectProblem(refused, 'invalid_body')
      expect(new Set(pointersOf(refused))).toEqual(new Set(['/size']))
    }
    const refused = await study.admin.post(files, { ...FILE, size: Number.MAX_SAFE_INTEGER })
    expectProblem(refused, 'file_too_large')
  })

  test('of odd but honest Unicode comes back as it was sent', async () => {
    const { study, files } = await aWorld()
    for (const name of [
      '\u202Egnp.exe',
      'e\u0301 \u00E9',
      '👩‍🚀',
      '\uFEFFx',
      '\u2028',
      '\uFFFE',
      "'; DROP TABLE files;--",
    ]) {
      expect(ok(await study.admin.post(files, { ...FILE, name })).file.name).toBe(name)
    }
  })

  test('metadata keeps whatever is JSON, and no more than 32 levels of it', async () => {
    const { study, files } = await aWorld()
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    const send = async (metadata: string) =>
      study.admin.post(
        files,
        JSON.stringify({ ...FILE, metadata: 0 }).replace('"metadata":0', `"metadata":${metadata}`),
        JSON_TYPE,
      )
    for (const metadata of ['{"__proto__":{"admin":true},"constructor":null,"a":"\\ud800\\u0000"}', nested(32), '{}']) {
      const file = ok(await send(metadata)).file
      expect(JSON.stringify(file.metadata)).toBe(JSON.stringify(JSON.parse(metadata)))
      expect(file.visibility).toBe('study')
    }
    for (const metadata of [nested(33), nested(20_000), `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`]) {
      const refused = await send(metadata)
      expectProblem(refused, 'invalid_body')
      expect(new Set(pointersOf(refused))).toEqual(new Set(['/metadata']))
    }
    const refused = await send(`{"a":"${'x'.repeat(64 * 1024)}"}`)
    expectProblem(refused, 'invalid_body')
  })

  test.each([
    ['participant', 7, 'Invalid input: expected "me" or string or null'],
    ['participant', true, 'Invalid input: expected "me" or string or null'],
    ['name', ['x'.repeat(300)], 'Invalid input: expected string, received array'],
    ['name', Array.from({ length: 300 }, () => 'x'), 'Invalid input: expected string, received array'],
    ['tags', 'x'.repeat(300), 'Invalid input: expected array, received string'],
  ])('of a wrong type is told once which one it is to have: %s', async (field, value, message) => {
    const { study, files } = await aWorld()
    const { body } = await study.admin.post(files, { ...FILE, [field]: value })
    expect(body.errors).toEqual([{ pointer: `/${field}`, message }])
  })

  test.each([
    ['keys', { role: 'worker', label: 'x', expiresAt: '22.11.2030' }, '`2026-11-21T08:30:00Z`'],
    ['participants', { phone: '5555550123' }, '`+15555550123`'],
  ])('of a form of its own is told it by an example: of %s', async (place, body, example) => {
    const { study } = await aWorld()
    const refused = await study.admin.post(`${study.path}/${place}`, body)
    expectProblem(refused, 'invalid_body')
    expect(refused.body.errors).toEqual([{ pointer: expect.any(String), message: expect.stringContaining(example) }])
  })

  test('that is wrong in very many places is answered with some of them', async () => {
    const { study, participants, files } = await aWorld()
    const unknown = Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, 1]))
    const labels = Array.from({ length: 50 }, () => Array.from({ length: 50 }, () => 1))
    for (const refused of [
      await study.admin.post(participants, unknown),
      await study.admin.post(participants, { labels: Array.from({ length: 60_000 }, () => 1) }),
      await study.admin.post(files, { ...FILE, ...unknown, tags: labels }),
    ]) {
      expectProblem(refused, 'invalid_body')
      expect(refused.body.errors.length).toBeLessThanOrEqual(100)
      expect(refused.text.length).toBeLessThan(20_000)
    }
  })
})
