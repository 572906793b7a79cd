import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { seedBulk } from '../support/seed.ts'
import { aFile, aParticipant, aStudy, begin, ok, type Participant, put, type Study } from '../support/world.ts'

/** The names of what a search finds, in its order. */
async function found(caller: Caller, study: Study, query: Record<string, string>): Promise<string[]> {
  const { items } = ok(await caller.get(`${study.path}/files?${new URLSearchParams(query).toString()}`))
  return items.map(({ name }: { name: string }) => name)
}

/** What the index has of a file, by its number. */
const indexed = async (number: number) =>
  env.DB.prepare('SELECT who, name, title, description FROM files_fts WHERE rowid = ?').bind(number).first()

describe('a search', () => {
  let study: Study
  let owner: Participant
  beforeAll(async () => {
    ;({ study, owner } = await aDesk())
    await aFile(owner, study, { name: 'first.txt', title: 'Sleep diary', tags: ['night'], category: 'diary' })
    await aFile(owner, study, {
      name: 'second.txt',
      description: 'How the sleeper slept\nlast night',
      visibility: 'study',
    })
    await aFile(owner, study, { name: '睡眠日記.txt', title: 'การนอนหลับ', source: 'phone' })
    await begin(owner, study, { name: 'sleep to come.txt' })
  }, 60_000)

  test.each([
    [{ q: 'sleep' }, ['second.txt', 'first.txt']],
    [{ q: 'SLEEPER' }, ['second.txt']],
    [{ q: 'diary sleep' }, ['first.txt']],
    [{ q: 'last night' }, ['second.txt']],
    [{ q: 'slept last' }, ['second.txt']],
    [{ q: 'txt' }, ['睡眠日記.txt', 'second.txt', 'first.txt']],
    [{ q: '日記' }, ['睡眠日記.txt']],
    [{ q: 'นอน' }, ['睡眠日記.txt']],
    [{ q: 'sleep', status: 'pending' }, ['sleep to come.txt']],
    [{ q: 'sleep', category: 'diary' }, ['first.txt']],
    [{ q: 'sleep', tag: 'night' }, ['first.txt']],
    [{ q: 'txt', name: 'second.txt' }, ['second.txt']],
    [{ q: 'txt', source: 'phone' }, ['睡眠日記.txt']],
    [{ q: 'txt', uploadedBefore: '2020-01-01T00:00:00Z' }, []],
    [{ q: 'night' }, ['second.txt']],
    [{ q: '" * ( )' }, []],
    [{ q: 'sleep OR second' }, []],
    [{ q: 'title:sleep' }, []],
    [{ q: 'sleep -diary' }, ['first.txt']],
    [{ q: 'slee*' }, ['second.txt', 'first.txt']],
  ])('for %j finds %j, the latest begun first', async (query, names) => {
    expect(await found(owner, study, query)).toEqual(names)
    const { tag, ...others } = { tag: undefined, ...query }
    const body = { ...others, ...(tag === undefined ? {} : { tags: [tag] }) }
    const { items } = ok(await owner.post(`${study.path}/files/search`, body))
    expect(items.map(({ name }: { name: string }) => name)).toEqual(names)
  })

  test('finds for each what they may see, and nothing by who else may', async () => {
    const other = await aParticipant(study)
    expect(await found(study.admin, study, { q: 'txt' })).toHaveLength(3)
    expect(await found(study.staff, study, { q: 'txt' })).toEqual(['second.txt'])
    expect(await found(study.worker, study, { q: 'txt', participant: owner.id })).toEqual(['second.txt'])
    expect(await found(other, study, { q: 'txt' })).toEqual([])
    expect(await found(other, study, { q: 'txt', participant: owner.id })).toEqual([])
    for (const q of [`s${study.number}`, `s${study.number}p`, owner.id]) {
      expect([q, await found(study.admin, study, { q })]).toEqual([q, []])
    }
    const elsewhere = await aStudy()
    expect(await found(elsewhere.admin, elsewhere, { q: 'sleep' })).toEqual([])
    for (const [caller, status, code] of [
      [elsewhere.admin, 404, 'study_not_found'],
      [study.download, 403, 'forbidden'],
    ] as const) {
      for (const q of ['sleep', '"']) {
        const refused = await caller.get(`${study.path}/files?${new URLSearchParams({ q }).toString()}`)
        expect([refused.status, refused.body.code]).toEqual([status, code])
      }
    }
  })

  test('as long as can be, of whatever, finds nothing and breaks nothing', async () => {
    const letters = Array.from({ length: 100 }, (_, index) => String.fromCodePoint(0x1_00 + 2 * index)).join(' ')
    for (const q of [
      letters,
      'zq '.repeat(66),
      '\ufdfa'.repeat(200),
      '東'.repeat(200),
      '🎉'.repeat(100),
      '"'.repeat(200),
      '＂)´OR´name:"night',
    ]) {
      expect([q, await found(study.admin, study, { q })]).toEqual([q, []])
    }
  })

  test.each([
    ['q=', 'query/q'],
    [`q=${'a'.repeat(10_000)}`, 'query/q'],
    ['q=a%00b', 'query/q'],
    ['q=a&participant=me&externalId=x', 'query/externalId'],
  ])('by %.20s is refused, and told why', async (query, pointer) => {
    const refused = await owner.get(`${study.path}/files?${query}`)
    expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([
      400,
      'invalid_request',
      pointer,
    ])
  })

  test.each([
    [{ q: '\ud800' }, '/q'],
    [{ q: 7 }, '/q'],
    [{ q: 'a', tag: ['night'] }, '/tag'],
    [{ q: 'a', tags: 'night' }, '/tags'],
    [{ q: 'a', limit: '5' }, '/limit'],
    [{ q: 'a', limit: 101 }, '/limit'],
    [{ participant: 'me', externalId: 'x' }, '/externalId'],
  ])('by the body %j is refused, and told why', async (body, pointer) => {
    const refused = await owner.post(`${study.path}/files/search`, body)
    expect([refused.status, refused.body.code, refused.body.errors[0].pointer]).toEqual([422, 'invalid_body', pointer])
  })

  test('by a body without words is a list', async () => {
    const [listed, asked] = [await owner.get(`${study.path}/files`), await owner.post(`${study.path}/files/search`, {})]
    expect(asked.body).toEqual(listed.body)
    expect(asked.body.items).toHaveLength(3)
  })

  test('goes on by a cursor of its own', async () => {
    const { items, nextCursor } = ok(await owner.get(`${study.path}/files?q=txt&limit=2`))
    const rest = ok(await owner.get(`${study.path}/files?q=txt&limit=2&cursor=${nextCursor}`))
    expect([items.length, rest.items.length, rest.nextCursor]).toEqual([1, 2, null])
    const list = ok(await owner.get(`${study.path}/files?limit=1`))
    for (const [query, cursor] of [
      ['limit=1', nextCursor],
      ['q=txt', list.nextCursor],
    ]) {
      const refused = await owner.get(`${study.path}/files?${query}&cursor=${cursor}`)
      expect([refused.status, refused.body.code]).toEqual([400, 'cursor_invalid'])
    }
  })
})

describe('the index of words', () => {
  test('has what an edit says, at once, and nothing of what was said before', async () => {
    const { study, owner } = await aDesk()
    const file = await aFile(owner, study, { name: '東京.txt', title: 'before', description: '以前' })
    const path = `${study.path}/files/${file.id}`
    ok(await owner.patch(path, { title: '以後 after', description: null }))
    expect(await found(owner, study, { q: '以後' })).toEqual(['東京.txt'])
    for (const q of ['before', '以前']) expect(await found(owner, study, { q })).toEqual([])
    expect(await indexed(file.number)).toMatchObject({ name: '東 京 .txt', title: '以 後 after', description: null })
    ok(await owner.patch(path, { title: 'plain', visibility: 'study' }))
    expect(await indexed(file.number)).toMatchObject({ title: 'plain' })
    expect(await found(study.staff, study, { q: '京' })).toEqual(['東京.txt'])
    ok(await owner.patch(path, { visibility: 'private' }))
    expect(await found(study.staff, study, { q: '京' })).toEqual([])
  })

  test('has what a replacement says from its completion on', async () => {
    const { study, owner } = await aDesk()
    const path = `${study.path}/participants/me/files/week`
    const send = async (body: object) => {
      const { upload } = ok(await owner.put(path, { mediaType: 'text/plain', size: 11, ...body }))
      await put(upload.url)
      return async () => ok(await owner.post(`${study.path}/uploads/${upload.id}/complete`))
    }
    await (
      await send({ name: '月曜.txt', title: 'first' })
    )()
    const complete = await send({ name: '火曜.txt', title: '二番目' })
    expect(await found(owner, study, { q: '月曜' })).toEqual(['月曜.txt'])
    expect(await found(owner, study, { q: '火曜' })).toEqual([])
    await complete()
    expect(await found(owner, study, { q: '火曜 番目' })).toEqual(['火曜.txt'])
    for (const q of ['月曜', 'first']) expect(await found(owner, study, { q })).toEqual([])
  })

  test('keeps nothing of a file that is gone, in any of its tables', async () => {
    const { study, owner } = await aDesk()
    const secret = 'xylophagous'
    const file = await aFile(owner, study, { name: 'gone.txt', title: secret, description: secret })
    ok(await owner.patch(`${study.path}/files/${file.id}`, { title: `${secret}ly` }))
    expect(await found(owner, study, { q: secret })).toEqual(['gone.txt'])
    const kept = async () => {
      const { results } = await env.DB.prepare(
        `SELECT hex(block) AS block FROM files_fts_data
         UNION ALL SELECT hex(coalesce(c2, '') || coalesce(c3, '')) FROM files_fts_content`,
      ).all<{ block: string }>()
      // Terms are kept without what they share with the one before.
      const tail = [...new TextEncoder().encode('lophagous')].map((byte) => byte.toString(16).padStart(2, '0')).join('')
      return results.filter(({ block }) => block.includes(tail.toUpperCase())).length
    }
    expect(await kept()).toBeGreaterThan(1)
    ok(await owner.delete(`${study.path}/files/${file.id}`))
    expect(await kept()).toBe(0)
    expect(await indexed(file.number)).toBeNull()
  })
})

test('a page of a word that many have is full or short, and none is left out', async () => {
  const { study, owner } = await aDesk()
  const MANY = 1_700
  const recipe = {
    owner: `CASE WHEN i % 2 = 0 THEN '${owner.id}' ELSE 'other' END`,
    name: `'night ' || i`,
    category: `CASE WHEN i IN (2, 900, 1700) THEN 'rare' ELSE 'usual' END`,
    source: 'NULL',
    tags: `'[]'`,
    visibility: `CASE WHEN i % 4 = 0 THEN 'study' ELSE 'private' END`,
  }
  await seedBulk(study, { from: 1, to: MANY, recipe })
  const walk = async (caller: Caller, query: string) => {
    const pages: string[][] = []
    let cursor = ''
    do {
      const page = ok(await caller.get(`${study.path}/files?limit=100&${query}${cursor}`))
      pages.push(page.items.map(({ name }: { name: string }) => name.slice('night '.length)))
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`
    } while (cursor !== '')
    return pages
  }
  const down = (from: number, step: number) =>
    Array.from({ length: Math.floor((from + step - 1) / step) }, (_, index) => String(from - index * step))
  for (const [caller, numbers] of [
    [study.admin, down(MANY, 1)],
    [owner, down(MANY, 2)],
    [study.staff, down(MANY, 4)],
  ] as const) {
    const pages = await walk(caller, 'q=nigh')
    expect(pages.flat()).toEqual(numbers)
    expect(pages.slice(0, -1).every((page) => page.length === 100)).toBe(true)
  }
  // 1,700 to 901, then 900 to 101, then the rest.
  expect(await walk(study.admin, 'q=night&category=rare')).toEqual([['1700'], ['900'], ['2']])
  expect(await walk(study.admin, 'q=night&category=none')).toEqual([[], [], []])
})
