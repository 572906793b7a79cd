// What is deployed, made by Wrangler as `npm run deploy` makes it, and what the build says is in it.

import { execFile } from 'node:child_process'
import { globSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'

const PROJECT = join(import.meta.dirname, '../..')
/** Gzipped: what is there from the start, and what a tongue adds to that when it is loaded. */
const MAX_BYTES = { main: 200_000, native: 100_000, adapter: 100_000 }

const Module = z.object({
  entryPoint: z.string().optional(),
  inputs: z.record(z.string(), z.object({ bytesInOutput: z.number() })),
  imports: z.array(z.object({ path: z.string(), kind: z.string(), external: z.boolean().optional() })),
})
type Module = z.infer<typeof Module>
const Contents = z.object({ outputs: z.record(z.string(), Module) })

const NATIVE = 'src/http/native.ts'
const GRAPHQL = 'node_modules/graphql/'
/** Whose a source is; of its paths, which are known beforehand, nobody's. */
const adapterOf = (source: string) => /^src\/adapters\/([a-z]+)\/(?!paths\.ts)/.exec(source)?.[1]

let uploaded: string
let modules: ReadonlyMap<string, Module>

beforeAll(async () => {
  uploaded = await mkdtemp(join(tmpdir(), 'carrel-bundle-'))
  const wrangler = join(PROJECT, 'node_modules/wrangler/bin/wrangler.js')
  await promisify(execFile)(process.execPath, [wrangler, 'deploy', '--dry-run', '--outdir', uploaded], {
    cwd: PROJECT,
    env: { ...process.env, WRANGLER_LOG_PATH: join(uploaded, 'logs') },
  })
  const { outputs } = Contents.parse(JSON.parse(await readFile(join(PROJECT, 'dist/contents.json'), 'utf8')))
  modules = new Map(Object.entries(outputs).filter(([path]) => path.endsWith('.mjs')))
})

afterAll(async () => rm(uploaded, { recursive: true }))

function moduleAt(path: string): Module {
  const found = modules.get(path)
  if (found === undefined) throw new Error(`Nothing is built at ${path}.`)
  return found
}

/** Where a source is the first of its module: the one that `import()` of it loads. */
function pathOf(source: string): string {
  const [found] = [...modules].flatMap(([path, { entryPoint }]) => (entryPoint === source ? [path] : []))
  if (found === undefined) throw new Error(`${source} is in no module of its own.`)
  return found
}

/** A module, and whatever is loaded with it. */
function loadedWith(path: string, known = new Set<string>()): Set<string> {
  if (known.has(path)) return known
  known.add(path)
  for (const { path: next, kind, external } of moduleAt(path).imports) {
    if (kind === 'import-statement' && external !== true) loadedWith(next, known)
  }
  return known
}

const main = () => loadedWith(pathOf('src/index.ts'))
const addedBy = (source: string) => [...loadedWith(pathOf(source)).difference(main())]
const inputsOf = (paths: Iterable<string>) => [...paths].flatMap((path) => Object.keys(moduleAt(path).inputs))

/** Wrangler calls the main module by another name, and the others by their own. */
const uploadedAs = (path: string) => join(uploaded, path === pathOf('src/index.ts') ? 'index.js' : basename(path))

async function gzipped(paths: Iterable<string>): Promise<number> {
  const codes = await Promise.all([...paths].map(async (path) => readFile(uploadedAs(path))))
  return codes.reduce((sum, code) => sum + gzipSync(code).length, 0)
}

const kB = (bytes: number) => `${Math.round(bytes / 1000)} kB gzipped`

test('every module is uploaded, and nothing else is', async () => {
  const names = (await readdir(uploaded)).filter((name) => /\.m?js$/.test(name))
  expect(names.toSorted()).toEqual([...modules.keys()].map((path) => basename(uploadedAs(path))).toSorted())
})

test('the Worker has every room of the house but the one that only a laptop runs', () => {
  const inputs = inputsOf(modules.keys())
  const rooms = new Set(inputs.flatMap((path) => /^src\/([a-z]+)\//.exec(path)?.[1] ?? []))
  expect([...rooms].toSorted()).toEqual(['adapters', 'domain', 'http', 'jobs', 'model', 'pages', 'storage', 'wire'])
  expect(inputs.filter((path) => /^(test|migrations)\//.test(path))).toEqual([])
})

test('the Worker is whole: it needs nothing of Node and one module of the platform', () => {
  const needed = [...modules.values()].flatMap(({ imports }) => imports.filter(({ external }) => external === true))
  expect(needed.filter(({ path }) => path !== 'cloudflare:workers')).toEqual([])
})

test('the Worker speaks one language of zod only', () => {
  const locales = inputsOf(modules.keys()).filter((path) => path.includes('zod/v4/locales/'))
  expect(locales.map((path) => basename(path))).toEqual(['en.js'])
})

describe('what is there from the start', () => {
  test(`is small: under ${MAX_BYTES.main / 1000} kB, gzipped`, async ({ annotate }) => {
    const bytes = await gzipped(main())
    await annotate(`main: ${kB(bytes)}; all: ${kB(await gzipped(modules.keys()))}`)
    expect(bytes).toBeLessThan(MAX_BYTES.main)
  })

  test('has no tongue, nor what only a tongue needs', () => {
    const inputs = inputsOf(main())
    expect(inputs).toEqual(expect.arrayContaining(['src/app.ts', 'src/jobs/sweep.ts', 'src/adapters/bridge/paths.ts']))
    expect(inputs.filter(adapterOf)).toEqual([])
    expect(inputs.filter((path) => /^src\/(http|pages)\//.test(path))).toEqual(['src/http/problem.ts'])
    const packages = new Set(inputs.flatMap((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))
    for (const name of ['graphql', '@hono/zod-openapi', '@asteasolutions/zod-to-openapi', '@cfworker/json-schema']) {
      expect(packages).not.toContain(name)
    }
  })
})

describe('what is loaded when it is asked for', () => {
  test('is each adapter, with nothing of another, and small', async ({ annotate }) => {
    const sources = [...modules.values()].flatMap(({ entryPoint }) => entryPoint ?? []).filter(adapterOf)
    expect(sources).toEqual(expect.arrayContaining(globSync('src/adapters/*/index.ts', { cwd: PROJECT })))
    for (const source of sources) {
      const added = addedBy(source)
      expect([...new Set(inputsOf(added).flatMap((path) => adapterOf(path) ?? []))]).toEqual([adapterOf(source)])
      const bytes = await gzipped(added)
      await annotate(`${source}: ${kB(bytes)}`)
      expect(bytes, source).toBeLessThan(MAX_BYTES.adapter)
    }
  })

  test('is what answers GraphQL, by a query alone', () => {
    const needing = [...modules].filter(([, { inputs }]) =>
      Object.keys(inputs).some((path) => path.startsWith(GRAPHQL)),
    )
    const loading = [...modules.values()]
      .flatMap(({ entryPoint }) => entryPoint ?? [])
      .filter((source) => {
        const loaded = loadedWith(pathOf(source))
        return needing.some(([path]) => loaded.has(path))
      })
    expect(loading).toEqual(['src/adapters/kidsfirst/graphql/server.ts'])
  })

  test('is the native API, with nothing of an adapter', async ({ annotate }) => {
    const added = addedBy(NATIVE)
    expect(inputsOf(added).filter(adapterOf)).toEqual([])
    const bytes = await gzipped(added)
    await annotate(`native: ${kB(bytes)}`)
    expect(bytes).toBeLessThan(MAX_BYTES.native)
  })
})
