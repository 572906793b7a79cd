// What the commands print, for people and for programs, and what they exit with.

import { readFile, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { aHome, linesOf, signedIn } from './support/runs.ts'

const carrel = await sharedCarrel()

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study, { externalId: 'PT-001' })
})
const as = async (caller: { key?: string | undefined }) => signedIn(caller, study, carrel.origin)
const mine = async () => as(participant)

describe('files', () => {
  test('are listed and found, as a table or as a line of JSON each', async () => {
    const home = await mine()
    const file = await carrel.aFile(participant, study, { name: 'gait one.txt', category: 'gait', title: 'Walking' })
    await carrel.aFile(participant, study, { name: 'other.txt', category: 'other' })
    const table = await home.run(['ls', '--category', 'gait'])
    const [heading, line, ...more] = table.out.trimEnd().split('\n')
    expect(heading).toMatch(/^ID +UPLOADED +SIZE +VISIBILITY +CATEGORY +NAME$/)
    expect([line, more]).toEqual([
      expect.stringMatching(new RegExp(`^${file.id} .* 11 B +private +gait +gait one.txt$`)),
      [],
    ])
    expect(linesOf(await home.run(['find', 'walk', '--json']))).toEqual([file])
    expect(linesOf(await home.run(['ls', '--limit', '1', '--json']))).toHaveLength(1)
    expect((await home.run(['ls', '--pending'])).out).toBe('')
  })

  test('are deleted when it is meant, and what is not there keeps none of the others', async () => {
    const home = await mine()
    const [one, other] = [await carrel.aFile(participant, study), await carrel.aFile(participant, study)]
    expect(await home.run(['rm', one.id])).toMatchObject({ exit: 2, err: expect.stringContaining('--yes') })
    expect((await home.run(['rm', one.id], { isTerminal: true, stdin: 'n\r' })).exit).toBe(1)
    expect((await participant.get(`${study.path}/files/${one.id}`)).status).toBe(200)
    const asked = await home.run(['rm', one.id], { isTerminal: true, stdin: 'y\r' })
    expect(asked).toMatchObject({ exit: 0, out: expect.stringContaining(one.id) })
    const gone = await home.run(['rm', one.id, other.id, '--yes', '--json'])
    expect([gone.exit, linesOf(gone)]).toEqual([4, [{ id: other.id, name: 'hello.txt' }]])
    expect(JSON.parse(gone.err)).toMatchObject({ code: 'file_not_found', about: one.id })
    // A handle that leads up would be everything of a participant.
    for (const name of ['..', '.']) expect((await home.run(['rm', name, '--yes'])).exit).not.toBe(0)
    expect((await participant.get(`${study.path}/participants/me`)).status).toBe(200)
  })

  test('are linked to, once, by a URL and a QR code', async () => {
    const home = await mine()
    const { id } = await carrel.aFile(participant, study)
    const plain = await home.run(['link', id, '--seconds', '600', '--confirm', '--delivery', 'stream'])
    expect(plain.err).toMatch(/^It works once, until 20\S+Z\.\n$/)
    const url = plain.out.trim()
    expect(url).toMatch(/^http\S+\/d\/\S+$/)
    const qr = await home.run(['link', id, '--qr', '--json'])
    expect(qr.err).toMatch(/^[ █▀▄\n]{200,}$/)
    expect(linesOf(qr)).toMatchObject([{ confirm: false, delivery: 'redirect' }])
    expect((await home.run(['link', id], { isTerminal: true })).err).toContain('▀')
    expect((await home.run(['link', id, '--no-qr'], { isTerminal: true })).err).not.toContain('▀')
    expect(await (await fetch(url, { headers: { Accept: '*/*' } })).text()).toBe('hello world')
    expect((await fetch(url, { headers: { Accept: '*/*' } })).status).toBe(410)
  })
})

describe('documents', () => {
  test('come back as they were put, whatever their numbers', async () => {
    const home = await mine()
    const text = '{"long": 12345678901234567890, "exact": 1.50}'
    await writeFile(home.path('value.json'), text)
    expect((await home.run(['doc', 'put', 'odd/one', 'value.json'])).exit).toBe(0)
    expect((await home.run(['doc', 'get', 'odd/one'])).out).toBe(`${text}\n`)
    const [told] = linesOf(await home.run(['doc', 'put', 'prefs', '--new', '--json'], { stdin: '{"theme":"dark"}' }))
    expect(linesOf(await home.run(['doc', 'ls', '--prefix', 'p', '--json']))).toEqual([told])
    expect((await home.run(['doc', 'put', 'prefs', '--new'], { stdin: '1' })).exit).toBe(5)
    const args = ['doc', 'put', 'prefs', '--if-match', told.etag]
    expect([(await home.run(args, { stdin: '1' })).exit, (await home.run(args, { stdin: '2' })).exit]).toEqual([0, 5])
    expect((await home.run(['doc', 'put', 'prefs'], { stdin: 'calm' })).exit).toBe(2)
    expect((await home.run(['doc', 'get', '..'])).exit).toBe(7)
  })

  test('do nothing to a terminal', async () => {
    const home = await mine()
    await home.run(['doc', 'put', 'hostile'], { stdin: JSON.stringify({ 'a\u009b31m': '\u202etxt' }) })
    const { out } = await home.run(['doc', 'get', 'hostile'], { isTerminal: true })
    expect(out).toBe('{"a\\u009b31m":"\\u202etxt"}\n')
  })
})

test('reports are added to and drawn', async () => {
  const home = await mine()
  for (const [day, steps] of [
    ['20', 1_000],
    ['21', 12_345],
    ['22', 4_000],
  ] as const) {
    const stdin = JSON.stringify({ mood: 'calm', steps, heart: 60 })
    expect((await home.run(['report', 'add', 'steps', '--at', `2026-11-${day}`], { stdin })).exit).toBe(0)
  }
  const drawn = await home.run(['report', 'get', 'steps', '--from', '2026-11-01', '--until', '2026-11-30'])
  expect(drawn.out.split('\n')[0]).toBe('▁█▃  1000 to 12345')
  expect(drawn.out).toContain('2026-11-21  {"mood":"calm","steps":12345,"heart":60}')
  expect((await home.run(['report', 'get', 'steps', '--field', 'heart'])).out).toMatch(/^▄▄▄ {2}60 to 60\n/)
  expect(linesOf(await home.run(['report', 'get', 'steps', '--json', '--limit', '1']))).toMatchObject([
    { at: '2026-11-20', data: { steps: 1_000 } },
  ])
  expect(linesOf(await home.run(['report', 'ls', '--json']))).toMatchObject([{ identifier: 'steps', entries: 3 }])
  await home.run(['report', 'add', 'today', '7'])
  expect((await home.run(['report', 'get', 'today'])).out).toMatch(/^▄ {2}7 to 7\n/)
  expect((await home.run(['report', 'get', 'none'])).exit).toBe(4)
})

test('reports of the study are its own', async () => {
  const home = await as(study.worker)
  expect((await home.run(['report', 'add', 'weather', '21.5', '--of-study', '--at', '2026-11-21'])).exit).toBe(0)
  expect((await home.run(['report', 'get', 'weather', '--of-study'])).out).toContain('21.5')
  expect(linesOf(await home.run(['report', 'ls', '--of-study', '--json']))).toMatchObject([{ identifier: 'weather' }])
})

test('participants are enrolled, listed, shown and withdrawn', async () => {
  const home = await as(study.admin)
  const [ada] = linesOf(
    await home.run(['participants', 'enrol', '--external-id', 'PT-077', '--label', 'pilot', '--json']),
  )
  expect(ada).toMatchObject({ externalId: 'PT-077', labels: ['pilot'], status: 'active' })
  expect((await home.run(['participants', '--external-id', 'PT-077'])).out).toMatch(
    new RegExp(`^ID .*\n${ada.id} .*pilot`),
  )
  expect((await home.run(['participants', 'withdraw', ada.id])).out).toContain('withdrawn')
  expect(linesOf(await home.run(['participants', 'show', ada.id, '--json']))).toMatchObject([{ status: 'withdrawn' }])
  expect((await home.run(['participants', 'enrol', '--external-id', 'PT-077'])).exit).toBe(5)
})

describe('keys', () => {
  test('are issued for a profile without being shown, and revoked', async () => {
    const home = await as(study.admin)
    const saved = await home.run(['keys', 'issue', 'staff', 'A tablet', '--save', 'tablet', '--json'])
    const [{ id }] = linesOf(saved)
    const { key } = JSON.parse(await readFile(home.path('.config/carrel/profiles/tablet.json'), 'utf8'))
    expect(key).toMatch(/^crl_/)
    expect(saved.out).not.toContain(key)
    expect((await home.run(['keys', 'show', '--profile', 'tablet'])).out).toContain('A tablet')
    const [shown] = linesOf(await home.run(['keys', 'issue', 'download', 'A script', '--json']))
    expect(shown.secret).toMatch(/^crl_/)
    expect((await home.run(['keys', 'revoke', id, '--yes'])).out).toContain('revokedAt')
    expect((await home.run(['ls', '--profile', 'tablet'])).exit).toBe(3)
    expect((await home.run(['keys'])).out).toContain('A tablet')
  })

  test('are rotated in their profile, where the new one is', async () => {
    const home = await as(await carrel.aKey(study, { role: 'staff' }))
    const before = await home.keptIn('.config')
    const rotated = await home.run(['keys', 'rotate', '--grace-seconds', '0'])
    expect([rotated.exit, rotated.out]).toEqual([0, expect.stringContaining('default')])
    expect(rotated.out).not.toContain('crl_')
    expect(await home.keptIn('.config')).not.toEqual(before)
    expect((await home.run(['keys', 'show'])).exit).toBe(0)
  })
})

describe('erase', () => {
  test('asks for the id, and answers with the receipt', async () => {
    const home = await as(study.admin)
    const { id } = await carrel.aParticipant(study)
    expect((await home.run(['erase', id])).exit).toBe(2)
    expect((await home.run(['erase', id, '--yes', participant.id])).exit).toBe(2)
    expect((await home.run(['erase', id], { isTerminal: true, stdin: 'yes\r' })).exit).toBe(1)
    expect((await home.run(['participants', 'show', id])).exit).toBe(0)
    const [receipt] = linesOf(await home.run(['erase', id, '--json', '--yes', id]))
    expect(receipt.id).toMatch(/^era_/)
    expect((await home.run(['receipt', receipt.id])).out).toMatch(/state +(erasing|deleting|done)/)
    expect((await home.run(['erase', '..', '--yes', '..'])).exit).not.toBe(0)
  })

  test("of oneself is meant by one's own id, typed", async () => {
    const leaving = await carrel.aParticipant(study)
    const home = await as(leaving)
    const { exit, err } = await home.run(['erase', 'me'], { isTerminal: true, stdin: `${leaving.id}\r` })
    expect([exit, err]).toEqual([0, expect.stringContaining(leaving.id)])
    expect((await home.run(['ls'])).exit).toBe(3)
  })
})

test('the audit is told to admins, and to participants in words', async () => {
  await carrel.aFile(participant, study)
  const admin = await as(study.admin)
  const events = linesOf(
    await admin.run(['audit', '--participant', participant.id, '--action', 'file.begin', '--json']),
  )
  expect(new Set(events.map(({ action }) => action))).toEqual(new Set(['file.begin']))
  expect((await admin.run(['audit', '--limit', '2'])).out.trimEnd().split('\n')).toHaveLength(3)
  const home = await mine()
  expect((await home.run(['audit', 'me'])).out).toMatch(/\d+Z {2}You /)
  expect((await home.run(['audit'])).exit).toBe(3)
})

describe('exit codes', () => {
  test.each([
    ['nothing to do', [], 2],
    ['no such command', ['nope'], 2],
    ['no such option', ['ls', '--nope'], 2],
    ['no such choice', ['put', 'x', '--visibility', 'all'], 2],
    ['no number', ['ls', '--limit', 'many'], 2],
    ['no such file here', ['put', 'none.txt'], 2],
    ['no such file there', ['get', 'fil_01k9z3m8qe5w7v2n4h6j8k0r2t'], 4],
    ["not one's place", ['keys', 'issue', 'admin', 'Mine'], 3],
    ['not as the service has it', ['ls', '--after', 'yesterday'], 7],
    ['help', ['put', '--help'], 0],
    ['version', ['--version'], 0],
  ])('%s', async (_why, args, exit) => {
    const home = await mine()
    expect(await home.run(args)).toMatchObject({ exit })
  })

  test('nobody there, and nobody signed in', async () => {
    const home = await aHome()
    const env = { CARREL_URL: 'http://127.0.0.1:9', CARREL_STUDY: 'SD_DEM0DEM0', CARREL_KEY: 'x' }
    const { exit, err } = await home.run(['ls', '--json'], { env })
    expect([exit, JSON.parse(err)]).toEqual([6, expect.objectContaining({ code: 'network', exit: 6 })])
    expect(await home.run(['ls'])).toMatchObject({ exit: 3, err: expect.stringContaining('carrel login') })
  })

  test('what is wrong is told to programs in JSON too', async () => {
    const home = await aHome()
    expect(JSON.parse((await home.run(['ls', '--nope', '--json'])).err)).toMatchObject({ code: 'usage', exit: 2 })
  })

  test('whoever is waited for does not keep it from stopping', async () => {
    const home = await mine()
    const stop = new AbortController()
    const waiting = home.run(['doc', 'put', 'never'], { isTerminal: true, signal: stop.signal })
    stop.abort(143)
    expect(await waiting).toMatchObject({ exit: 143, out: '', err: 'carrel: Stopped.\n' })
  })

  test('whoever reads has read enough', async () => {
    const home = await mine()
    await home.run(['doc', 'put', 'long'], { stdin: JSON.stringify('x'.repeat(900_000)) })
    const { child, ended } = home.spawned(['doc', 'get', 'long'])
    child.stdout.once('data', () => child.stdout.destroy())
    expect(await ended).toMatchObject({ exit: 141, err: '' })
  })
})

test('no key is in anything that any of them prints', async () => {
  const home = await as(study.admin)
  const said = await Promise.all(
    [['keys', '--json'], ['keys', 'show'], ['audit', '--json'], ['participants', '--json'], ['nope'], ['ls']].map(
      async (args) => home.run(args),
    ),
  )
  const { key = '' } = study.admin
  expect(key.length).toBeGreaterThan(20)
  expect(said.map(({ out, err }) => out + err).join('')).not.toContain(key)
  expect(ok(await study.admin.get(`${study.path}/keys`)).items.length).toBeGreaterThan(1)
})
