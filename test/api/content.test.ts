import { parse } from 'content-disposition'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { overriding, within } from '../support/faults.ts'
import { aFile, aParticipant, aStudy, HELLO, HELLO_MD5, ok } from '../support/world.ts'

/** A participant's file; `content` is where its bytes are streamed from. */
async function aStreamed(file: object = {}, bytes: string | Uint8Array = HELLO) {
  const study = await aStudy()
  const participant = await aParticipant(study)
  const { id, version } = await aFile(participant, study, file, bytes)
  const path = `${study.path}/files/${id}`
  return { study, participant, id, version, path, content: `${path}/content?delivery=stream` }
}

const seen = (headers: Headers, ...names: string[]) => names.map((name) => headers.get(name))

describe('content that is streamed', () => {
  test('comes whole, with its length, type, ETag and name, and is not to be kept by others', async () => {
    const { participant, content } = await aStreamed()
    const { status, body, headers } = await participant.get(content)
    expect([status, body]).toEqual([200, HELLO])
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-length': '11',
      'content-type': 'text/plain',
      'content-disposition': 'inline; filename=hello.txt',
      'accept-ranges': 'bytes',
      etag: `"${HELLO_MD5}"`,
      'cache-control': 'private, no-cache, no-transform',
      'content-security-policy': "sandbox; default-src 'none'",
      'x-content-type-options': 'nosniff',
    })
  })

  test.each([
    ['bytes=0-4', 'hello', 'bytes 0-4/11'],
    ['bytes=6-', 'world', 'bytes 6-10/11'],
    ['bytes=-3', 'rld', 'bytes 8-10/11'],
    ['bytes=10-99', 'd', 'bytes 10-10/11'],
    ['bytes=-99', HELLO, 'bytes 0-10/11'],
  ])('comes in part for Range: %s', async (range, part, contentRange) => {
    const { participant, content } = await aStreamed()
    const { status, body, headers } = await participant.get(content, { Range: range })
    expect([status, body]).toEqual([206, part])
    expect(seen(headers, 'Content-Range', 'Content-Length')).toEqual([contentRange, String(part.length)])
  })

  test.each(['bytes=1-2,4-5', 'bytes=5-2', 'bytes=-', 'lines=1-2', 'bytes'])(
    'comes whole for a Range that cannot be served as one: %s',
    async (range) => {
      const { participant, content } = await aStreamed()
      const { status, body, headers } = await participant.get(content, { Range: range })
      expect([status, body, headers.get('Content-Range')]).toEqual([200, HELLO, null])
    },
  )

  test.each(['bytes=11-', 'bytes=99-100', 'bytes=-0'])('is refused for Range: %s', async (range) => {
    const { participant, content } = await aStreamed()
    const { status, body, headers } = await participant.get(content, { Range: range })
    expect([status, body.code]).toEqual([416, 'range_not_satisfiable'])
    expect(headers.get('Content-Range')).toBe('bytes */11')
  })

  test('is not sent again to who has it', async () => {
    const { participant, content } = await aStreamed()
    const has = async (headers: Record<string, string>) => (await participant.get(content, headers)).status
    const etag = `"${HELLO_MD5}"`
    for (const match of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await participant.get(content, { 'If-None-Match': match })
      expect([answer.status, answer.text, answer.headers.get('ETag')]).toEqual([304, '', etag])
    }
    expect(await has({ 'If-None-Match': '"other"' })).toBe(200)
    expect(await has({ 'If-None-Match': etag, Range: 'bytes=0-4' })).toBe(304)
  })

  test('goes on where it stopped only if it is still the same', async () => {
    const { participant, content } = await aStreamed()
    const from = async (ifRange: string) => participant.get(content, { Range: 'bytes=6-', 'If-Range': ifRange })
    expect(await from(`"${HELLO_MD5}"`)).toMatchObject({ status: 206, body: 'world' })
    for (const changed of ['"other"', `W/"${HELLO_MD5}"`, 'Wed, 21 Oct 2026 07:28:00 GMT']) {
      expect(await from(changed)).toMatchObject({ status: 200, body: HELLO })
    }
  })

  test('says to HEAD what it would say to GET, and sends nothing', async () => {
    const { participant, content } = await aStreamed()
    const names = ['Content-Length', 'Content-Type', 'Content-Disposition', 'ETag', 'Accept-Ranges']
    const head = await participant.head(content, { Range: 'bytes=0-4' })
    expect([head.status, head.text]).toEqual([200, ''])
    expect(seen(head.headers, ...names)).toEqual(seen((await participant.get(content)).headers, ...names))
    expect((await participant.head(content, { 'If-None-Match': '*' })).status).toBe(304)
  })

  test('may be empty', async () => {
    const { participant, content } = await aStreamed({}, '')
    for (const range of [{}, { Range: 'bytes=0-' }, { Range: 'bytes=-5' }]) {
      const { status, text, headers } = await participant.get(content, range)
      expect([status, text, headers.get('Content-Length')]).toEqual([200, '', '0'])
    }
  })

  test('is any bytes, as they were sent', async () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index)
    const { participant, path } = await aStreamed({ mediaType: 'application/octet-stream' }, bytes)
    const { text } = await participant.get(`${path}/content?delivery=stream`, { Range: 'bytes=48-57' })
    expect(text).toBe('0123456789')
  })

  test('is a passing fault where storage cannot be reached', async () => {
    const { participant, content } = await aStreamed()
    const BUCKET = overriding(env.BUCKET, {
      get: async () => Promise.reject(new Error('get: Unspecified error (0)')),
    })
    const { status, body, headers } = await within({ BUCKET }, participant).get(content)
    expect([status, body.code, headers.get('Retry-After')]).toEqual([503, 'overloaded', '2'])
    expect((await participant.get(content)).status).toBe(200)
  })

  test('is missing, and not to be waited for, where storage no longer has it', async () => {
    const { participant, content } = await aStreamed()
    const BUCKET = overriding(env.BUCKET, { get: async () => Promise.resolve(null) })
    const { status, body, headers } = await within({ BUCKET }, participant).get(content)
    expect([status, body.code, headers.get('Retry-After')]).toEqual([409, 'content_missing', null])
  })
})

describe('the name', () => {
  test.each([
    'Zoë Ångström.txt',
    'ημερολόγιο.txt',
    'дневник.txt',
    'مذكرات.txt',
    'יומן.txt',
    'डायरी.txt',
    'บันทึก.txt',
    '睡眠日记.txt',
    '睡眠日誌.txt',
    '수면 일기.txt',
    '😴.txt',
    '"quoted"; and=more, \\ / %20.txt',
  ])('%s arrives exactly', async (name) => {
    const { participant, path, content } = await aStreamed({ name })
    const streamed = parse((await participant.get(content)).headers.get('Content-Disposition') ?? '')
    const { headers } = await participant.get(`${path}/content`)
    const query = new URL(headers.get('Location') ?? '').searchParams
    for (const { type, parameters } of [streamed, parse(query.get('response-content-disposition') ?? '')]) {
      expect([type, parameters['filename']]).toEqual(['inline', name])
    }
  })
})

describe('a type that a browser would run', () => {
  test.each([
    'text/html',
    'TEXT/HTML; charset=utf-8',
    'image/svg+xml',
    'application/xhtml+xml',
    'application/xml',
    'text/xml',
    'application/atom+xml',
    'text/javascript',
    'application/javascript',
    'application/wasm',
    'text/css',
    'multipart/x-mixed-replace; boundary=x',
  ])('%s is saved, and never served as itself', async (mediaType) => {
    const { participant, path, content, version } = await aStreamed({ mediaType, name: 'page.html' })
    expect(version.mediaType).toBe(mediaType)
    const { headers } = await participant.get(content)
    expect(seen(headers, 'Content-Type', 'Content-Disposition')).toEqual([
      'application/octet-stream',
      'attachment; filename=page.html',
    ])
    const redirected = await participant.get(`${path}/content`)
    const query = new URL(redirected.headers.get('Location') ?? '').searchParams
    expect(query.get('response-content-type')).toBe('application/octet-stream')
    expect(query.get('response-content-disposition')).toBe('attachment; filename=page.html')
  })

  test('and a type that Carrel does not know, is saved too', async () => {
    const { participant, content } = await aStreamed({ mediaType: 'application/x-own', name: 'a.own' })
    const { headers } = await participant.get(content)
    expect(seen(headers, 'Content-Type', 'Content-Disposition')).toEqual([
      'application/x-own',
      'attachment; filename=a.own',
    ])
  })

  test('while a PDF, whose viewer the sandbox would stop, is shown from storage and saved from here', async () => {
    const { participant, path, content } = await aStreamed({ mediaType: 'application/pdf', name: 'a.pdf' })
    expect((await participant.get(content)).headers.get('Content-Disposition')).toBe('attachment; filename=a.pdf')
    const { headers } = await participant.get(`${path}/content`)
    const query = new URL(headers.get('Location') ?? '').searchParams
    expect(query.get('response-content-disposition')).toBe('inline; filename=a.pdf')
  })
})

describe('content by redirect', () => {
  test('is a URL that no cache keeps, and that lives as long as the service says', async () => {
    const { participant, path } = await aStreamed()
    const { status, headers, text } = await participant.get(`${path}/content`)
    expect([status, text, headers.get('Cache-Control')]).toEqual([302, '', 'no-store'])
    expect(new URL(headers.get('Location') ?? '').searchParams.get('X-Amz-Expires')).toBe('300')
  })

  test('lives as long as the study says, where it does', async () => {
    const { study, participant, path } = await aStreamed()
    ok(await study.admin.patch(study.path, { settings: { downloadUrlSeconds: 17 } }))
    const { headers } = await participant.get(`${path}/content`)
    expect(new URL(headers.get('Location') ?? '').searchParams.get('X-Amz-Expires')).toBe('17')
  })

  test('is for HEAD a URL of its own', async () => {
    const { participant, path } = await aStreamed()
    const head = await participant.head(`${path}/content`)
    expect([head.status, head.headers.get('Cache-Control')]).toEqual([302, 'no-store'])
    const signatureOf = (headers: Headers) => new URL(headers.get('Location') ?? '').searchParams.get('X-Amz-Signature')
    expect(signatureOf(head.headers)).toMatch(/^[0-9a-f]{64}$/)
    expect(signatureOf(head.headers)).not.toBe(signatureOf((await participant.get(`${path}/content`)).headers))
  })

  test('is told of no other delivery', async () => {
    const { participant, path } = await aStreamed()
    const { status, body } = await participant.get(`${path}/content?delivery=pigeon`)
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', 'query/delivery'])
  })
})
