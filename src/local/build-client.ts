// What `npm run build:client` runs: the client as one module, and its types with nothing of the house in them.

import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const project = resolve(import.meta.dirname, '../..')

/** One module for each way in, minified, for other people's bundlers. */
export const bundleClient = async () =>
  build({
    absWorkingDir: project,
    entryPoints: ['src/client/index.ts', 'src/client/node.ts'],
    outdir: 'dist/client',
    bundle: true,
    splitting: true,
    chunkNames: '[name]-[hash]',
    format: 'esm',
    platform: 'neutral',
    external: ['node:*'],
    target: 'es2022',
    minify: true,
    legalComments: 'none',
    write: false,
    logLevel: 'silent',
  })

/** A type is written out where it is that of a value which says no name for it. */
const WRITTEN_OUT = `import type { ProblemCode, Routes } from '../../src/client/wire.ts'
type Flat<T> = unknown extends T
  ? unknown
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends (infer Item)[]
      ? Flat<Item>[]
      : T extends infer Known
        ? { [Key in keyof Known]: Flat<Known[Key]> }
        : never
const flat = <T>() => null as unknown as T extends infer Known ? { [Key in keyof Known]: Flat<Known[Key]> } : never
export const RoutesOf = flat<Routes>()
export const CodesOf = flat<{ [Code in ProblemCode]: Code }>()
`

const run = promisify(execFile)

const tsconfig = (draft: string) => ({
  extends: join(project, 'tsconfig.json'),
  compilerOptions: {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    // The house is read too, and what cannot be written of its types is not asked for.
    noEmitOnError: false,
    rootDir: project,
    outDir: join(draft, 'types'),
    types: ['@cloudflare/workers-types', join(project, 'worker-configuration.d.ts'), 'node'],
  },
  include: [join(project, 'src/client'), join(draft, 'written-out.ts')],
})

async function compile(config: string): Promise<void> {
  const tsc = join(project, 'node_modules/typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', config], { cwd: project }).catch(
    (failure: { stdout: string }) => failure,
  )
  const ours = stdout.split('\n').filter((line) => /^(?:src\/client|dist)\//.test(line))
  if (ours.length > 0) throw new Error(ours.join('\n'))
}

/** Types in place of the values that they were written out as. */
const wireOf = (written: string): string =>
  `${written
    .replace('export declare const RoutesOf:', 'export type Routes =')
    .replace('export declare const CodesOf:', 'type Codes =')}export type ProblemCode = keyof Codes;\n`

/** The declarations of the client's own files, by name; what they know of the house is written out. */
async function declare(draft: string): Promise<Map<string, string>> {
  const config = join(draft, 'tsconfig.json')
  await writeFile(join(draft, 'written-out.ts'), WRITTEN_OUT)
  await writeFile(config, JSON.stringify(tsconfig(draft)))
  await compile(config)
  const folder = join(draft, 'types/src/client')
  const names = await readdir(folder)
  const texts = await Promise.all(names.map(async (name) => readFile(join(folder, name), 'utf8')))
  const declared = texts.map((text) => text.replaceAll(/(from '\.\/[\w-]+)\.ts'/g, "$1.js'"))
  const written = await readFile(join(draft, 'types', relative(project, draft), 'written-out.d.ts'), 'utf8')
  return new Map(names.map((name, index) => [name, declared[index] ?? ''])).set('wire.d.ts', wireOf(written))
}

/** Puts the client into a folder, which holds nothing else. */
export async function buildClient(folder: string): Promise<void> {
  const dist = join(project, 'dist')
  await mkdir(dist, { recursive: true })
  const draft = await mkdtemp(join(dist, 'client-'))
  try {
    const [{ outputFiles }, declared] = await Promise.all([bundleClient(), declare(draft)])
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    const modules = outputFiles.map(({ path, contents }) => [basename(path), contents] as const)
    await Promise.all([...modules, ...declared].map(async ([name, text]) => writeFile(join(folder, name), text)))
  } finally {
    await rm(draft, { recursive: true })
  }
}

if (import.meta.main) await buildClient(join(project, 'dist/client'))
