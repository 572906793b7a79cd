// The start script as a developer meets it, and its tour in a real shell.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readRecord } from '../../src/local/demo-record.ts'
import { triggerCron } from '../../src/local/cron.ts'
import { freePort } from '../support/free-port.ts'
import { isUp, type Started, startsIn } from './support/start.ts'

// Each start takes seconds of both cores: what is about starting again and again is in `npm run test:slow`.
const slow = process.env['CARREL_SLOW'] === '1'

let root: string
let port: number
let first: Started
let carrel: ReturnType<typeof startsIn>

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'carrel-start-'))
  carrel = startsIn(root)
  port = await freePort()
  first = await carrel.startCarrel(port)
}, 60_000)

afterAll(async () => {
  await carrel.stopAll()
  await rm(root, { recursive: true })
})

const home = () => join(root, 'home')
const record = () => join(root, 'state', 'demo.json')

test('the record holds keys of every role, and only its owner can read it', async () => {
  const copy = join(home(), '.carrel/demo.json')
  const demo = await theDemo()
  expect(demo).toMatchObject({ url: `http://127.0.0.1:${port}`, study: 'SD_DEM0DEM0' })
  expect(demo.participants.map(({ externalId }) => externalId)).toEqual(['PT-001', 'PT-002'])
  expect(await readRecord(copy)).toEqual(demo)
  for (const path of [record(), copy, join(home(), '.dev.vars')]) expect((await stat(path)).mode & 0o777).toBe(0o600)

  const files = `${demo.url}/v1/studies/${demo.study}/files`
  for (const key of [demo.adminKey, demo.workerKey, demo.staffKey, demo.participants[0].key]) {
    expect(await namesOf(files, key)).toEqual(['welcome.txt'])
  }
  expect(await namesOf(files, demo.participants[1].key)).toEqual([])
  expect((await fetch(files, { headers: bearer(demo.downloadKey) })).status).not.toBe(401)
  expect((await fetch(files, { headers: bearer('crl_none') })).status).toBe(401)
})

test("the laptop's own names are the HAT of the first participant", async () => {
  const { participants } = await theDemo()
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`]) {
    const found = await fetch(`http://${host}/api/v2.6/files/search`, {
      method: 'POST',
      headers: { 'X-Auth-Token': participants[0].key, 'Content-Type': 'application/json' },
      body: JSON.stringify({ name: 'welcome.txt', source: '' }),
    })
    expect(await found.json()).toMatchObject([{ name: 'welcome.txt', status: { status: 'Completed' } }])
  }
})

test('the printed lines, pasted one after the other, do what they promise', async () => {
  const page = first.printed().slice(first.printed().indexOf('Try this'))
  const commands = page.split('\n').filter((line) => /^[a-z]+[ (=]/.test(line))
  const printed = await paste(commands)
  const [begun, sent, completed, listed, link, used, refused] = printed.slice(3)
  expect(JSON.parse(begun ?? '')).toMatchObject({ file: { name: 'diary.txt' }, upload: { kind: 'single' } })
  expect(sent?.trim()).toBe('200')
  expect(JSON.parse(completed ?? '')).toMatchObject({ name: 'diary.txt', version: { size: 11 } })
  expect(listed).toMatch(/ diary\.txt$/m)
  expect(link?.trim()).toMatch(new RegExp(`^http://127\\.0\\.0\\.1:${port}/d/\\S+$`))
  expect(used).toBe('Slept well.\n200\n')
  expect(refused).toContain('download_token_used')
  expect(refused).toMatch(/\n410\n$/)

  const [, document, report, week, , grant, shared, revoked, unshared, found, exported] = printed.slice(10)
  expect(document).toBe('{"theme":"dark"}\n')
  expect(JSON.parse(report ?? '')).toMatchObject({ identifier: 'sleep', entries: 7, last: '2026-11-22' })
  expect(week).toContain('mean: 7.5')
  expect(JSON.parse(grant ?? '')).toMatchObject({ level: 'content' })
  expect(shared).toBe('diary.txt content\n')
  expect(revoked).toBe('204\n')
  expect(unshared).toBe('0\n')
  expect(found).toMatch(/^fil_\w+ diary\.txt\n$/)
  for (const each of ['diary.txt', 'welcome.txt', 'preferences', 'sleep']) expect(exported).toContain(each)

  const [receipt, polled, ended] = printed.slice(21)
  const { id } = JSON.parse(receipt ?? '')
  expect(JSON.parse(polled ?? '')).toMatchObject({ id, kind: 'participant' })
  expect(ended).toBe('401\n')
})

test('what the tour has erased is on no list after the next runs of the cron', async () => {
  const { url, study, adminKey } = await theDemo()
  const filesLeft = async () => {
    await triggerCron(url, AbortSignal.timeout(10_000))
    return (await namesOf(`${url}/v1/studies/${study}/files`, adminKey)).length
  }
  await expect.poll(filesLeft, { timeout: 20_000 }).toBe(0)
})

test('the cron trigger reaches the Worker', async () => {
  const { url } = await theDemo()
  await expect(triggerCron(url, AbortSignal.timeout(10_000))).resolves.toBeUndefined()
})

test('the log has a line per request, and none with a link or a key in it', async () => {
  const log = await readFile(join(root, 'state', 'carrel.log'), 'utf8')
  expect(log).toContain('{"')
  expect(log).not.toMatch(/\/d\/\w{16}|crl_SD_DEM0DEM0_|X-Amz-Signature/)
})

test('a port that is taken is refused with advice, and nothing is started', async () => {
  const { child, printed } = carrel.spawnCarrel(port, 'other')
  expect(await carrel.exitOf(child)).toBe(1)
  expect(printed()).toContain(`choose another: npm start -- --port ${port + 1}`)
})

test.runIf(slow)(
  'a second instance runs beside the first with its own state, while the first is stopped',
  async () => {
    const before = await theDemo()
    const second = await carrel.startCarrel(await freePort(), 'other')
    const other = await readRecord(join(root, 'other', 'demo.json'))
    expect(other?.adminKey).not.toBe(before.adminKey)
    expect(other?.operatorKey).toBe(before.operatorKey)

    expect(await carrel.stop(first.child)).toBe(0)
    await expect(fetch(`${before.url}/health`)).rejects.toThrow('fetch failed')
    expect((await fetch(`http://127.0.0.1:${second.port}/health`)).status).toBe(200)
    expect(await carrel.stop(second.child)).toBe(0)
  },
  60_000,
)

test.runIf(slow)(
  'the next start keeps the keys that work, and without its record issues others for the same people',
  async () => {
    // The tour ended with the erasure of the first participant, who is enrolled anew.
    const { participants: toured, ...others } = await theDemo()
    const again = await carrel.startCarrel(port)
    const before = await theDemo()
    expect(before).toMatchObject({ ...others, participants: [{ externalId: 'PT-001' }, toured[1]] })
    expect(before.participants[0].id).not.toBe(toured[0].id)
    await carrel.stop(again.child)

    await rm(record())
    await carrel.startCarrel(port)
    const after = await theDemo()
    expect(after.participants.map(({ id }) => id)).toEqual(before.participants.map(({ id }) => id))
    expect(after.participants[0].key).not.toBe(before.participants[0].key)
    const files = `${after.url}/v1/studies/${after.study}/files`
    expect(await namesOf(files, after.participants[0].key)).toEqual(['welcome.txt'])
  },
  60_000,
)

test.runIf(slow)(
  'whatever ends the start script, what it has started ends too',
  async () => {
    const killed = await carrel.startCarrel(await freePort(), 'other')
    killed.child.kill('SIGKILL')
    await carrel.exitOf(killed.child)
    await expectSilence(killed.port)

    const viaNpm = carrel.spawnCarrel(await freePort(), 'other', 'npm')
    await isUp(viaNpm)
    await carrel.stop(viaNpm.child)
    await expectSilence(viaNpm.port)
  },
  60_000,
)

async function theDemo() {
  const demo = await readRecord(record())
  if (demo === undefined) throw new Error('There is no record.')
  return demo
}

async function expectSilence(onPort: number) {
  const isAnswered = () =>
    fetch(`http://127.0.0.1:${onPort}/health`).then(
      () => true,
      () => false,
    )
  await expect.poll(isAnswered, { timeout: 5000 }).toBe(false)
}

/** What each line printed, from one shell that reads them from its input as it would from a terminal. */
async function paste(lines: readonly string[]) {
  const end = '--- end of line ---'
  const shell = promisify(execFile)('bash', ['--noprofile', '--norc'], {
    env: { ...process.env, PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter) },
  })
  shell.child.stdin?.end(lines.map((line) => `${line}\necho '${end}'\n`).join(''))
  const { stdout, stderr } = await shell
  expect(stderr).toBe('')
  return stdout.split(`${end}\n`)
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

async function namesOf(files: string, key: string) {
  const answer = await fetch(files, { headers: bearer(key) })
  expect(answer.status).toBe(200)
  const page: { items: { name: string }[] } = JSON.parse(await answer.text())
  return page.items.map(({ name }) => name)
}
