// Changes what decides who sees what, one piece at a time, and looks whether the tests notice.
//
//   npm run test:mutation                                       a sample of every subject
//   npm run test:mutation -- cursors                            of one
//   npm run test:mutation -- src/storage/presign.ts --all       every mutant of one file
//   npm run test:mutation -- uploads --each 200 --seed 2        more of them, and others
//   npm run test:mutation -- src/storage/cursor.ts --line 39 --all --on test/storage/cursor.test.ts
//   npm run test:mutation -- tokens --report a.json             and, once there are tests for those that lived,
//   npm run test:mutation -- tokens --all --again a.json
//
// Vitest starts once, on a copy of the tree; for each mutant the piece is written there, and the files of tests that pass
// it run again until one fails. Stryker's instrumenter finds the pieces of TypeScript and marks them, so that a first run
// of all tests tells which files pass which; `sql.ts` finds those of the SQL in templates, `table.ts` those of the table
// of rules. Emptied strings are counted apart: nearly everything dies of them.
//
// A mutant that lives is told with the files that it was tried on, which are not all that pass it. `accepted.json` has
// those that no test can notice, with the reason of each. They are always among the tried; one that is noticed after all,
// or is no longer there, fails the run, as does a subject of which less than 80 % is noticed.

import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { openLane } from './lanes.ts'
import { mutated, mutantsOf, type Instrumented, type Mutant } from './mutants.ts'
import { reachOf } from './reach.ts'
import { SUBJECTS, subjects, TARGETS } from './subjects.ts'
import { copyOfTree } from './tree.ts'

const MUST_DIE = 0.8
const MAY_TAKE_MS = 90_000
/** Which mutant, whatever else moves in its file. */
const Which = z.object({
  file: z.string(),
  line: z.string(),
  column: z.number(),
  nth: z.number(),
  was: z.string(),
  becomes: z.string(),
})
type Which = z.infer<typeof Which>
const Accepted = z.array(Which.extend({ why: z.string() }))
const LIST = join(import.meta.dirname, 'accepted.json')

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    /** How many of each subject. */
    each: { type: 'string', default: '70' },
    seed: { type: 'string', default: '1' },
    all: { type: 'boolean', default: false },
    /** Only mutants on this line of a file. */
    line: { type: 'string' },
    /** On these files of tests, whatever they pass. */
    on: { type: 'string', multiple: true },
    list: { type: 'boolean', default: false },
    /** Where to write what became of each. */
    report: { type: 'string' },
    /** Only those that lived by such a report. */
    again: { type: 'string' },
  },
})

const name = ({ file, line, column, nth, was, becomes }: Which) =>
  JSON.stringify([file, line, column, nth, was, becomes])
const drawn = (mutant: Mutant) =>
  createHash('sha256')
    .update(values.seed + name(mutant))
    .digest('hex')

const Report = z.array(z.object({ mutant: Which, by: z.string().optional() }))

/** Whether a mutant lived, by the report that says which are to be tried again. */
function livedBefore(): (mutant: Mutant) => boolean {
  const { again } = values
  if (again === undefined) return () => true
  const outcomes = Report.parse(JSON.parse(readFileSync(again, 'utf8')))
  const lived = new Set(outcomes.filter(({ by }) => by === undefined).map(({ mutant }) => name(mutant)))
  return (mutant) => lived.has(name(mutant))
}

const accepted = new Map(Accepted.parse(JSON.parse(readFileSync(LIST, 'utf8'))).map((one) => [name(one), one]))

/** Of each file its part of what is asked of its subject, drawn by what the mutants are: code moved draws no others. */
function sample(mutants: readonly Mutant[], count: number): Mutant[] {
  if (values.all || mutants.length <= count) return [...mutants]
  const byFile = Map.groupBy(mutants, ({ file }) => file)
  return [...byFile.values()].flatMap((of) =>
    of
      .toSorted((a, b) => (drawn(a) < drawn(b) ? -1 : 1))
      .slice(0, Math.max(1, Math.round((count * of.length) / mutants.length))),
  )
}

/** Of each subject as many as are asked for, and what is accepted. */
function tried(all: readonly Instrumented[], asked: readonly string[]): Mutant[] {
  const of = all
    .filter(({ file }) => asked.includes(file))
    .flatMap(({ mutants }) => mutants)
    .filter(({ lineNumber }) => values.line === undefined || lineNumber === Number(values.line))
    .filter(livedBefore())
  const drawnOnes = subjects.flatMap((subject) => {
    const files: readonly string[] = SUBJECTS[subject]
    const mine = of.filter(({ file }) => files.includes(file))
    const texts = mine.filter(({ kind }) => kind === 'text')
    const rest = mine.filter(({ kind }) => kind !== 'text')
    return [...sample(rest, Number(values.each)), ...sample(texts, Number(values.each) / 30)]
  })
  return [...new Set([...drawnOnes, ...of.filter((mutant) => accepted.has(name(mutant)))])].toSorted(
    (a, b) => a.file.localeCompare(b.file) || a.start - b.start,
  )
}

type Outcome = { mutant: Mutant; by: string | undefined }

/** Tells of each as it goes, since all take an hour. */
async function tryAll(all: readonly Instrumented[], asked: readonly string[]): Promise<Outcome[]> {
  const watched = copyOfTree()
  const testsFor = await reachOf(all, watched)
  watched.remove()
  const tree = copyOfTree()
  const lane = openLane(tree.path, { bail: 1 })
  const outcomes: Outcome[] = []
  const mutants = tried(all, asked)
  for (const { file, source } of all) {
    const of = mutants.filter((mutant) => mutant.file === file)
    for (const mutant of of) {
      const tests = values.on ?? testsFor(mutant)
      tree.write(file, mutated(source, mutant))
      const ran = tests.length === 0 ? undefined : await lane.run({ files: tests, changed: [file] }, MAY_TAKE_MS)
      const by = ran === 'timed out' ? ran : ran?.failed
      outcomes.push({ mutant, by })
      if (by === undefined) tellOf(mutant, tests)
      else if (outcomes.length % 20 === 0) console.log(`${outcomes.length} of ${mutants.length}`)
      if (values.report !== undefined) writeFileSync(values.report, JSON.stringify(outcomes, null, 1))
    }
    tree.write(file, source)
    await requireSound(lane, file, outcomes)
  }
  lane.close()
  tree.remove()
  return outcomes
}

/** What fails without a mutant says nothing of one; and from here on this file is itself again. */
async function requireSound(lane: ReturnType<typeof openLane>, file: string, outcomes: readonly Outcome[]) {
  const killers = outcomes.filter(({ mutant }) => mutant.file === file).map(({ by }) => by?.split(':')[0] ?? '')
  const files = [...new Set(killers)].filter((killer) => killer.startsWith('test/'))
  const ran = await lane.run({ files, changed: [file] }, 10 * MAY_TAKE_MS)
  const failed = ran === 'timed out' ? ran : ran.failed
  if (failed !== undefined) throw new Error(`without any mutant of ${file} the tests fail: ${failed}`)
}

function tellOf({ file, lineNumber, mutator, line, was, becomes }: Mutant, tests: readonly string[]) {
  const by = tests.length === 0 ? 'no test passes it' : tests.join(' ')
  console.log(`LIVES ${file}:${lineNumber} ${mutator}\n  ${line}\n  - ${was}\n  + ${becomes}\n  ${by}`)
}

/** What is wrong with what became of those of a subject. */
function judge(subject: string, all: readonly Instrumented[], outcomes: readonly Outcome[]): string[] {
  const files: readonly string[] = SUBJECTS[subject as keyof typeof SUBJECTS] // one of its own keys
  const there = all.filter(({ file }) => files.includes(file)).flatMap(({ mutants }) => mutants)
  const mine = outcomes.filter(({ mutant }) => files.includes(mutant.file))
  const count = (kinds: readonly Mutant['kind'][]) => {
    const of = mine.filter(({ mutant }) => kinds.includes(mutant.kind))
    const lives = of.filter(({ by }) => by === undefined)
    const explained = lives.filter(({ mutant }) => accepted.has(name(mutant))).length
    const killed = of.length - lives.length
    // What no test can notice is nothing that the tests could be better at.
    const part = of.length === explained ? 1 : killed / (of.length - explained)
    return { there: there.filter(({ kind }) => kinds.includes(kind)).length, tried: of.length, killed, explained, part }
  }
  const [real, text] = [count(['code', 'sql', 'table']), count(['text'])]
  console.log(
    `${subject}: ${real.there} mutants, ${real.tried} tried, ${real.killed} killed, ` +
      `${real.tried - real.killed} live, of which ${real.explained} are explained: ${(real.part * 100).toFixed(1)} %; ` +
      `emptied strings: ${text.killed} of ${text.tried} tried of ${text.there}`,
  )
  const noticed = mine.filter(({ by, mutant }) => by !== undefined && accepted.has(name(mutant)))
  return [
    ...(real.part < MUST_DIE ? [`${subject}: less than ${MUST_DIE * 100} % killed`] : []),
    ...noticed.map(({ mutant, by }) => `accepted, but noticed by ${by}: ${name(mutant)}`),
  ]
}

async function main() {
  const asked =
    positionals.length === 0 ? TARGETS : positionals.flatMap((one) => SUBJECTS[one as keyof typeof SUBJECTS] ?? [one])
  const all = await mutantsOf(new Map(TARGETS.map((file) => [file, readFileSync(file, 'utf8')])))
  if (values.list) {
    for (const mutant of tried(all, asked)) console.log(mutant.kind, name(mutant))
    return
  }
  const outcomes = await tryAll(all, asked)
  const known = new Set(all.flatMap(({ mutants }) => mutants.map(name)))
  const wrong = [
    ...[...accepted.keys()].filter((one) => !known.has(one)).map((one) => `accepted, but no longer there: ${one}`),
    ...subjects
      .filter((subject) => SUBJECTS[subject].some((file) => asked.includes(file)))
      .flatMap((subject) => judge(subject, all, outcomes)),
  ]
  for (const line of wrong) console.log(line)
  process.exitCode = wrong.length > 0 ? 1 : 0
}

await main()
