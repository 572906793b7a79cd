// What is deployed, made by Wrangler as `npm run deploy` makes it.

import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'

const PROJECT = join(import.meta.dirname, '../..')
/** More than a quarter of it is zod, an eighth the foreign protocols; Wrangler makes one module of what is imported. */
const MAX_GZIPPED_BYTES = 280_000

const Metadata = z.object({
  outputs: z.record(
    z.string(),
    z.object({
      inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })),
      imports: z.array(z.object({ path: z.string() })),
    }),
  ),
})

let directory: string
let code: Buffer
let main: z.infer<typeof Metadata>['outputs'][string]

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'carrel-bundle-'))
  const wrangler = join(PROJECT, 'node_modules/wrangler/bin/wrangler.js')
  const metadata = join(directory, 'metadata.json')
  await promisify(execFile)(
    process.execPath,
    [wrangler, 'deploy', '--dry-run', '--outdir', directory, '--metafile', metadata],
    { cwd: PROJECT, env: { ...process.env, WRANGLER_LOG_PATH: join(directory, 'logs') } },
  )
  code = await readFile(join(directory, 'index.js'))
  const { outputs } = Metadata.parse(JSON.parse(await readFile(metadata, 'utf8')))
  const [found] = Object.entries(outputs).flatMap(([path, output]) => (path.endsWith('index.js') ? [output] : []))
  if (found === undefined) throw new Error('The bundle has no main module.')
  main = found
})

afterAll(async () => rm(directory, { recursive: true }))

const inputs = () => Object.keys(main.inputs)

test('the Worker has every room of the house but the one that only a laptop runs', () => {
  const rooms = new Set(inputs().flatMap((path) => /^src\/([a-z]+)\//.exec(path)?.[1] ?? []))
  expect([...rooms]).toEqual(
    expect.arrayContaining(['model', 'storage', 'domain', 'wire', 'http', 'adapters', 'jobs', 'pages']),
  )
  expect([...rooms]).not.toContain('local')
  expect(inputs().filter((path) => /^(test|migrations)\//.test(path))).toEqual([])
})

test('the Worker is whole: it needs nothing of Node and one module of the platform', () => {
  expect(main.imports.map(({ path }) => path).filter((path) => path !== 'cloudflare:workers')).toEqual([])
})

test(`the Worker is small: under ${MAX_GZIPPED_BYTES / 1000} kB, gzipped`, async ({ annotate }) => {
  const { length } = gzipSync(code)
  await annotate(`${Math.round(length / 1000)} kB gzipped, ${Math.round(code.length / 1000)} kB in all`)
  expect(length).toBeLessThan(MAX_GZIPPED_BYTES)
})

test('the Worker speaks one language of zod only', () => {
  const locales = inputs().filter((path) => path.includes('zod/v4/locales/'))
  expect(locales.map((path) => path.split('/').at(-1))).toEqual(['en.js'])
})
