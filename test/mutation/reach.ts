import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { openLane } from './lanes.ts'
import type { Instrumented, Mutant } from './mutants.ts'
import { TESTS_OF } from './subjects.ts'
import type { copyOfTree } from './tree.ts'

const TESTS = 'test/{domain,storage,wire,http,adapters,api,pages,jobs,faults}/**/*.test.{ts,tsx}'
const KEPT = 'node_modules/.cache/carrel-mutation'
/**
 * A mutant is taken to live that so many of the likeliest files let live, of those that are about its file and as many of
 * the others: all of them would take minutes for each.
 */
const FILES_AT_MOST = 6
const NEAR_LINES = 10

/** What a file of tests took, and the marks of each source file that it passed. */
type Reach = Readonly<{ ms: number; passed: Readonly<Record<string, readonly string[]>> }>

const hash = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)

function kept(file: string): Reach | undefined {
  const path = join(KEPT, file)
  // Written by this.
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Reach) : undefined
}

/**
 * Which files of tests pass which pieces of the instrumented code. What was found out is kept for as long as neither the
 * file of tests nor what is mutated is another one: what else changes makes a mutant live that would not, and hides none.
 */
export async function reachOf(all: readonly Instrumented[], tree: ReturnType<typeof copyOfTree>) {
  const sources = hash(all.map(({ marked }) => hash(marked)).join())
  const files = globSync(TESTS).toSorted()
  const keyOf = new Map(files.map((file) => [file, hash(sources + readFileSync(file, 'utf8'))]))
  const unknown = files.filter((file) => !existsSync(join(KEPT, keyOf.get(file) ?? '')))
  if (unknown.length > 0) await findOut(unknown)

  async function findOut(asked: readonly string[]) {
    console.log(`finding out what ${asked.length} files of tests reach`)
    mkdirSync(KEPT, { recursive: true })
    for (const { file, marked } of all) tree.write(file, marked)
    tree.watchReach()
    const lane = openLane(tree.path, { bail: 0 })
    const ran = await lane.run({ files: asked, changed: [] }, 3_600_000)
    lane.close()
    if (ran === 'timed out') throw new Error('the tests do not end on what is instrumented')
    const fileOf = new Map(all.flatMap(({ file, mutants }) => mutants.map(({ mark }) => [mark, file])))
    for (const { file, ok, ms, reached } of ran.modules) {
      // One that fails as it is tells nothing of any mutant.
      if (!ok) console.log(`left out, since it fails on what is instrumented: ${file}`)
      const passed: Record<string, string[]> = {}
      for (const mark of ok ? Object.keys(reached) : []) {
        const source = fileOf.get(mark)
        if (source !== undefined) (passed[source] ??= []).push(mark)
      }
      writeFileSync(join(KEPT, keyOf.get(file) ?? ''), JSON.stringify({ ms, passed } satisfies Reach))
    }
  }

  const reaches = files.flatMap((file) => {
    const reach = kept(keyOf.get(file) ?? '')
    return reach === undefined ? [] : [{ file, ...reach }]
  })

  const passed = new Map<string, number>()
  for (const mark of reaches.flatMap((reach) => Object.values(reach.passed).flat())) {
    passed.set(mark, (passed.get(mark) ?? 0) + 1)
  }
  const linesOf = new Map(all.flatMap(({ mutants }) => mutants.map(({ mark, lineNumber }) => [mark, lineNumber])))

  /**
   * The files that a mutant is tried on, the likeliest to notice it first: those that pass what few others pass of the
   * lines around it, and are soon over.
   */
  return function testsFor(mutant: Mutant): string[] {
    const isNear = (mark: string) => Math.abs((linesOf.get(mark) ?? 0) - mutant.lineNumber) <= NEAR_LINES
    const names = TESTS_OF[mutant.file] ?? []
    const isNamed = ({ file }: { file: string }) => names.some((name) => basename(file).startsWith(name))
    const likeliness = (reach: (typeof reaches)[number]) => {
      const marks = reach.passed[mutant.file] ?? []
      const rare = marks.filter(isNear).map((mark) => 1 / (passed.get(mark) ?? 1))
      const sum = rare.reduce((total, each) => total + each, marks.length / 1000)
      return sum / (reach.ms + 500)
    }
    const reaching = reaches.filter((reach) => reach.passed[mutant.file] !== undefined)
    const passing = reaching.filter((reach) => reach.passed[mutant.file]?.includes(mutant.mark))
    // What is read when it is loaded, few pass by themselves: then those that are about it are asked as well.
    const few = [...new Set([...passing, ...reaching.filter(isNamed)])]
    const asked = passing.length > FILES_AT_MOST ? passing : few.length > 0 ? few : reaching
    const likeliest = asked
      .map((reach) => ({ ...reach, likeliness: likeliness(reach) }))
      .toSorted((a, b) => b.likeliness - a.likeliness)
    const about = likeliest.filter(isNamed).slice(0, FILES_AT_MOST)
    const others = likeliest.filter((reach) => !isNamed(reach)).slice(0, FILES_AT_MOST)
    return [...about, ...others].map(({ file }) => file)
  }
}
