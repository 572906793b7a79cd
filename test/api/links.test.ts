import { env } from 'cloudflare:workers'
import { describe, expect, test, vi } from 'vitest'
import { createTokenCodec } from '../../src/storage/secrets.ts'
import { anonymous, type Caller, ORIGIN } from '../support/client.ts'
import { sweepAt, within } from '../support/faults.ts'
import { aFile, aParticipant, aStudy, HELLO, ok, type Study } from '../support/world.ts'

async function aLinkable(visibility = 'private', settings: object = {}) {
  const study = await aStudy({ allowPublic: true, ...settings })
  const participant = await aParticipant(study)
  const file = await aFile(participant, study, { visibility })
  const links = `${study.path}/files/${file.id}/download-tokens`
  const issue = async (link: object = {}, issuer: Caller = participant) => ok(await issuer.post(links, link))
  return { study, participant, file, links, issue }
}

/** Asks at another time. */
async function at<Answer>(time: Date, ask: () => Promise<Answer>): Promise<Answer> {
  vi.useFakeTimers({ toFake: ['Date'], now: time })
  try {
    return await ask()
  } finally {
    vi.useRealTimers()
  }
}
const after = (iso: string, milliseconds: number) => new Date(Date.parse(iso) + milliseconds)
const DAY_MS = 86_400_000

const outcome = async (url: string, headers?: Record<string, string>) => {
  const { status, body } = await anonymous.get(url, headers)
  return status === 302 ? 'given' : `${status} ${body.code}`
}

describe('a link', () => {
  test('is told once, and only its hash is kept', async () => {
    const { participant, links, file } = await aLinkable()
    const { status, body, headers } = await participant.post(links, {})
    expect([status, headers.get('Cache-Control')]).toEqual([201, 'no-store'])
    expect(body).toEqual({
      id: expect.stringMatching(/^dlt_/),
      url: expect.stringMatching(/^http:\/\/localhost\/d\/[\w-]{58}$/),
      version: file.version.id,
      expiresAt: expect.any(String),
      confirm: false,
      delivery: 'redirect',
    })
    const token = body.url.slice(`${ORIGIN}/d/`.length)
    const rows = await env.DB.prepare('SELECT * FROM download_tokens WHERE id = ?').bind(body.id).all()
    expect(rows.results).toHaveLength(1)
    const { keys } = await env.TOKENS.list()
    const records = await Promise.all(keys.map(async ({ name }) => env.TOKENS.get(name)))
    for (const kept of [rows.results, keys, records, (await participant.get(links)).body]) {
      expect(JSON.stringify(kept)).not.toContain(token)
    }
    expect(JSON.stringify(records)).not.toContain('hello.txt')
  })

  test('gives the content once, by a URL that lives a minute at most', async () => {
    const { issue } = await aLinkable()
    const { url } = await issue()
    const given = await anonymous.get(url)
    expect([given.status, given.text]).toEqual([302, ''])
    expect(Object.fromEntries(given.headers)).toMatchObject({
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'x-robots-tag': 'noindex',
    })
    const location = new URL(given.headers.get('Location') ?? '')
    expect(Number(location.searchParams.get('X-Amz-Expires'))).toBeLessThanOrEqual(60)
    const again = await anonymous.get(url)
    expect([again.status, again.body.code, again.headers.get('Cache-Control')]).toEqual([
      410,
      'download_token_used',
      'no-store',
    ])
    expect((await anonymous.post(url)).body.code).toBe('download_token_used')
  })

  test('gives it to a program that posts, too', async () => {
    const { issue } = await aLinkable()
    const { url } = await issue()
    expect((await anonymous.post(url)).status).toBe(303)
    expect(await outcome(url)).toBe('410 download_token_used')
  })

  test('gives the bytes themselves, where it is to be streamed', async () => {
    const { issue } = await aLinkable()
    const { url } = await issue({ delivery: 'stream' })
    const given = await anonymous.get(url)
    expect([given.status, given.body]).toEqual([200, HELLO])
    expect(Object.fromEntries(given.headers)).toMatchObject({
      'content-length': '11',
      'content-type': 'text/plain',
      'content-disposition': 'inline; filename=hello.txt',
      'cache-control': 'no-store, no-transform',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    })
    expect(await outcome(url)).toBe('410 download_token_used')
  })

  test('is used up by nothing but a GET or a POST that means it', async () => {
    const { issue } = await aLinkable()
    const { url } = await issue()
    expect((await anonymous.head(url)).status).toBe(200)
    expect((await anonymous.options(url)).status).toBeLessThan(300)
    for (const method of ['put', 'patch', 'delete'] as const) expect((await anonymous[method](url)).status).toBe(405)
    for (const header of ['Sec-Purpose', 'Purpose', 'X-Purpose', 'X-Moz']) {
      const { status, body, headers } = await anonymous.get(url, { [header]: 'prefetch;anonymous-client-ip' })
      expect([status, body.code, headers.get('Retry-After')]).toEqual([503, 'prefetch_declined', '5'])
    }
    expect(await outcome(url)).toBe('given')
  })

  test('lives as long as it was asked to, else as the study says, else a minute', async () => {
    const { issue, study } = await aLinkable()
    const secondsOf = async (link: object) => {
      const before = Date.now()
      const { expiresAt } = await issue(link)
      return Math.floor((Date.parse(expiresAt) - before) / 1000)
    }
    expect(await secondsOf({})).toBe(60)
    ok(await study.admin.patch(study.path, { settings: { downloadTokenSeconds: 600 } }))
    expect(await secondsOf({})).toBe(600)
    expect(await secondsOf({ seconds: 604_800 })).toBe(604_800)
    expect(await secondsOf({ seconds: 1 })).toBe(1)
  })

  test.each([[{ seconds: 0 }], [{ seconds: 604_801 }], [{ delivery: 'pigeon' }], [{ once: false }]])(
    'cannot be asked for with %j',
    async (link) => {
      const { participant, links } = await aLinkable()
      expect((await participant.post(links, link)).body.code).toBe('invalid_body')
    },
  )

  test('is to the version that was current, or to the one named, whatever comes later', async () => {
    const { participant, file, issue, study } = await aLinkable()
    const current = await issue({ delivery: 'stream' })
    const other = await aFile(participant, study)
    expect(current.version).toBe(file.version.id)
    expect((await issue({ version: file.version.id })).version).toBe(file.version.id)
    const wrong = await participant.post(`${study.path}/files/${file.id}/download-tokens`, {
      version: other.version.id,
    })
    expect([wrong.status, wrong.body.code]).toEqual([404, 'version_not_found'])
  })
})

describe('a link ends', () => {
  test('with its time, and is forgotten a day later', async () => {
    const { issue, participant, links } = await aLinkable()
    const { url, expiresAt, id } = await issue({ seconds: 2 })
    expect(await at(after(expiresAt, 0), () => outcome(url))).toBe('410 download_token_expired')
    expect(await at(after(expiresAt, DAY_MS - 1), () => outcome(url))).toBe('410 download_token_expired')
    await sweepAt(after(expiresAt, DAY_MS - 1))
    expect(ok(await participant.get(links)).items).toHaveLength(1)
    await sweepAt(after(expiresAt, DAY_MS))
    expect(ok(await participant.get(links)).items).toEqual([])
    expect((await participant.delete(`${links}/${id}`)).body.code).toBe('download_token_not_found')
    expect(await outcome(url)).toBe('404 download_token_not_found')
  })

  test('with its revocation, which may be repeated', async () => {
    const { issue, participant, links } = await aLinkable()
    const { url, id } = await issue()
    for (const _ of [1, 2]) expect((await participant.delete(`${links}/${id}`)).status).toBe(204)
    expect(await outcome(url)).toBe('410 download_token_revoked')
  })

  test('by whoever may make one, and nobody else', async () => {
    const { issue, links, study, participant } = await aLinkable('study')
    const { url, id } = await issue()
    const other = await aParticipant(study)
    const refused = async (caller: Caller) => (await caller.delete(`${links}/${id}`)).body.code
    expect(await refused(other)).toBe('file_not_found')
    expect(await refused(study.download)).toBe('forbidden')
    expect(await refused(anonymous)).toBe('unauthenticated')
    const elsewhere = await aFile(participant, study)
    const wrongFile = `${study.path}/files/${elsewhere.id}/download-tokens/${id}`
    expect((await participant.delete(wrongFile)).body.code).toBe('download_token_not_found')
    expect((await study.staff.delete(`${links}/${id}`)).status).toBe(204)
    expect(await outcome(url)).toBe('410 download_token_revoked')
  })
})

test('the links of a file are listed, oldest first, with what became of them', async () => {
  const { issue, participant, links } = await aLinkable()
  const made = [await issue(), await issue({ delivery: 'stream', confirm: true }), await issue()]
  await anonymous.get(made[0].url)
  ok(await participant.delete(`${links}/${made[2].id}`))

  const first = ok(await participant.get(`${links}?limit=2`))
  const second = ok(await participant.get(`${links}?limit=2&cursor=${first.nextCursor}`))
  const items = [...first.items, ...second.items]
  expect([first.items.length, second.nextCursor]).toEqual([2, null])
  expect(items.map(({ id }) => id)).toEqual(made.map(({ id }) => id))
  expect(items.map(({ claimedAt, revokedAt }) => [claimedAt !== null, revokedAt !== null])).toEqual([
    [true, false],
    [false, false],
    [false, true],
  ])
  expect(items[1]).toEqual({
    id: made[1].id,
    version: made[1].version,
    delivery: 'stream',
    confirm: true,
    createdAt: expect.any(String),
    expiresAt: made[1].expiresAt,
    claimedAt: null,
    revokedAt: null,
  })
})

describe('a token that is none', () => {
  /** Bindings that fail the test when they are so much as looked at. */
  const untouchable = <Binding extends object>(binding: Binding): Binding =>
    new Proxy(binding, {
      get: (_, name) => {
        throw new Error(`asked for ${String(name)}`)
      },
    })
  const isolated = within(
    { DB: untouchable(env.DB), TOKENS: untouchable(env.TOKENS), BUCKET: untouchable(env.BUCKET) },
    anonymous,
  )

  test('is unknown, and that costs no question to anyone', async () => {
    const { url } = await (await aLinkable()).issue()
    const token: string = url.slice(`${ORIGIN}/d/`.length)
    const changed = (index: number) =>
      token.slice(0, index) + (token[index] === 'A' ? 'B' : 'A') + token.slice(index + 1)
    const foreign = await createTokenCodec([{ id: 1, secret: 'x'.repeat(43) }]).issue(1)
    const garbage = [
      'x',
      '-',
      '%00',
      '..%2f',
      token.slice(1),
      `${token}A`,
      `${token}=`,
      token.toUpperCase(),
      'A'.repeat(58),
      'A'.repeat(5_000),
      ...[0, 1, 20, 50, 57].map(changed),
      foreign.token,
    ]
    for (const each of garbage) {
      const { status, body } = await isolated.get(`/d/${each}`)
      expect([each, status, body.code]).toEqual([each, 404, 'download_token_not_found'])
      expect((await isolated.post(`/d/${each}`)).status).toBe(404)
    }
    expect(await outcome(url)).toBe('given')
  })

  test('is unknown even where Carrel signed it, if it was never issued', async () => {
    const [key = ''] = env.TOKEN_KEYS.split(',')
    const [id, secret = ''] = key.split(':')
    const { token } = await createTokenCodec([{ id: Number(id), secret }]).issue((await aStudy()).number)
    expect(await outcome(`/d/${token}`)).toBe('404 download_token_not_found')
  })

  test('is one still, after another key has come to sign', async () => {
    const { url } = await (await aLinkable()).issue()
    const TOKEN_KEYS = `2:${'y'.repeat(42)}A,${env.TOKEN_KEYS}`
    expect((await within({ TOKEN_KEYS }, anonymous).get(url)).status).toBe(302)
  })
})

describe('who may make a link to a file that is', () => {
  const issuers = (study: Study, owner: Caller, other: Caller) => ({
    owner,
    other,
    staff: study.staff,
    worker: study.worker,
    admin: study.admin,
    download: study.download,
    anonymous,
  })

  test.each([
    ['private', { owner: 201, other: 404, staff: 404, worker: 404, admin: 403, download: 404, anonymous: 401 }],
    ['study', { owner: 201, other: 404, staff: 201, worker: 201, admin: 201, download: 403, anonymous: 401 }],
    ['public', { owner: 201, other: 403, staff: 201, worker: 201, admin: 201, download: 403, anonymous: 401 }],
  ])('%s', async (visibility, expected) => {
    const { study, participant, links } = await aLinkable(visibility)
    const other = await aParticipant(study)
    for (const [who, caller] of Object.entries(issuers(study, participant, other))) {
      const { status } = await caller.post(links, {})
      expect([who, status]).toEqual([who, expected[who as keyof typeof expected]])
      const listed = (await caller.get(links)).status
      expect([who, listed]).toEqual([who, status === 201 ? 200 : status])
    }
  })
})
