import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'

// What a new isolate has to do before its first request: how long it parses and runs the main module, and of how many
// bytes; what is loaded later, and of what packages each is made.

const project = resolve(import.meta.dirname, '..')
const RUNS = 5
/** What is not the Worker's own doing. */
const NOT_ITS_OWN = ['(idle)', '(program)', '(root)']

export type Startup = Readonly<{
  /** The middle one of the runs, in workerd, as `wrangler check startup` has it. */
  cpuMilliseconds: number
  modules: readonly { entry: string; gzippedBytes: number; of: string }[]
}>

type Profile = Readonly<{
  nodes: readonly { id: number; callFrame: { functionName: string } }[]
  samples: readonly number[]
  timeDeltas: readonly number[]
}>

function startedIn(folder: string): number {
  const outfile = join(folder, 'startup.cpuprofile')
  const wrangler = join(project, 'node_modules/wrangler/bin/wrangler.js')
  execFileSync(process.execPath, [wrangler, 'check', 'startup', '--outfile', outfile], {
    cwd: project,
    stdio: 'ignore',
  })
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(outfile, 'utf8')) as Profile // the protocol's own form
  const others = new Set(
    nodes.filter(({ callFrame }) => NOT_ITS_OWN.includes(callFrame.functionName)).map(({ id }) => id),
  )
  const own = samples.map((id, i) => (others.has(id) ? 0 : (timeDeltas[i] ?? 0)))
  return own.reduce((sum, each) => sum + each, 0) / 1_000
}

type Output = Readonly<{
  entryPoint?: string
  inputs: Readonly<Record<string, { bytesInOutput: number }>>
  imports: readonly { path: string; kind: string; external?: boolean }[]
}>

/** The package that a source is of, or the layer of ours. */
const ownerOf = (source: string) =>
  /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? /^src\/[^/]+/.exec(source)?.[0] ?? source

/** In percent, the largest first. */
function sharesOf(outputs: readonly Output[]): string {
  const bytes = new Map<string, number>()
  for (const [source, { bytesInOutput }] of outputs.flatMap(({ inputs }) => Object.entries(inputs))) {
    bytes.set(ownerOf(source), (bytes.get(ownerOf(source)) ?? 0) + bytesInOutput)
  }
  const all = [...bytes.values()].reduce((sum, each) => sum + each, 0)
  const shares = [...bytes].toSorted(([, a], [, b]) => b - a).slice(0, 5)
  return shares.map(([owner, each]) => `${owner} ${Math.round((100 * each) / all)} %`).join(', ')
}

/** The main module with all that comes with it, and for each entry that is loaded later, what that adds. */
function modulesBuilt(): Startup['modules'] {
  const { outputs } = JSON.parse(readFileSync(join(project, 'dist/contents.json'), 'utf8')) as {
    outputs: Record<string, Output>
  } // esbuild's own form
  const known = new Set<string>()
  const take = (path: string): string[] => {
    const output = outputs[path]
    if (output === undefined || known.has(path)) return []
    known.add(path)
    const next = output.imports.filter(({ kind, external }) => kind === 'import-statement' && external !== true)
    return [path, ...next.flatMap((each) => take(each.path))]
  }
  const entries = Object.entries(outputs).filter(([path, { entryPoint }]) => path.endsWith('.mjs') && entryPoint)
  const isMain = ([, { entryPoint }]: (typeof entries)[number]) => entryPoint === 'src/index.ts'
  return [...entries.filter(isMain), ...entries.filter((each) => !isMain(each))].map(([path, { entryPoint = '' }]) => {
    const taken = take(path)
    const gzipped = taken.map((each) => gzipSync(readFileSync(join(project, 'dist', basename(each)))).length)
    return {
      entry: entryPoint,
      gzippedBytes: gzipped.reduce((sum, each) => sum + each, 0),
      of: sharesOf(taken.flatMap((each) => outputs[each] ?? [])),
    }
  })
}

/** Of the Worker as it is built from here. */
export function measureStartup(): Startup {
  const folder = mkdtempSync(join(tmpdir(), 'carrel-startup-'))
  try {
    const runs = Array.from({ length: RUNS }, () => startedIn(folder)).toSorted((a, b) => a - b)
    return { cpuMilliseconds: runs[Math.floor(RUNS / 2)] ?? 0, modules: modulesBuilt() }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const MAX_MAIN_BYTES = 200_000
const kilobytes = (bytes: number) => `${(bytes / 1_000).toFixed(1)} kB`.padStart(9)

/** What it said, and whether the main module is small enough. */
export function tellOf({ cpuMilliseconds, modules }: Startup): { isMet: boolean; text: string } {
  const lines = modules.map(({ entry, gzippedBytes, of }) => `  ${kilobytes(gzippedBytes)}  ${entry}: ${of}`)
  return {
    isMet: (modules[0]?.gzippedBytes ?? 0) <= MAX_MAIN_BYTES,
    text: [
      `To start takes ${cpuMilliseconds.toFixed(0)} ms of CPU. Gzipped, at most ${kilobytes(MAX_MAIN_BYTES).trim()} for the first, and what each adds when it is loaded:`,
      ...lines,
    ].join('\n'),
  }
}
