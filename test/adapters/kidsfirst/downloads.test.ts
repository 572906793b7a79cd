import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { fileIdOf, versionIdOf } from '../../../src/adapters/kidsfirst/ids.ts'
import { aQueue, recorded } from '../../support/audit.ts'
import { type Answer, anonymous, as, type Caller } from '../../support/client.ts'
import { overriding, within } from '../../support/faults.ts'
import { pathOf } from '../../support/kidsfirst.ts'
import { costOf } from '../../support/meters.ts'
import { aToken } from '../../support/tokens.ts'
import { aDraft, receive } from '../../support/versions.ts'
import {
  aFile,
  aKey,
  aParticipant,
  aStudy,
  begin,
  HELLO,
  ok,
  type Participant,
  type Study,
} from '../../support/world.ts'

const NOT_AUTHORIZED = [401, 'Not authorized to download the file'] as const
const NO_FILE = [404, 'No file exists with given ID'] as const
const NOT_IN_STUDY = [404, 'No file exists for given ID and study'] as const
const NO_VERSION = [404, 'No version exists with given ID'] as const

type Numbered = { number: number }

let study: Study
let other: Study
let participant: Participant
/** The team's; with an older version and another name. */
let file: Numbered
let older: Numbered
let current: Numbered
let otherFile: Numbered
let privateFile: Numbered & { id: string }
let publicFile: Numbered

beforeAll(async () => {
  study = await aStudy({ allowPublic: true })
  other = await aStudy()
  participant = await aParticipant(study)
  const first = await receive(study, { name: 'old name.csv', text: 'a,b\n' })
  const second = await receive(study, { name: 'größe "1"/(a).csv', text: HELLO, handle: first.file.handle })
  file = first.file
  older = { number: first.version }
  current = { number: second.version }
  otherFile = (await receive(other)).file
  privateFile = await aFile(participant, study)
  publicFile = await aFile(participant, study, { visibility: 'public' })
})

const told = ({ status, text }: Answer) => [status, text]

describe('a file is downloaded', () => {
  test('in whichever way its path is written, by the team and by whoever else may read it', async () => {
    const [id, version] = [fileIdOf(file.number), versionIdOf(older.number)]
    for (const start of ['/download/study', '/download/study_id']) {
      for (const kind of ['file', 'files']) {
        const path = `${start}/${study.id}/${kind}/${id}`
        expect(told(await study.staff.get(path)), path).toEqual([200, HELLO])
        expect(told(await study.staff.get(`${path}/version/${version}`)), path).toEqual([200, 'a,b\n'])
        expect((await study.staff.get(`${path}/`)).status).toBe(404)
      }
    }
    for (const caller of [study.admin, study.worker, study.staff, study.download]) {
      expect(told(await caller.get(pathOf(study, file)))).toEqual([200, HELLO])
    }
    expect(told(await participant.get(pathOf(study, privateFile)))).toEqual([200, HELLO])
  })

  test('under the name that its version came with, none of which stands in the header as it is', async () => {
    const { headers } = await study.staff.get(pathOf(study, file, current))
    expect(headers.get('Content-Disposition')).toBe(
      `attachment; filename*=UTF-8''${versionIdOf(current.number)}_gr%C3%B6%C3%9Fe%20%221%22/%28a%29.csv`,
    )
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-length': String(HELLO.length),
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'accept-ranges': 'bytes',
      etag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
    })
    const before = await study.staff.get(pathOf(study, file, older))
    expect(before.headers.get('Content-Disposition')).toBe(
      `attachment; filename*=UTF-8''${versionIdOf(older.number)}_old%20name.csv`,
    )
  })

  test('in part, or not at all where the caller has it, and HEAD tells of it alone', async () => {
    const path = pathOf(study, file)
    const part = await study.staff.get(path, { Range: 'bytes=6-' })
    expect([...told(part), part.headers.get('Content-Range')]).toEqual([206, 'world', 'bytes 6-10/11'])
    const none = await study.staff.get(path, { Range: 'bytes=11-' })
    expect([none.status, none.headers.get('Content-Range')]).toEqual([416, 'bytes */11'])
    const head = await study.staff.head(path)
    expect([...told(head), head.headers.get('Content-Length')]).toEqual([200, '', '11'])
    const etag = head.headers.get('ETag') ?? ''
    expect((await study.staff.get(path, { 'If-None-Match': etag })).status).toBe(304)
    expect((await study.staff.get(path, { Range: 'bytes=0-0', 'If-Range': '"another"' })).status).toBe(200)
  })

  test('by anyone where everyone may read it, whatever they show besides', async () => {
    for (const caller of [anonymous, as('nonsense'), other.staff, as(`crl_${study.number}_${'A'.repeat(43)}`)]) {
      expect(told(await caller.get(pathOf(study, publicFile)))).toEqual([200, HELLO])
    }
  })

  test('in one trip that reads no more than the caller, the file and its study', async () => {
    const named = { file: pathOf(study, file), version: pathOf(study, file, older) }
    ok(await study.download.get(named.file))
    const latest = await costOf(study.download, async (caller) => caller.get(named.file))
    expect(latest.answer.status).toBe(200)
    expect(latest.cost).toMatchObject({ trips: 1, r2: ['get'], kv: [] })
    expect(latest.cost.rows).toBeLessThanOrEqual(4)
    const version = await costOf(study.download, async (caller) => caller.get(named.version))
    expect(version.cost).toMatchObject({ trips: 1, r2: ['get'], kv: [] })
    expect(version.cost.rows).toBeLessThanOrEqual(6)
  })

  test('and that is on record, by whom; a look at it is not', async () => {
    const { JOBS, bring } = aQueue()
    const key = await aKey(study, { role: 'staff' })
    const staff = within({ JOBS }, key)
    const events = await recorded(study, async () => {
      await staff.head(pathOf(study, file))
      await staff.get(pathOf(study, file, older))
      await bring()
    })
    expect(events).toMatchObject([
      {
        action: 'file.read',
        outcome: 'done',
        door: 'kidsfirst',
        actor: `key:${key.id}`,
        through: key.id,
        subject: null,
      },
    ])
  })
})

describe('a caller who shows nothing good', () => {
  const strangers = async (): Promise<[string, Caller | undefined, Record<string, string>][]> => {
    const { id, ...revoked } = await aKey(study, { role: 'admin' })
    ok(await study.admin.delete(`${study.path}/keys/${id}`))
    return [
      ['nothing', anonymous, {}],
      ['an empty header', undefined, { Authorization: '' }],
      ['no bearer', undefined, { Authorization: 'Basic dTpw' }],
      ['nonsense', as('nonsense'), {}],
      ['an unsigned JWT', as(`${await aToken('kim')}x`), {}],
      ['a JWT of nobody here', as(await aToken('kim')), {}],
      ['a key that is none', as(`crl_${study.number}_${'A'.repeat(43)}`), {}],
      ['a revoked key', revoked, {}],
      ["another study's key", other.admin, {}],
      ['a participant of the study', await aParticipant(other), {}],
      ['a token that is none', anonymous, { Authorization: `Token ${'A'.repeat(27)}` }],
    ]
  }

  test('is told the same of what is there, what is not, and what could not be', async () => {
    const paths = [
      pathOf(study, file),
      pathOf(study, file, older),
      pathOf(study, file, { number: 1 }),
      pathOf(study, { number: file.number + 1_000_000 }),
      pathOf(study, otherFile),
      pathOf({ id: 'nowhere' }, file),
      `/download/study/${study.id}/file/SF_nothing`,
      `/download/study/${study.id}/file/${fileIdOf(file.number).toLowerCase()}`,
      `/download/study/%2F/file/${fileIdOf(file.number)}`,
      `${pathOf(study, file)}?token=${'A'.repeat(27)}`,
      `${pathOf(study, file)}?token=crl_0_${'A'.repeat(43)}`,
    ]
    for (const [index, [who, caller = anonymous, headers]] of (await strangers()).entries()) {
      // Each at some of them, nobody at all of them.
      for (const path of index === 0 ? paths : [paths[0], paths[index], paths.at(-index)]) {
        if (path === undefined) throw new Error('there are fewer paths than callers')
        const answer = await caller.get(path, headers)
        expect(told(answer), `${who} at ${path}`).toEqual(NOT_AUTHORIZED)
        expect(answer.headers.get('WWW-Authenticate')).toBeNull()
        expect(answer.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
      }
    }
  })
})

describe('the team is told', () => {
  test('what there is not, in the words for it', async () => {
    const cases = [
      [pathOf(study, { number: file.number + 1_000_000 }), NO_FILE],
      [`/download/study/${study.id}/file/SF_nothing`, NO_FILE],
      [`/download/study/${study.id}/file/${fileIdOf(file.number).toLowerCase()}`, NO_FILE],
      [`/download/study/${study.id}/file/${versionIdOf(file.number)}`, NO_FILE],
      // Whether or not there is one: none of them is here.
      [pathOf(study, otherFile), NOT_IN_STUDY],
      [pathOf(study, { number: otherFile.number + 1_000_000 }), NOT_IN_STUDY],
      [pathOf(study, file, { number: current.number + 1_000_000 }), NO_VERSION],
      [pathOf(study, file, publicFile), NO_VERSION],
      [`${pathOf(study, file)}/version/FV_nothing`, NO_VERSION],
      [pathOf(study, privateFile), NO_FILE],
    ] as const
    for (const [path, words] of cases) expect(told(await study.staff.get(path)), path).toEqual(words)
  })

  test('that they may not, where they know of a file and may not read it', async () => {
    const { JOBS, bring } = aQueue()
    const events = await recorded(study, async () => {
      for (const caller of [study.admin, anonymous])
        expect(told(await within({ JOBS }, caller).get(pathOf(study, privateFile)))).toEqual(NOT_AUTHORIZED)
      await bring()
    })
    expect(events).toMatchObject([{ action: 'access.deny', outcome: 'denied', door: 'kidsfirst' }])
    const { file: pending } = await begin(study.staff, study, { participant: null })
    expect(told(await study.staff.get(pathOf(study, pending)))).toEqual([404, 'Problem finding the file'])
  })

  test('of no file where nobody has made one of what came', async () => {
    const draft = await aDraft(study)
    expect(told(await study.admin.get(pathOf(study, draft.file)))).toEqual(NO_FILE)
    expect(told(await study.admin.get(pathOf(study, draft.file, { number: draft.version })))).toEqual(NO_FILE)
  })

  test('when storage has lost a file, and when it is out of reach', async () => {
    const lost = await aFile(study.staff, study, { participant: null })
    const gone = overriding(env.BUCKET, { get: async () => null })
    expect(told(await within({ BUCKET: gone }, study.staff).get(pathOf(study, lost)))).toEqual([
      404,
      'Problem finding the file',
    ])
    const failing = overriding(env.BUCKET, { get: async () => Promise.reject(new Error('out of reach')) })
    const answer = await within({ BUCKET: failing }, study.staff).get(pathOf(study, lost))
    expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '2'])
  })
})

describe('a browser app', () => {
  test('of any origin may download with a token, and read what the file is called', async () => {
    const Origin = 'https://tracker.example.org'
    const preflight = await anonymous.options(pathOf(study, file), {
      Origin,
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'authorization,token',
    })
    expect([preflight.status, preflight.headers.get('Access-Control-Allow-Origin')]).toEqual([204, '*'])
    expect(preflight.headers.get('Access-Control-Allow-Headers')?.split(',')).toEqual(['authorization', 'token'])
    for (const caller of [study.staff, anonymous]) {
      const { headers } = await caller.get(pathOf(study, file), { Origin })
      expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
      expect(headers.get('Access-Control-Expose-Headers')?.split(',')).toContain('Content-Disposition')
    }
  })

  test('may send queries to the root, of which only that is not native', async () => {
    const { headers } = await anonymous.options('/', {
      Origin: 'https://tracker.example.org',
      'Access-Control-Request-Method': 'POST',
    })
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
    const page = await anonymous.get('/')
    expect([page.status, page.headers.get('Content-Security-Policy')]).toEqual([200, expect.any(String)])
    expect(page.text).toContain('Carrel')
  })
})

test.each([
  ['GET', '/extract_config/study/SD_00000000/file/SF_00000000', 404, 'There is nothing at this path.'],
  ['GET', '/logs/1', 404, 'There is nothing at this path.'],
  ['GET', '/download/templates', 404, 'There is nothing at this path.'],
  ['GET', '/download/data_review/1/validation/report', 404, 'There is nothing at this path.'],
  ['POST', '/download/study/SD_00000000/file/SF_00000000', 405, 'Method POST not allowed.'],
  ['GET', '/health_check', 200, 'ok'],
] as const)('%s %s is answered with %i', async (method, path, status, text) => {
  expect(told(await (method === 'GET' ? anonymous.get(path) : anonymous.post(path)))).toEqual([status, text])
})

test('no token is in the log, wherever it was put', async () => {
  const printed = vi.spyOn(console, 'log')
  const secret = study.download.key ?? ''
  await anonymous.get(`${pathOf(study, file)}?token=${secret}`)
  await anonymous.get(pathOf(study, file), { Authorization: `Token ${secret}` })
  const lines = printed.mock.calls.map((call) => call.map(String).join(' '))
  printed.mockRestore()
  expect(lines.map((line) => (JSON.parse(line) as { route: string }).route)).toEqual(
    Array.from({ length: 2 }, () => '/download/study/:study/file/:file'),
  )
  for (const part of [secret, study.id, fileIdOf(file.number)]) expect(lines.join()).not.toContain(part)
})
