import type { Answer } from './client.ts'
import { type Kept, keepRows } from './kept.ts'
import { type Cell, isTried, type Kind, type Outcome, outcomeOf, principalOf, type Thing, type Who } from './matrix.ts'
import { people } from './matrix-people.ts'
import { ROWS } from './matrix-rows.ts'
import { furnish } from './matrix-things.ts'
import { type DescribedOperation, operations, pathOf } from './operations.ts'
import { expectProblem } from './problems.ts'

// Every cell of the matrix, asked over the API.

const AT_ONCE = 16
/** What callers do to one of these stands in no other's way. */
const APART: readonly Kind[] = ['file', 'handle', 'upload', 'document', 'participantReport']

export type Matrix = Readonly<{
  described: ReadonlyMap<string, DescribedOperation>
  callers: readonly Who[]
  things: Readonly<Record<Kind, readonly Thing[]>>
  kept: Kept
}>

export async function aMatrix(): Promise<Matrix> {
  const described = new Map((await operations()).map((operation) => [operation.id, operation]))
  const world = await people()
  const things = await furnish(world)
  return { described, callers: world.callers, things, kept: await keepRows(world.home, world.elsewhere) }
}

const FORBIDDEN: readonly Outcome[] = ['forbidden', 'participant_withdrawn']

/** The operation that a row is of. */
export const operationIn = (rowName: string): string => rowName.split(' ', 1)[0] ?? ''

let asked = 0

async function ask({ row, who, thing }: Cell, operation: DescribedOperation): Promise<Answer> {
  const { method, body } = operation
  const path = pathOf(operation, thing.names)
  const content = row.body?.(thing) ?? body?.example
  asked += 1
  // From many addresses: guesses at enrolment codes are counted by them.
  const headers = { 'Content-Type': body?.type ?? 'application/json', 'CF-Connecting-IP': `192.0.2.${asked % 250}` }
  switch (method) {
    case 'GET':
      return who.caller.get(path)
    case 'DELETE':
      return who.caller.delete(path)
    case 'POST':
      return content === undefined ? who.caller.post(path) : who.caller.post(path, content, headers)
    case 'PUT':
      return who.caller.put(path, content, headers)
    case 'PATCH':
      return who.caller.patch(path, content, headers)
    default:
      throw new Error(`Nobody knows how to ask by ${method}.`)
  }
}

const MADE_ID = /\b(?:fil|ver|upl|key|mem|dlt|enr|aud|era)_[0-9a-z]{26}\b/

/** What is wrong with an answer; undefined: nothing. */
function wrongIn(cell: Cell, answer: Answer): string | undefined {
  const expected = outcomeOf(cell)
  const { status, body, text } = answer
  const code = status < 400 ? (cell.row.tells?.(body) ?? 'allowed') : body.code
  const isConflict = expected === 'allowed' && (cell.row.conflicts ?? []).includes(code)
  if (code !== expected && !isConflict) return `${expected}, not ${code}`
  if (status < 400) return undefined
  expectProblem(answer)
  return /hush/.test(text) || MADE_ID.test(text) ? `nothing told of it, not ${text}` : undefined
}

async function inChunks<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await Promise.all(items.slice(start, start + AT_ONCE).map(work))
  }
}

/** Cells of which no two are of the same thing. */
function rounds(cells: readonly Cell[]): Cell[][] {
  const made: Cell[][] = []
  for (const ofOne of Map.groupBy(cells, ({ thing }) => thing).values()) {
    for (const [index, cell] of ofOne.entries()) made[index] = [...(made[index] ?? []), cell]
  }
  return made
}

/** What is told of things that are not there or not to be seen, by whom and where: one text, whatever the thing. */
class Unseen {
  readonly #told = new Map<string, string>()

  /** Whether this is what was told before. */
  isTheSame({ who, thing }: Cell, { status, body }: Answer): boolean {
    if (status !== 404) return true
    const key = JSON.stringify([who.name, thing.place, body.code])
    const text = JSON.stringify({ ...body, requestId: '' })
    const before = this.#told.get(key) ?? text
    this.#told.set(key, before)
    return before === text
  }
}

/** Asks the cells of a row: the refusals first, which change nothing. Answers what is wrong. */
export async function tryRow(matrix: Matrix, name: string): Promise<{ cells: number; wrong: string[] }> {
  const { described, callers, things, kept } = matrix
  const [row, operation] = [ROWS[name], described.get(operationIn(name))]
  if (row === undefined || operation === undefined) throw new Error(`There is no operation ${name}.`)
  const cells: Cell[] = things[row.of].flatMap((thing) =>
    callers.map((who) => ({ row, who, thing, security: operation.security })),
  )
  const wrong: string[] = []
  const unseen = new Unseen()
  const attempt = async (cell: Cell) => {
    const answer = await ask(cell, operation)
    const why = wrongIn(cell, answer) ?? (unseen.isTheSame(cell, answer) ? undefined : 'told as what is not there is')
    if (why !== undefined) wrong.push(`${cell.who.name}, of ${cell.thing.what}: ${why}`)
  }
  const isAllowed = (cell: Cell) => outcomeOf(cell) === 'allowed'
  const requireUnchanged = async (what: string) => {
    for (const table of await kept.changed()) wrong.push(`${what} changed ${table}`)
  }

  const refused = cells.filter((cell) => !isAllowed(cell)).filter(isTried)
  await inChunks(refused, attempt)
  await requireUnchanged('a refusal')
  const allowed = cells.filter(isAllowed)
  if (operation.method === 'GET' && !row.changes) {
    await inChunks(allowed, attempt)
    await requireUnchanged('a read')
  } else {
    for (const round of APART.includes(row.of) ? rounds(allowed) : allowed.map((cell) => [cell])) {
      await Promise.all(round.map(attempt))
      await kept.restore()
    }
    await requireUnchanged('putting back')
  }
  const tried = [...refused, ...allowed]
  return { cells: tried.length, wrong: [...wrong, ...(row.of === 'service' ? [] : wrongOnRecord(tried))] }
}

const isOutside = (role: string | undefined) => role === undefined || role === 'anonymous' || role === 'stranger'

/** Refusals of those who are known go on record, and of nobody else: a stranger has nothing written to the database. */
function wrongOnRecord(cells: readonly Cell[]): string[] {
  return [...Map.groupBy(cells, ({ who }) => who)].flatMap(([who, theirs]) => {
    const denials = who.enqueued
      .splice(0)
      .filter((message) => message.kind === 'witnessed' && message.outcome === 'denied')
    const known = theirs.filter(({ thing }) => !isOutside(principalOf(who, thing)?.role))
    const expected = known.filter((cell) => cell.row.tells === undefined && FORBIDDEN.includes(outcomeOf(cell)))
    if (known.length === 0 && denials.length > 0) return [`${who.name}, whom nobody knows: on record`]
    return denials.length < expected.length
      ? [`${who.name}: ${denials.length} refusals of ${expected.length} on record`]
      : []
  })
}
