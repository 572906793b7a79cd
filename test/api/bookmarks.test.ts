import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { anonymous, type Caller } from '../support/client.ts'
import { overriding, within } from '../support/faults.ts'
import { operations } from '../support/operations.ts'
import { aDesk } from '../support/desk.ts'
import { aFile, HELLO, ok, put } from '../support/world.ts'

const SHAPE = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/
const BOOKMARK = '00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683'
const bookmarkOf = (answer: { headers: Headers }) => answer.headers.get('Carrel-Bookmark')

/** The same caller, and how each session of the database began that was opened for them. */
function watched(caller: Caller) {
  const starts: (string | undefined)[] = []
  const DB = overriding(env.DB, {
    withSession: (start) => {
      starts.push(start)
      return env.DB.withSession(start)
    },
    batch: async () => {
      throw new Error('this was asked outside of a session')
    },
  })
  return { starts, caller: within({ DB }, caller) }
}

describe('a write', () => {
  test('is answered with the bookmark that it has come to, which moves on', async () => {
    const { study, owner } = await aDesk()
    const document = `${study.path}/participants/me/documents/x`
    const answers = [
      await owner.put(document, { a: 1 }),
      await owner.patch(document, { a: 2 }),
      await owner.post(`${study.path}/files`, { name: 'a', mediaType: 'text/plain', size: 1 }),
      await owner.delete(document),
    ]
    const bookmarks = answers.map((answer) => bookmarkOf(answer) ?? '')
    for (const bookmark of bookmarks) expect(bookmark).toMatch(SHAPE)
    expect(new Set(bookmarks).size).toBe(bookmarks.length)
    expect(bookmarks).toEqual(bookmarks.toSorted())
  })

  test('begins at the primary, whatever bookmark comes with it', async () => {
    const { study, owner } = await aDesk()
    const document = `${study.path}/participants/me/documents/x`
    for (const sent of [BOOKMARK, 'first-unconstrained', 'nonsense', '']) {
      const { starts, caller } = watched(owner)
      expect((await caller.put(document, { a: 1 }, { 'Carrel-Bookmark': sent })).status).toBe(200)
      expect(starts).toEqual(['first-primary'])
    }
  })

  test('that looks first looks where the bookmark is, and writes at the primary in the same session', async () => {
    const { study, owner } = await aDesk()
    const begun = await owner.post(`${study.path}/files`, { name: 'a', mediaType: 'text/plain', size: HELLO.length })
    const { id, url } = ok(begun).upload
    await put(url, HELLO)
    const { starts, caller } = watched(owner)
    const path = `${study.path}/uploads/${id}/complete`
    const bookmark = bookmarkOf(begun) ?? ''
    const answer = await caller.post(path, undefined, { 'Carrel-Bookmark': bookmark })
    expect([answer.status, ok(answer).version.size, starts]).toEqual([200, HELLO.length, [bookmark]])
    expect((bookmarkOf(answer) ?? '') > bookmark).toBe(true)
    expect((await caller.post(path)).status).toBe(200)
    expect(starts.at(-1)).toBe('first-primary')
  })

  test('that was refused, and a read, have no bookmark', async () => {
    const { study, owner } = await aDesk()
    const document = `${study.path}/participants/me/documents/x`
    const answers = [
      await owner.patch(document, { a: 1 }),
      await owner.put(document, '{', { 'Content-Type': 'application/json' }),
      await owner.put(document, { a: 1 }, { 'If-Match': '*' }),
      await owner.post(`${study.path}/studies`, {}),
      await owner.get(study.path),
      await owner.get(`${study.path}/files`),
      await owner.head(`${study.path}/files`),
      await anonymous.put(document, { a: 1 }),
    ]
    expect(answers.map(bookmarkOf)).toEqual(answers.map(() => null))
  })
})

describe('a read', () => {
  test('begins at the primary, or at the bookmark that comes with it, in one session for all that it asks', async () => {
    const { study, owner } = await aDesk()
    const file = await aFile(owner, study)
    const paths = ['', `/${file.id}`, `/${file.id}/content`, `/${file.id}/versions`, '/fil_00000000000000000000000000']
    for (const path of paths.map((each) => `${study.path}/files${each}`)) {
      for (const method of ['get', 'head'] as const) {
        const { starts, caller } = watched(owner)
        await caller[method](path)
        await caller[method](path, { 'Carrel-Bookmark': BOOKMARK })
        expect(starts).toEqual(['first-primary', BOOKMARK])
      }
    }
  })

  test('sees the write whose bookmark it sends', async () => {
    const { study, owner } = await aDesk()
    const document = `${study.path}/participants/me/documents/x`
    for (const count of [1, 2, 3]) {
      const bookmark = bookmarkOf(await owner.put(document, { count })) ?? ''
      expect((await owner.get(document, { 'Carrel-Bookmark': bookmark })).body).toEqual({ count })
    }
  })

  test.each([
    'first-unconstrained',
    'first-primary',
    '',
    ' ',
    'x',
    BOOKMARK.toUpperCase(),
    `${BOOKMARK}0`,
    BOOKMARK.slice(1),
    `${BOOKMARK}, ${BOOKMARK}`,
    BOOKMARK.replaceAll('-', ''),
    '0'.repeat(100_000),
  ])('with the bookmark %j is refused, and asks nothing', async (sent) => {
    const { study, owner } = await aDesk()
    const { starts, caller } = watched(owner)
    const refused = await caller.get(`${study.path}/files`, { 'Carrel-Bookmark': sent })
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'invalid_request', errors: [{ pointer: 'header/carrel-bookmark' }] },
    })
    expect(starts).toEqual([])
  })

  test('by nobody is told to sign in before its bookmark is looked at', async () => {
    const { study } = await aDesk()
    expect((await anonymous.get(`${study.path}/participants`, { 'Carrel-Bookmark': 'x' })).status).toBe(401)
  })
})

test('a link is claimed in no session, so at the primary, whatever comes with it', async () => {
  const { study, owner } = await aDesk()
  const { id } = await aFile(owner, study)
  const link = ok(await owner.post(`${study.path}/files/${id}/download-tokens`, { delivery: 'stream' }))
  const DB = overriding(env.DB, {
    withSession: () => {
      throw new Error('a link opened a session')
    },
  })
  const claimed = await within({ DB }, anonymous).get(link.url, { 'Carrel-Bookmark': BOOKMARK })
  expect([claimed.status, claimed.text, bookmarkOf(claimed)]).toEqual([200, HELLO, null])
})

test('every read tells of the bookmark that it takes, and of the writes the one that looks first', async () => {
  for (const { id, method, template, parameters } of await operations()) {
    const takes = parameters.some(({ name }) => name === 'carrel-bookmark')
    const looks = id === 'completeUpload' || (method === 'GET' && template.startsWith('/v1/'))
    expect([method, template, takes]).toEqual([method, template, looks])
  }
})
