// Files to the service and back, over links that are cut, and with names that are meant to do harm.

import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { bytesOf, hashOf, MIB } from '../support/bytes.ts'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { aLink, type Fate } from '../client/support/link.ts'
import { linesOf, renew, signedIn } from './support/runs.ts'

const carrel = await sharedCarrel()

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study)
})
const mine = async () => signedIn(participant, study, carrel.origin)
afterEach(() => void vi.restoreAllMocks())

/** However busy the machine is. */
const SOON = { timeout: 20_000 }

type File = { name: string; version: { mediaType: string } }
const numberOf = ({ number }: { number: number }) => number

/** From now on what is asked for is noted. */
function watched() {
  const sent = vi.spyOn(globalThis, 'fetch')
  return () =>
    sent.mock.calls.map(([url, init]) => ({
      method: init?.method ?? 'GET',
      url: new URL(url instanceof Request ? url.url : url),
      headers: new Headers(init?.headers),
    }))
}

describe('put', () => {
  test('sends files and folders by their names from there on, and says what became of them', async () => {
    const home = await mine()
    await mkdir(home.path('photos/june'), { recursive: true })
    await writeFile(home.path('photos/a.jpg'), 'a')
    await writeFile(home.path('photos/june/b.csv'), 'b,c\n')
    await writeFile(home.path('note.txt'), 'hello')
    await symlink('/etc/hostname', home.path('photos/elsewhere'))
    const args = ['put', 'photos', 'note.txt', '--category', 'diary', '--tag', 'one', '--tag', 'two', '--title', 'Mine']
    const put = await home.run(args)
    expect(put).toMatchObject({ exit: 0 })
    expect(put.err).toContain('note.txt: 5 B of 5 B\n')
    expect(put.err).toContain('neither a file nor a folder: ')
    const { items } = ok(await participant.get(`${study.path}/files?category=diary`))
    expect(items.map(({ name, version }: File) => [name, version.mediaType]).toSorted()).toEqual([
      ['note.txt', 'text/plain; charset=utf-8'],
      ['photos/a.jpg', 'image/jpeg'],
      ['photos/june/b.csv', 'text/csv; charset=utf-8'],
    ])
    expect(items[0]).toMatchObject({ tags: ['one', 'two'], title: 'Mine', participant: participant.id })
    expect(items[0].version).toMatchObject({ verified: 'read', sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
    // Nothing is kept of what is done.
    expect(await home.keptIn('.local/state')).toEqual([])
  })

  test('goes on after Ctrl-C with what has not arrived, by the same command', async () => {
    const home = await mine()
    const whole = bytesOf(3, 24 * MIB)
    await mkdir(home.path('scans'))
    await writeFile(home.path('scans/big.bin'), whole)
    await writeFile(home.path('scans/small.txt'), 'small')
    // Connections bring a part each, and then stall, until the link is well again.
    let isIll = true
    const link = await aLink(carrel.origin, () => (isIll ? { stallUpAt: 9 * MIB } : {}))
    const env = { CARREL_URL: link.origin, CARREL_KEY: participant.key ?? '' }
    const args = ['put', 'scans', '--source', 'scanner']
    const { child, ended } = home.spawned(args, { env })
    const isUnderWay = async () => {
      const kept = (await home.keptIn('.local/state')).map((text) => JSON.parse(text))
      return kept.some(({ upload }) => upload?.parts.length > 0) && kept.some(({ file }) => file !== undefined)
    }
    await expect.poll(isUnderWay, SOON).toBe(true)
    // From the terminal, and once more from npx.
    child.kill('SIGINT')
    child.kill('SIGINT')
    const stopped = await ended
    expect(stopped.exit).toBe(130)
    expect(stopped.err).toContain('1 of 2 are there. The same command goes on from here.')
    const state = (await home.keptIn('.local/state')).join('\n')
    expect(state).not.toMatch(/crl_|X-Amz|big\.bin/)
    const arrived = state.split('\n').flatMap((text) => (JSON.parse(text).upload?.parts ?? []).map(numberOf))
    expect(arrived.length).toBeGreaterThan(0)

    isIll = false
    renew(link)
    const sent = watched()
    const again = await home.run([...args, '--json'], { env })
    await link.stop()
    expect(again).toMatchObject({ exit: 0, err: '' })
    const parts = sent().flatMap(({ method, url }) =>
      method === 'PUT' ? (url.searchParams.get('partNumber') ?? []) : [],
    )
    // One may have arrived without the command's having heard of it: that one is sent no more, either.
    const sentTwice = [...arrived.map(String), ...parts].filter((part, at, all) => all.indexOf(part) !== at)
    expect(sentTwice).toEqual([])
    expect(parts.length).toBeGreaterThan(0)
    expect(linesOf(again).map(({ name, version }) => [name, version.sha256])).toEqual([
      ['scans/big.bin', hashOf('sha256', whole)],
      ['scans/small.txt', expect.any(String)],
    ])
    // What was there already is there once.
    const { items } = ok(await participant.get(`${study.path}/files?source=scanner`))
    expect(items).toHaveLength(2)
    expect(ok(await participant.get(`${study.path}/files?source=scanner&status=pending`)).items).toEqual([])
    expect(await home.keptIn('.local/state')).toEqual([])
  })

  test('replaces what has the same handle by a new version, and only that', async () => {
    const home = await mine()
    await mkdir(home.path('forms'))
    await writeFile(home.path('forms/consent.txt'), 'first')
    await home.run(['put', 'forms', '--by-path'])
    await writeFile(home.path('forms/consent.txt'), 'second')
    await writeFile(home.path('forms/new.txt'), 'new')
    const again = await home.run(['put', 'forms', '--by-path', '--json'])
    const [consent, fresh] = linesOf(again)
    expect([consent.handle, fresh.handle]).toEqual(['forms/consent.txt', 'forms/new.txt'])
    expect(ok(await participant.get(`${study.path}/files/${consent.id}/versions`)).items).toHaveLength(2)
    expect((await home.run(['get', 'forms/consent.txt', '-'])).out).toBe('second')
    const one = await home.run(['put', 'forms/new.txt', '--handle', 'chosen', '--json'])
    expect(linesOf(one)[0].handle).toBe('chosen')
    expect((await home.run(['put', 'forms', '--handle', 'chosen'])).exit).toBe(2)
    expect((await home.run(['put', 'forms', '--by-path', '--of-study'])).exit).toBe(2)
  })

  test('sends the rest when something of it is refused, and nothing of it again', async () => {
    const home = await mine()
    await mkdir(home.path('mixed'))
    await writeFile(home.path('mixed/bad\u0007.txt'), 'x')
    await writeFile(home.path('mixed/good.txt'), 'y')
    const args = ['put', 'mixed', '--source', 'mixed', '--json']
    const [first, second] = [await home.run(args), await home.run(args)]
    expect([first.exit, second.exit]).toEqual([7, 7])
    expect(linesOf(first).map(({ name }) => name)).toEqual(['mixed/good.txt'])
    expect(linesOf(second)).toEqual(linesOf(first))
    expect(JSON.parse(first.err)).toMatchObject({ code: 'invalid_body', about: 'mixed/bad\u0007.txt', exit: 7 })
  })

  test('begins once, though its first answers were lost, and anew when what it had begun is gone', async () => {
    const home = await mine()
    await writeFile(home.path('scan.bin'), bytesOf(1, 100_000))
    let fate: Fate = { cutDownAt: 1 }
    const link = await aLink(carrel.origin, () => fate)
    const env = { CARREL_URL: link.origin, CARREL_KEY: participant.key ?? '' }
    const args = ['put', 'scan.bin', '--source', 'lost', '--json']
    expect((await home.run(args, { env })).exit).toBe(6)
    // Its bytes do not get through.
    fate = { stallUpAt: 20_000 }
    const stop = new AbortController()
    const stalled = home.run(args, { env, signal: stop.signal })
    const begun = async () => (await home.keptIn('.local/state')).map((text) => JSON.parse(text).upload?.file)
    await expect.poll(async () => (await begun())[0], SOON).toBeDefined()
    stop.abort(143)
    expect((await stalled).exit).toBe(143)
    const pending = ok(await participant.get(`${study.path}/files?source=lost&status=pending`)).items
    expect(pending.map(({ id }: { id: string }) => id)).toEqual(await begun())

    await participant.delete(`${study.path}/files/${pending[0].id}`)
    fate = {}
    renew(link)
    const [file] = linesOf(await home.run(args, { env }))
    await link.stop()
    expect(file.version.size).toBe(100_000)
    expect(file.id).not.toBe(pending[0].id)
    for (const status of ['pending', 'complete']) {
      const { items } = ok(await participant.get(`${study.path}/files?source=lost&status=${status}`))
      expect(items).toHaveLength(status === 'pending' ? 0 : 1)
    }
  })

  test('sends what is there now, though it looks like what was begun', async () => {
    const home = await mine()
    const path = home.path('scan.bin')
    const at = new Date('2026-01-01')
    await writeFile(path, bytesOf(1, 100_000))
    await utimes(path, at, at)
    let fate: Fate = { stallUpAt: 20_000 }
    const link = await aLink(carrel.origin, () => fate)
    const env = { CARREL_URL: link.origin, CARREL_KEY: participant.key ?? '' }
    const stop = new AbortController()
    const stalled = home.run(['put', 'scan.bin', '--json'], { env, signal: stop.signal })
    await expect.poll(async () => (await home.keptIn('.local/state')).join(''), SOON).toContain('"upload":{')
    stop.abort(130)
    await stalled
    await writeFile(path, bytesOf(2, 100_000))
    await utimes(path, at, at)
    fate = {}
    renew(link)
    const [file] = linesOf(await home.run(['put', 'scan.bin', '--json'], { env }))
    await link.stop()
    expect(file.version.sha256).toBe(hashOf('sha256', bytesOf(2, 100_000)))
  })

  test('shows a bar on a terminal', async () => {
    const home = await mine()
    await writeFile(home.path('note.txt'), 'hello')
    const link = await aLink(carrel.origin, () => ({ downMilliseconds: 150 }))
    const env = { CARREL_URL: link.origin, CARREL_KEY: participant.key ?? '' }
    const { err } = await home.run(['put', 'note.txt'], { isTerminal: true, env })
    await link.stop()
    expect(err).toMatch(/note\.txt\s+[█░▒ ]+ \d+% /)
    // The cursor is back.
    expect(err.lastIndexOf('\u001b[?25h')).toBeGreaterThan(err.lastIndexOf('\u001b[?25l'))
  })
})

describe('get', () => {
  const put = async (name: string, bytes: Uint8Array | string, more: object = {}) =>
    carrel.aFile(participant, study, { name, ...more }, bytes)

  test('saves under its name, says where, and replaces nothing unless it is told to', async () => {
    const home = await mine()
    const { id } = await put('a b.txt', 'hello')
    const got = await home.run(['get', id, '--json'])
    expect(linesOf(got)).toEqual([expect.objectContaining({ file: id, path: home.path('a b.txt'), size: 5 })])
    expect((await stat(home.path('a b.txt'))).mode & 0o777).toBe(0o600)
    await writeFile(home.path('a b.txt'), 'mine')
    expect(await home.run(['get', id])).toMatchObject({ exit: 5, err: expect.stringContaining('--force') })
    expect(await readFile(home.path('a b.txt'), 'utf8')).toBe('mine')
    expect((await home.run(['get', id, '--force'])).exit).toBe(0)
    expect(await readFile(home.path('a b.txt'), 'utf8')).toBe('hello')
    await mkdir(home.path('into'))
    await home.run(['get', id, 'into'])
    await home.run(['get', id, 'into/other.txt'])
    expect((await readdir(home.path('into'))).toSorted()).toEqual(['a b.txt', 'other.txt'])
    expect(await home.run(['get', id, '-'])).toMatchObject({ exit: 0, out: 'hello' })
    // Somebody else's bytes are not for the terminal to obey.
    expect(await home.run(['get', id, '-'], { isTerminal: true })).toMatchObject({ exit: 2, out: '' })
  })

  test('goes on after Ctrl-C from what is there, under no name but its own', async () => {
    const home = await mine()
    const whole = bytesOf(5, 3 * MIB)
    const { id } = await put('scan.bin', whole)
    let isIll = true
    const link = await aLink(carrel.origin, () => (isIll ? { stallDownAt: 2 * MIB } : {}))
    const env = { CARREL_URL: link.origin, CARREL_KEY: participant.key ?? '' }
    const stop = new AbortController()
    const first = home.run(['get', id], { env, signal: stop.signal })
    const part = async () => (await readdir(home.path())).find((name) => name.endsWith('.part')) ?? ''
    await expect.poll(async () => (await stat(home.path(await part()))).size, SOON).toBeGreaterThan(MIB)
    stop.abort(130)
    expect(await first).toMatchObject({ exit: 130, out: '' })
    expect(await readdir(home.path())).not.toContain('scan.bin')
    const { size } = await stat(home.path(await part()))

    isIll = false
    renew(link)
    const sent = watched()
    expect((await home.run(['get', id], { env })).exit).toBe(0)
    await link.stop()
    expect(sent().map(({ headers }) => headers.get('Range'))).toContain(`bytes=${size - 1}-`)
    expect(hashOf('sha256', await readFile(home.path('scan.bin')))).toBe(hashOf('sha256', whole))
    expect(await part()).toBe('')
  })

  test('throws away what is not what was uploaded', async () => {
    const home = await mine()
    const { id, version } = await put('scan.txt', 'hello', { sha256: hashOf('sha256', Buffer.from('hello')) })
    await writeFile(home.path(`scan.txt.${version.id}.part`), 'HE')
    expect(await home.run(['get', id])).toMatchObject({ exit: 1, err: expect.stringContaining('thrown away') })
    expect((await readdir(home.path())).filter((name) => name.startsWith('scan'))).toEqual([])
    expect((await home.run(['get', id])).exit).toBe(0)
  })

  test.each(['../../up.txt', '/etc/absolute', '..', '.bashrc', '-rf', 'a\\..\\b', '\u202egnp.exe', 'ü'.repeat(255)])(
    'a file called %j stays where it was wanted',
    async (name) => {
      const home = await mine()
      const { id } = await put(name, 'x')
      await mkdir(home.path('here'))
      const got = await home.run(['get', id, 'here', '--json'])
      expect(got.exit).toBe(0)
      const [saved, ...others] = await readdir(home.path('here'))
      expect(others).toEqual([])
      expect(linesOf(got)[0].path).toBe(home.path('here', saved ?? ''))
      expect(saved).toBe(basename(saved ?? ''))
      expect(saved).not.toMatch(/^[.-]|\p{Cf}/u)
      // What is listed acts on no terminal.
      for (const args of [['ls'], ['ls', '--json']])
        expect((await home.run(args)).out).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}]/u)
    },
  )
})
