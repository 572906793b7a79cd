// Files of a HAT, found by what a template says of them.

import { beforeAll, describe, expect, test } from 'vitest'
import { MAX_FOUND } from '../../src/adapters/hat/search.ts'
import { aCompleted, aHat, aNew, atHat, FILES, fill, type Hat, type HatClient } from '../support/hat.ts'
import { aFile, aParticipant, ok } from '../support/world.ts'

let hat: Hat
let bob: HatClient

beforeAll(async () => {
  hat = await aHat({ owner: { id: 'ada' } })
  bob = atHat(hat.host, (await aParticipant(hat.study, { id: 'bob' })).key)
  await aCompleted(hat.owner, {
    name: 'testFile.png',
    source: 'test',
    tags: ['tag1', 'tag2'],
    title: 'test Title',
    description: 'a very interesting test file',
  })
  await aCompleted(hat.owner, { name: 'Holiday photos.zip', source: 'facebook photos', tags: ['tag1'] })
  await aCompleted(hat.owner, { name: '日本旅行.jpg', source: 'rumpel', title: 'Été à Paris' })
  await aNew(hat.owner, { name: 'new_one.txt', source: 'rumpel' })
  // Somebody else's, of the same name and source: no file of this HAT.
  await aFile(await aParticipant(hat.study), hat.study, { name: 'testFile.png', source: 'test', visibility: 'public' })
})

const search = async (template: object, client = hat.owner) =>
  ok(await client.post(`${FILES}/search`, { name: '', source: '', ...template }))
const idsOf = (found: { fileId: string }[]) => found.map(({ fileId }) => fileId).toSorted()

const [TEST, PHOTOS, JAPAN, NEW] = [
  'testtestfile.png',
  'facebookphotosholidayphotos.zip',
  'rumpel.jpg',
  'rumpelnew_one.txt',
]

describe('a template', () => {
  test.each<[object, string[]]>([
    [{}, [PHOTOS, JAPAN, NEW, TEST]],
    [{ name: 'testFile.png' }, [TEST]],
    [{ name: 'testfile' }, [TEST]],
    [{ name: 'photos' }, [PHOTOS]],
    [{ name: 'photos holiday' }, [PHOTOS]],
    [{ name: 'otos' }, []],
    [{ name: '旅行' }, [JAPAN]],
    [{ name: 'new_one.txt' }, [NEW]],
    [{ name: '%' }, []],
    [{ name: 'new%' }, [NEW]],
    [{ source: 'test' }, [TEST]],
    [{ source: 'facebook' }, [PHOTOS]],
    [{ source: 'facebook photos' }, [PHOTOS]],
    [{ source: 'rumpel' }, [JAPAN, NEW]],
    [{ source: 'rum%' }, [JAPAN, NEW]],
    [{ source: '_umpel' }, []],
    [{ title: 'title' }, [TEST]],
    [{ title: 'paris ete' }, [JAPAN]],
    [{ description: 'interesting file' }, [TEST]],
    [{ description: 'title' }, []],
    [{ description: '' }, [PHOTOS, JAPAN, NEW, TEST]],
    [{ tags: ['tag1'] }, [PHOTOS, TEST]],
    [{ tags: ['tag2', 'tag1'] }, [TEST]],
    [{ tags: ['tag'] }, []],
    [{ tags: [] }, [PHOTOS, JAPAN, NEW, TEST]],
    [{ status: { status: 'New' } }, [NEW]],
    [{ status: { status: 'Completed', size: 0 } }, [PHOTOS, JAPAN, TEST]],
    [{ status: { status: 'Completed' }, source: 'rumpel' }, [JAPAN]],
    [{ status: { status: 'Deleted' } }, []],
    [{ status: { status: 'Initialized' } }, []],
    [{ fileId: TEST }, [TEST]],
    [{ fileId: TEST, source: 'rumpel' }, []],
    [{ fileId: 'test' }, []],
    [{ name: 'testFile.png', source: 'test', tags: ['tag1', 'tag2'], title: 'test Title' }, [TEST]],
    [{ name: 'testFile.png', source: 'rumpel' }, []],
    [{ name: '" OR "*' }, []],
    [{ title: '🎈' }, []],
  ])('%j means %j', async (template, ids) => {
    expect(idsOf(await search(template))).toEqual(ids.toSorted())
  })

  test.each([
    ['has no name', { source: '' }],
    ['has no source', { name: '' }],
    ['has a status that there is none of', { name: '', source: '', status: { status: 'Lost' } }],
    ['has a status that is text', { name: '', source: '', status: 'New' }],
    ['is a list', []],
  ])('that %s is refused', async (_, body) => {
    expect((await hat.owner.post(`${FILES}/search`, body)).status).toBe(400)
  })

  test('with long texts is asked of what it finds in full', async () => {
    const words = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ')
    await aCompleted(hat.owner, { name: 'long.txt', source: 'long', description: words })
    expect(await search({ description: words })).toHaveLength(1)
    expect(await search({ description: `${words} missing` })).toEqual([])
  })
})

describe('what is found', () => {
  test('is told as a file is, with a URL where there are bytes', async () => {
    const [found] = await search({ fileId: TEST })
    const read = ok(await hat.owner.get(`${FILES}/file/${TEST}`))
    expect({ ...found, contentUrl: '' }).toEqual({ ...read, contentUrl: '' })
    expect(found.contentUrl).toContain('X-Amz-Signature')
  })

  test('is what was shared, to somebody else, and no more of it than was', async () => {
    expect(await search({}, bob)).toEqual([])
    ok(await hat.owner.get(`${FILES}/allowAccess/${TEST}/bob`))
    ok(await hat.owner.get(`${FILES}/allowAccess/${PHOTOS}/bob?content=true`))
    const found = await search({}, bob)
    expect(idsOf(found)).toEqual([PHOTOS, TEST].toSorted())
    for (const { fileId, ...told } of found) {
      expect(['contentUrl' in told, 'permissions' in told]).toEqual([fileId === PHOTOS, false])
    }
    expect(idsOf(await search({ source: 'rumpel' }, bob))).toEqual([])
    expect((await hat.nobody.post(`${FILES}/search`, { name: '', source: '' })).status).toBe(401)
  })

  test('of more than are told is the newest, and all that has exactly the source', async () => {
    const large = await aHat()
    await fill(large, MAX_FOUND + 100)
    const all = await search({}, large.owner)
    expect(all).toHaveLength(MAX_FOUND)
    expect(new Set(idsOf(all)).size).toBe(MAX_FOUND)
    expect(await search({ source: 'early' }, large.owner)).toHaveLength(5)
    expect(await search({ name: 'name 3' }, large.owner)).not.toEqual([])
  })
})
