// What `[build]` of wrangler.toml runs. Wrangler puts all that is imported into one module, whenever it is imported. This
// leaves what is imported later in modules of its own, which Wrangler finds beside the main one.

import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { build, type BuildFailure, type Plugin } from 'esbuild'
import { writeAssets } from './build-assets.ts'

const project = resolve(import.meta.dirname, '../..')
const folder = join(project, 'dist')
/** `--readable`: under the names that it was written with, for who reads a profile of it. */
const isReadable = process.argv.includes('--readable')

/** Zod speaks fifty languages, and none but English is ever asked for: they would be a quarter of the main module. */
const oneLanguage: Plugin = {
  name: 'one-language',
  setup: (bundler) =>
    bundler.onResolve({ filter: /^\.\.\/locales\/index\.js$/ }, async ({ resolveDir, kind }) =>
      bundler.resolve('../locales/en.js', { resolveDir, kind }),
    ),
}

const bundle = async () =>
  build({
    absWorkingDir: project,
    entryPoints: ['src/index.ts'],
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash].chunk',
    splitting: true,
    metafile: true,
    write: false,
    external: ['cloudflare:*'],
    plugins: [oneLanguage],
    logLevel: 'silent',
    // From here on as Wrangler has it.
    bundle: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    minify: !isReadable,
    // Wrangler keeps them, which is a third of the time that the Worker takes to start; errors say their own.
    keepNames: false,
    sourcemap: true,
  })

const isChunk = (path: string) => /\.chunk\.mjs(\.map)?$/.test(path)

/** Tests and servers may build at the same time, and Wrangler reads meanwhile: a file comes whole. */
async function put(path: string, contents: string | Uint8Array) {
  const draft = `${path}.${process.pid}`
  await writeFile(draft, contents)
  await rename(draft, path)
}

/** The main module comes after what it names, and what is named no more goes last. */
async function write({ outputFiles, metafile }: Awaited<ReturnType<typeof bundle>>) {
  const chunks = outputFiles.filter(({ path }) => isChunk(path))
  const main = outputFiles.filter(({ path }) => !isChunk(path))
  await Promise.all(chunks.map(async ({ path, contents }) => put(path, contents)))
  await Promise.all(main.map(async ({ path, contents }) => put(path, contents)))
  await put(join(folder, 'contents.json'), JSON.stringify(metafile))
  const made = new Set(chunks.map(({ path }) => path))
  const found = (await readdir(folder)).map((name) => join(folder, name))
  await Promise.all(
    found.filter((path) => isChunk(path) && !made.has(path)).map(async (path) => rm(path, { force: true })),
  )
}

const isBuildFailure = (failure: unknown): failure is BuildFailure => failure instanceof Error && 'errors' in failure

await mkdir(folder, { recursive: true })
try {
  await write(await bundle())
} catch (failure) {
  if (!isBuildFailure(failure)) throw failure
  // Wrangler stumbles over the same, and says so in the few lines in which it says everything.
  await put(join(folder, 'index.mjs'), "export { default } from '../src/index.ts'\n")
}
// Wrangler knows nothing of these: what is wrong with them is said here.
await writeAssets(join(folder, 'assets'), project)
