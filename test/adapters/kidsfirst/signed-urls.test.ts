import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { fileIdOf, versionIdOf } from '../../../src/adapters/kidsfirst/ids.ts'
import { claimFileToken, issueFileToken, openFileToken } from '../../../src/domain/file-tokens.ts'
import { moveVersion } from '../../../src/domain/versions.ts'
import type { DomainError } from '../../../src/model/errors.ts'
import { aQueue, recorded } from '../../support/audit.ts'
import { type Answer, anonymous, type Caller } from '../../support/client.ts'
import { disturbed, overriding, within } from '../../support/faults.ts'
import { aSignedUrl, aStudyFile, pathOf, withToken } from '../../support/kidsfirst.ts'
import { costOf } from '../../support/meters.ts'
import { idOf, scopeOf } from '../../support/scopes.ts'
import { saidToBe } from '../../support/tokens.ts'
import { aDraft, receive } from '../../support/versions.ts'
import { aFile, aKey, aParticipant, aStudy, HELLO, ok, type Study } from '../../support/world.ts'

const NOT_AUTHORIZED = [401, 'Not authorized to download the file'] as const
const NO_URL = [404, 'Not authenticated to generate a url.'] as const

type Numbered = { number: number }

let study: Study
let other: Study
let file: Numbered & { id: string }
let older: Numbered
let current: Numbered
let otherFile: Numbered
let path: string

beforeAll(async () => {
  study = await aStudy()
  other = await aStudy()
  const first = await receive(study, { text: 'older' })
  const second = await receive(study, { name: 'hello world.csv', handle: first.file.handle })
  file = first.file
  older = { number: first.version }
  current = { number: second.version }
  otherFile = (await receive(other)).file
  path = pathOf(study, file)
})

const told = ({ status, text }: Answer) => [status, text]
const signed = (of = path) => of.replace('/download/', '/signed-url/')
const tokenIn = (url: string) => new URL(url, 'http://localhost').searchParams.get('token') ?? ''
const aUrl = async (of = path) => aSignedUrl(study.staff, of)

describe('a signed URL', () => {
  test('is given to admins and staff, with the version filled in', async () => {
    for (const caller of [study.admin, study.staff]) {
      const { status, body, headers } = await caller.get(signed())
      expect([status, headers.get('Cache-Control')]).toEqual([200, 'no-store'])
      expect(body).toEqual({
        url: expect.stringMatching(new RegExp(`^${path}/version/${versionIdOf(current.number)}\\?token=[\\w-]{27}$`)),
      })
    }
    const olderPath = pathOf(study, file, older)
    expect((await aUrl(olderPath)).split('?')[0]).toBe(olderPath)
    for (const alias of [
      `/study/${study.id}/files/${fileIdOf(file.number)}`,
      signed(path.replace('/file/', '/files/')),
    ]) {
      expect(ok(await study.staff.get(alias)).url.split('?')[0]).toBe(pathOf(study, file, current))
    }
  })

  test('is given to nobody else, who are all told the same, and to nobody for what is not there', async () => {
    const participant = await aParticipant(study)
    const own = await aFile(participant, study)
    const refused: [Caller, string][] = [
      ...[anonymous, study.worker, study.download, participant, other.admin].map((caller): [Caller, string] => [
        caller,
        path,
      ]),
      [participant, pathOf(study, own)],
      [study.admin, pathOf(study, own)],
      [anonymous, pathOf(study, { number: 1 })],
      [other.staff, pathOf({ id: 'nowhere' }, file)],
      [study.staff, `/download/study/%2F/file/${fileIdOf(file.number)}`],
    ]
    for (const [caller, of] of refused) expect(told(await caller.get(signed(of))), of).toEqual(NO_URL)
    const { file: draft } = await aDraft(study)
    const missing = [
      [pathOf(study, { number: file.number + 1_000_000 }), 'No file exists with given ID'],
      [pathOf(study, own), 'No file exists with given ID'],
      [pathOf(study, draft), 'No file exists with given ID'],
      [pathOf(study, otherFile), 'No file exists for given ID and study'],
      [pathOf(study, file, otherFile), 'No version exists with given ID'],
    ] as const
    for (const [of, words] of missing) expect(told(await study.staff.get(signed(of))), of).toEqual([404, words])
    expect((await study.staff.head(signed())).status).toBe(405)
  })

  test('downloads its version once, without any header', async () => {
    const url = await aUrl()
    const { headers, ...answer } = await anonymous.get(url)
    expect(told({ headers, ...answer })).toEqual([200, HELLO])
    expect(headers.get('Content-Disposition')).toBe(
      `attachment; filename*=UTF-8''${versionIdOf(current.number)}_hello%20world.csv`,
    )
    expect(headers.get('Content-Length')).toBe(String(HELLO.length))
    for (const again of [url, `${path}?token=${tokenIn(url)}`]) {
      expect(told(await anonymous.get(again))).toEqual(NOT_AUTHORIZED)
    }
  })

  test('of many at once lets one download', async () => {
    const url = await aUrl()
    const answers = await Promise.all(Array.from({ length: 20 }, async () => anonymous.get(url)))
    expect(answers.filter(({ status }) => status === 200).map(({ text }) => text)).toEqual([HELLO])
    for (const answer of answers) if (answer.status !== 200) expect(told(answer)).toEqual(NOT_AUTHORIZED)
  })

  test('is used up by nothing that downloads nothing', async () => {
    const url = await aUrl()
    const head = await anonymous.head(url)
    expect([head.status, head.headers.get('Content-Length')]).toEqual([200, String(HELLO.length)])
    const etag = head.headers.get('ETag') ?? ''
    expect((await anonymous.get(url, { 'Sec-Purpose': 'prefetch' })).status).toBe(503)
    expect((await anonymous.options(url)).status).toBe(204)
    expect((await anonymous.get(url, { 'If-None-Match': etag })).status).toBe(304)
    expect((await anonymous.get(url, { Range: 'bytes=99-' })).status).toBe(416)
    expect(told(await anonymous.get(url, { Range: 'bytes=6-' }))).toEqual([206, 'world'])
    expect(told(await anonymous.get(url))).toEqual(NOT_AUTHORIZED)
    expect(told(await anonymous.head(url))).toEqual([401, ''])
  })

  test('works where its version is named, or is the current one, and is not used up anywhere else', async () => {
    const token = tokenIn(await aUrl())
    const elsewhere = [
      pathOf(study, file, older),
      pathOf(study, otherFile),
      pathOf(other, file),
      pathOf(study, (await receive(study)).file),
      `/download/study/${study.id}/file/SF_nothing`,
    ]
    for (const of of elsewhere) expect(told(await anonymous.get(`${of}?token=${token}`)), of).toEqual(NOT_AUTHORIZED)
    const ofOlder = tokenIn(await aUrl(pathOf(study, file, older)))
    expect(told(await anonymous.get(`${path}?token=${ofOlder}`))).toEqual(NOT_AUTHORIZED)
    expect(told(await anonymous.get(pathOf(study, file, older), withToken(ofOlder)))).toEqual([200, 'older'])
    expect(told(await anonymous.get(path, withToken(token)))).toEqual([200, HELLO])
  })

  test('gives way to who may download anyhow, and is then not used up', async () => {
    const url = await aUrl()
    const bad = url.replace(/token=.*/, `token=${'A'.repeat(27)}`)
    expect(told(await study.staff.get(bad))).toEqual([200, HELLO])
    expect(told(await study.staff.get(pathOf(study, otherFile) + bad.slice(bad.indexOf('?'))))).toEqual([
      404,
      'No file exists for given ID and study',
    ])
    expect(told(await anonymous.get(url))).toEqual([200, HELLO])
  })

  test('is for this door: no link is made of it, and no link is taken for it', async () => {
    const token = tokenIn(await aUrl())
    const link = await anonymous.get(`/d/${token}`)
    expect([link.status, link.body.code]).toEqual([404, 'download_token_not_found'])
    const native = ok(await study.staff.post(`${study.path}/files/${file.id}/download-tokens`, { delivery: 'stream' }))
    expect(told(await anonymous.get(`${path}?token=${native.url.split('/d/')[1]}`))).toEqual(NOT_AUTHORIZED)
    expect(told(await anonymous.get(`${path}?token=${token}`))).toEqual([200, HELLO])
    expect((await anonymous.get(native.url)).text).toBe(HELLO)
  })

  test('is given by who only says so, as the provider is believed', async () => {
    for (const said of [{ roles: ['ADMIN'] }, { groups: [study.id] }]) {
      const url = await aSignedUrl(await saidToBe('robin', said), path)
      expect(told(await anonymous.get(url))).toEqual([200, HELLO])
    }
    const elsewhere = await saidToBe('robin', { groups: [other.id] })
    expect(told(await elsewhere.get(signed()))).toEqual(NO_URL)
  })
})

describe('a signed URL ends', () => {
  /** As it is opened and then used, at a time of its own. */
  async function claimAt(now: Date, token: string): Promise<string> {
    const scope = await scopeOf({ door: 'kidsfirst', now })
    const shown = await openFileToken(scope, idOf(study), { file: file.number, version: undefined, token })
    return new Response(await claimFileToken(scope, shown)).text()
  }
  const refusal = expect.objectContaining<Partial<DomainError>>({ code: 'download_token_not_found' })

  test('after thirty seconds', async () => {
    const now = new Date()
    const later = (seconds: number) => new Date(now.getTime() + seconds * 1000)
    const scope = await scopeOf({ secret: study.staff.key, door: 'kidsfirst', now })
    const wanted = { file: file.number, version: undefined, seconds: 30 }
    const tokens = await Promise.all([1, 2].map(async () => issueFileToken(scope, idOf(study), wanted)))
    await expect(claimAt(later(30), tokens[0]?.token ?? '')).rejects.toEqual(refusal)
    expect(await claimAt(later(29.999), tokens[1]?.token ?? '')).toBe(HELLO)
    const url = tokenIn(await aUrl())
    const { hash } = (await scope.tokens.openFileToken(url)) ?? {}
    const row = env.DB.prepare('SELECT expires_at - created_at AS lives FROM download_tokens WHERE hash = ?')
    expect(await row.bind(hash).first('lives')).toBe(30_000)
  })

  test.each<[string, (made: { id: string; version: number }) => Promise<unknown>]>([
    ['its issuer', async ({ id }) => ok(await study.admin.delete(`${study.path}/keys/${id}`))],
    [
      "its version's place in the file",
      async ({ version }) =>
        moveVersion(await scopeOf({ secret: study.admin.key, door: 'kidsfirst' }), idOf(study), {
          version,
          to: (await receive(study)).file.number,
        }),
    ],
  ])('with %s', async (_, end) => {
    const { id, ...issuer } = await aKey(study, { role: 'staff' })
    const made = await receive(study)
    await receive(study, { handle: made.file.handle })
    const named = pathOf(study, made.file, { number: made.version })
    const url = await aSignedUrl(issuer, named)
    await end({ id, version: made.version })
    expect(told(await anonymous.get(url))).toEqual(NOT_AUTHORIZED)
  })

  test('with its file, also while the bytes are being opened', async () => {
    const { id, number } = await aStudyFile(study)
    const url = await aUrl(pathOf(study, { number }))
    const deleted = disturbed({
      on: /UPDATE download_tokens/,
      before: async () => ok(await study.admin.delete(`${study.path}/files/${id}`)),
    })
    expect(told(await within({ DB: deleted.DB }, anonymous).get(url))).toEqual(NOT_AUTHORIZED)
    expect(deleted.seen.times).toBe(1)
  })

  test('not with what it is shown for by mistake, be it a moment ago that this was right', async () => {
    const made = await receive(study)
    const url = await aUrl(pathOf(study, made.file))
    const replaced = disturbed({
      on: /UPDATE download_tokens/,
      before: async () => receive(study, { handle: made.file.handle }),
    })
    const ofFile = `${pathOf(study, made.file)}?token=${tokenIn(url)}`
    expect(told(await within({ DB: replaced.DB }, anonymous).get(ofFile))).toEqual(NOT_AUTHORIZED)
    expect(replaced.seen.times).toBe(1)
    expect(told(await anonymous.get(url))).toEqual([200, HELLO])
  })

  test('not with a failure of storage, nor with an answer of D1 that was lost', async () => {
    const url = await aUrl()
    const failing = overriding(env.BUCKET, { get: async () => Promise.reject(new Error('out of reach')) })
    expect((await within({ BUCKET: failing }, anonymous).get(url)).status).toBe(503)
    const gone = overriding(env.BUCKET, { get: async () => null })
    expect(told(await within({ BUCKET: gone }, anonymous).get(url))).toEqual([404, 'Problem finding the file'])
    const lost = disturbed({ on: /UPDATE download_tokens/, loses: true })
    expect(told(await within({ DB: lost.DB }, anonymous).get(url))).toEqual([200, HELLO])
    expect(lost.seen.times).toBe(2)
  })
})

describe('what is kept of a signed URL', () => {
  test('is on record, when it is made and when it is used, and is no secret', async () => {
    const { JOBS, bring } = aQueue()
    const key = await aKey(study, { role: 'staff' })
    let url = ''
    const events = await recorded(study, async () => {
      url = await aSignedUrl(within({ JOBS }, key), path)
      await within({ JOBS }, anonymous).head(url)
      await within({ JOBS }, anonymous).get(url)
      await within({ JOBS }, anonymous).get(url)
      await bring()
    })
    const { items } = ok(await study.staff.get(`${study.path}/files/${file.id}/download-tokens?limit=100`))
    const { id } = items.at(-1)
    expect(events).toMatchObject([
      { action: 'link.claim', door: 'kidsfirst', actor: 'anonymous', through: id },
      { action: 'link.issue', door: 'kidsfirst', actor: `key:${key.id}`, object: id },
    ])
    const row = await env.DB.prepare('SELECT * FROM download_tokens WHERE id = ?').bind(id).first()
    expect(row).toMatchObject({ id })
    expect(JSON.stringify(row)).not.toContain(tokenIn(url))
  })

  test('is not in the log', async () => {
    const url = await aUrl()
    const printed = vi.spyOn(console, 'log')
    await anonymous.get(url)
    await anonymous.get(url)
    const lines = printed.mock.calls.map((call) => call.map(String).join(' '))
    printed.mockRestore()
    expect(lines).toHaveLength(2)
    expect(lines.join()).not.toContain(tokenIn(url))
  })

  test('costs two trips to issue and two to use, and nothing but the database is asked', async () => {
    const issued = await costOf(study.staff, async (caller) => caller.get(signed()))
    expect(issued.cost).toMatchObject({ trips: 2, kv: [], r2: [] })
    expect(issued.cost.rows).toBeLessThanOrEqual(12)
    const claimed = await costOf(anonymous, async (caller) => caller.get(ok(issued.answer).url))
    expect([claimed.answer.status, claimed.cost]).toMatchObject([200, { trips: 2, kv: [], r2: ['get'] }])
    expect(claimed.cost.rows).toBeLessThanOrEqual(14)
    const forged = await costOf(anonymous, async (caller) => caller.head(`${path}?token=${'A'.repeat(27)}`))
    // As anybody: a token that nobody signed is not even looked for.
    expect(forged.cost).toMatchObject({ trips: 1, kv: [], r2: [] })
  })
})
