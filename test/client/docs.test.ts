// The examples of docs/client.md, as they are written there, in a Node of their own against the real service.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { bytesOf } from '../support/bytes.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'

const carrel = await sharedCarrel()
const PROJECT = join(import.meta.dirname, '../..')
const source = (name: string) => pathToFileURL(join(PROJECT, 'src/client', name)).href

test('the examples of the documentation run, and say what they should', async () => {
  const study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study)
  const text = await readFile(join(PROJECT, 'docs/client.md'), 'utf8')
  const examples = [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => code)
  expect(examples).toHaveLength(11)
  const script = examples
    .join('\n')
    .replaceAll('https://carrel.example.org', carrel.origin)
    .replaceAll('SD_DEM0DEM0', study.id)
    .replaceAll(`'carrel/client/node'`, `'${source('node.ts')}'`)
    .replaceAll(`'carrel/client'`, `'${source('index.ts')}'`)

  const folder = await mkdtemp(join(tmpdir(), 'carrel-examples-'))
  await writeFile(join(folder, 'examples.mts'), script)
  await writeFile(join(folder, 'scan.bin'), bytesOf(1, 70_000))
  const { stdout } = await promisify(execFile)(process.execPath, ['examples.mts'], {
    cwd: folder,
    env: { ...process.env, CARREL_KEY: participant.key, NO_COLOR: '1' },
  })
  await rm(folder, { recursive: true })
  const said = [
    '3 of 3 there, 0 on their way',
    /^fil_\w+ 3$/m,
    '\ntrue\n',
    '\naborted\n',
    '\nmeal.jpg\n',
    /^2 \S{20,}$/m,
    'consent.txt application/octet-stream 6',
    '\nond\nsecond\n',
    "{ theme: 'dark' } true\nnull\n",
    '2026-11-21',
    /^file_not_found 404 No such file. \S+ false$/m,
  ]
  for (const what of said) expect(stdout).toMatch(what)
})
