// Who one is: keys come in unseen, are kept for one user alone, and go to no other place.

import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Participant, Study } from '../support/builders.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { aHome, linesOf, signedIn } from './support/runs.ts'

const carrel = await sharedCarrel()

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study)
})
const key = () => participant.key ?? ''
const PROFILE = '.config/carrel/profiles/default.json'

describe('login', () => {
  test('in a process of its own takes the key from a pipe, and neither shows it nor has it among its arguments', async () => {
    const home = await aHome()
    const { child, ended } = home.spawned(['login', '--url', carrel.origin, '--study', study.id], {
      stdin: `${key()}\n`,
    })
    const argv = child.spawnargs.join(' ')
    const { exit, out, err } = await ended
    expect([exit, err]).toEqual([0, ''])
    expect(out).toMatch(new RegExp(`role +participant\n.*participant +${participant.id}`, 's'))
    expect(out + argv).not.toContain(key())
    expect(JSON.parse(await readFile(home.path(PROFILE), 'utf8'))).toMatchObject({ study: study.id, key: key() })
    const modes = await Promise.all(
      ['.config/carrel', '.config/carrel/profiles', PROFILE].map(
        async (path) => (await stat(home.path(path))).mode & 0o777,
      ),
    )
    expect(modes).toEqual([0o700, 0o700, 0o600])
  })

  test('on a terminal asks, and shows nothing of what is typed for the key', async () => {
    const home = await aHome()
    const stdin = `${key()}\r`
    const { exit, out, err } = await home.run(['login', '--url', carrel.origin, '--study', study.id], {
      isTerminal: true,
      stdin,
    })
    expect([exit, err]).toEqual([0, '<raw>Key (not shown): <shown>\n'])
    expect(out).not.toContain(key())
    expect((await home.run(['keys', 'show', '--json'])).out).toContain(participant.keyId)
  })

  test('that is interrupted keeps nothing', async () => {
    const home = await aHome()
    const asked = await home.run(['login', '--url', carrel.origin], { isTerminal: true, stdin: '\u0003' })
    expect([asked.exit, await home.keptIn('.config')]).toEqual([130, []])
  })

  test('refuses a key among the arguments without repeating it', async () => {
    const home = await aHome()
    for (const args of [
      ['login', key()],
      ['--json', 'login', '--url', `https://x:${key()}@carrel.example.org`],
    ]) {
      const { exit, out, err } = await home.run(args)
      expect([exit, out]).toEqual([2, ''])
      expect(err).toContain('history of the shell')
      expect(err).not.toContain(key())
    }
  })

  test('keeps no key that lets nobody in, and sends none in the clear', async () => {
    const home = await aHome()
    const wrong = await home.run(['login', '--url', carrel.origin, '--study', study.id, '--json'], {
      stdin: `${key()}x`,
    })
    expect([wrong.exit, JSON.parse(wrong.err).code]).toEqual([3, 'unauthenticated'])
    const clear = await home.run(['login', '--url', 'http://carrel.example.org', '--study', study.id], { stdin: key() })
    expect([clear.exit, clear.err]).toEqual([2, expect.stringContaining('https:')])
    expect((await home.run(['login', '--url', carrel.origin], { stdin: key() })).exit).toBe(2)
    expect(await home.keptIn('.config')).toEqual([])
  })

  test('takes the keys of the demo study from where `npm start` wrote them', async () => {
    const home = await aHome()
    const [adminKey, workerKey] = [study.admin.key, study.worker.key]
    const [staffKey, downloadKey] = [study.staff.key, study.download.key]
    const participants = [{ key: key() }, { key: key() }]
    await mkdir(home.path('.carrel'))
    await writeFile(
      home.path('.carrel/demo.json'),
      JSON.stringify({ url: carrel.origin, study: study.id, adminKey, workerKey, staffKey, downloadKey, participants }),
    )
    const record = ['--record', '.carrel/demo.json', '--json']
    expect(linesOf(await home.run(['login', '--demo', ...record]))).toMatchObject([{ role: 'participant' }])
    const admin = await home.run(['login', '--demo', 'admin', '--profile', 'boss', ...record])
    expect(linesOf(admin)).toMatchObject([{ role: 'admin', profile: 'boss' }])
    expect((await home.run(['login', '--demo', '--record', 'nowhere.json'])).exit).toBe(4)
  })
})

test('profiles are several, and one is forgotten without the others', async () => {
  const home = await signedIn(participant, study, carrel.origin)
  const login = ['login', '--profile', 'team', '--url', carrel.origin, '--study', study.id]
  await home.run(login, { stdin: study.staff.key ?? '' })
  const roleOf = async (...args: string[]) => linesOf(await home.run(['keys', 'show', '--json', ...args]))[0]?.role
  expect([await roleOf(), await roleOf('--profile', 'team')]).toEqual(['participant', 'staff'])
  expect((await home.run(['keys', 'show'], { env: { CARREL_PROFILE: 'team' } })).out).toContain('staff')
  await home.run(['logout', 'team'])
  expect(await home.run(['keys', 'show', '--profile', 'team'])).toMatchObject({ exit: 3 })
  expect(await roleOf()).toBe('participant')
  expect((await home.run(['ls', '--profile', '../../etc/passwd'])).exit).toBe(2)
})

test('the environment signs in too, and a kept key goes to its own service only', async () => {
  const home = await aHome()
  const env = { CARREL_URL: carrel.origin, CARREL_STUDY: study.id, CARREL_KEY: key() }
  expect(await home.run(['ls'], { env })).toMatchObject({ exit: 0, err: '' })
  const signed = await signedIn(participant, study, carrel.origin)
  const elsewhere = await signed.run(['ls'], { env: { CARREL_URL: 'https://other.example.org' } })
  expect(elsewhere).toMatchObject({ exit: 3, err: expect.stringContaining('its key goes nowhere else') })
})

test('a profile that cannot be read is told of without what is in it', async () => {
  const home = await signedIn(participant, study, carrel.origin)
  await writeFile(home.path(PROFILE), `{"key":"${key()}"`)
  const { exit, err } = await home.run(['ls'])
  expect([exit, err]).toEqual([3, expect.stringContaining('Sign in again')])
  expect(err).not.toContain(key())
})
