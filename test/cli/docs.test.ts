// The examples of docs/cli.md, in order, as they are written there.

import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { aHome } from './support/runs.ts'

const carrel = await sharedCarrel()
const PROJECT = join(import.meta.dirname, '../..')

/** `echo '…' | npx carrel …` or `npx carrel …`, with or without a pipe behind it. */
const LINE = /^(?:echo '(.*)' \| )?npx carrel ([^|]+)(?: \|.*)?$/

test('the examples of the documentation do what they say', async () => {
  const text = await readFile(join(PROJECT, 'docs/cli.md'), 'utf8')
  const lines = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(([, code = '']) => code.trimEnd().split('\n'))
  expect(lines.length).toBeGreaterThan(20)
  const study = await carrel.aStudy()
  const [first, second] = [await carrel.aParticipant(study), await carrel.aParticipant(study)]
  const home = await aHome()
  await mkdir(home.path('photos'))
  await writeFile(home.path('photos/meal.jpg'), 'jpeg')
  await writeFile(home.path('consent.pdf'), 'pdf')
  await writeFile(
    home.path('demo.json'),
    JSON.stringify({
      url: carrel.origin,
      study: study.id,
      adminKey: study.admin.key,
      workerKey: study.worker.key,
      staffKey: study.staff.key,
      downloadKey: study.download.key,
      participants: [{ key: first.key }, { key: second.key }],
    }),
  )
  const said: string[] = []
  for (const line of lines) {
    const [, stdin = '', command = ''] = LINE.exec(line) ?? []
    const args = command.trim().split(' ')
    const { exit, out, err } = await home.run([...args, ...(args[0] === 'login' ? ['--record', 'demo.json'] : [])], {
      stdin,
    })
    expect(exit, `${line}\n${err}`).toBe(0)
    said.push(out)
  }
  const all = said.join('')
  const told = [
    /role +admin/,
    /photos\/meal\.jpg/,
    /\/d\//,
    /^{"theme":"dark"}$/m,
    /^█▁ {2}7011 to 8211$/m,
    /withdrawn/,
  ]
  for (const what of told) expect(all).toMatch(what)
  expect(await readFile(home.path('copy.pdf'), 'utf8')).toBe('pdf')
  expect(await readdir(home.path('everything'))).toContain('manifest.jsonl')
})

test('every command says what it is for, and the exit codes are those of the documentation', async () => {
  const home = await aHome()
  const { out } = await home.run(['--help'])
  const commands = [...out.matchAll(/^ {2}([a-z]+) .*? {2,}\S/gm)]
    .map(([, name = '']) => name)
    .filter((name) => name !== 'help')
  expect(commands.length).toBeGreaterThanOrEqual(16)
  for (const name of commands) {
    const help = await home.run([name, '--help'])
    expect([help.exit, help.out]).toEqual([0, expect.stringContaining('--json')])
  }
})
