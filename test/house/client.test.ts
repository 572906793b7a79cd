// The client as other people's projects get it: how large it is, and that its types need nothing of ours.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { buildClient, bundleClient } from '../../src/local/build-client.ts'

const PROJECT = join(import.meta.dirname, '../..')
const SLOW = process.env['CARREL_SLOW'] === '1'
/** Gzipped: what a page or an app loads. */
const MAX_BYTES = 10_000

test(`what a browser loads is ${MAX_BYTES} bytes at most, and knows nothing of Node`, async () => {
  const { outputFiles } = await bundleClient()
  const modules = new Map(outputFiles.map(({ path, text }) => [basename(path), text]))
  const main = modules.get('index.js') ?? ''
  const [shared = ''] = [...modules].flatMap(([name, text]) => (main.includes(`./${name}`) ? [text] : []))
  expect(main.length).toBeGreaterThan(1_000)
  expect(gzipSync(main).length + gzipSync(shared).length).toBeLessThanOrEqual(MAX_BYTES)
  expect(main + shared).not.toMatch(/["']node:/)
})

/** What somebody writes against it, of which the last line is wrong. */
const THEIRS = `import { CarrelError, createCarrel, type SavedUpload } from 'carrel/client'
const carrel = createCarrel({ url: 'https://carrel.example.org', study: 'SD_DEM0DEM0', key: () => 'secret' })
export async function save(blob: Blob, saved: (upload: SavedUpload) => void): Promise<string> {
  const file = await carrel.files.upload(blob, { name: 'a.bin', onUpload: saved })
  for await (const { name, version } of carrel.files.list({ participant: 'me' })) name.slice(version?.size)
  const { value, etag } = await carrel.documents.get({ participant: 'me', identifier: 'preferences' })
  await carrel.documents.put({ participant: 'me', identifier: 'preferences' }, value, { ifMatch: etag })
  return file.visibility
}
export const isGone = (failure: unknown) => failure instanceof CarrelError && failure.code === 'file_not_found'
export const isWrong = (failure: CarrelError) => failure.code === 'no_such_code'
`

test.runIf(SLOW)('its types stand alone, for a project with the types of a browser only', async () => {
  const home = await mkdtemp(join(tmpdir(), 'carrel-client-'))
  const installed = join(home, 'node_modules/carrel')
  await mkdir(installed, { recursive: true })
  await buildClient(join(installed, 'client'))
  const names = await readdir(join(installed, 'client'))
  const texts = await Promise.all(names.map(async (name) => readFile(join(installed, 'client', name), 'utf8')))
  expect(texts.filter((text) => /from '\.\.|import\("/.test(text))).toEqual([])
  const exported = { './client': './client/index.js' }
  await writeFile(
    join(installed, 'package.json'),
    JSON.stringify({ name: 'carrel', type: 'module', exports: exported }),
  )
  await writeFile(join(home, 'theirs.ts'), THEIRS)
  const tsc = join(PROJECT, 'node_modules/typescript/bin/tsc')
  const flags =
    '--noEmit --strict --target es2022 --lib es2023,dom,dom.iterable,dom.asynciterable --module preserve --types'.split(
      ' ',
    )
  const told = await promisify(execFile)(process.execPath, [tsc, ...flags, '', 'theirs.ts'], { cwd: home }).catch(
    (failure: { stdout: string }) => failure,
  )
  expect(told.stdout.match(/error TS\d+/g)).toEqual(['error TS2367'])
  await rm(home, { recursive: true })
})
