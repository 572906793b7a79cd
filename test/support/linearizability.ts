// Whether what many were answered at once could have been answered to them one after another: Wing and Gong's search
// ("Testing and Verifying Concurrent Objects", 1993), which remembers where it has been (Lowe, 2017).

/** What something does when it is asked one thing at a time. States are plain values: two with the same JSON are one. */
export type Model<State, Op, Answer> = Readonly<{
  initial: State
  /**
   * What is true after an operation that was answered so; undefined: then it would not have been. An answer that was
   * lost is undefined itself, and may have been any.
   */
  step: (state: State, op: Op, answer: Answer | undefined) => State | undefined
}>

/**
 * An operation as a client knows it: when it was asked and answered, by one clock that counts. Of an answer that was
 * lost, `answered` is Infinity: the operation may take effect at any time from `called` on, or never.
 */
export type Operation<Op, Answer> = Readonly<{
  client: number
  op: Op
  called: number
  answered: number
  answer: Answer | undefined
}>
export type History<Op, Answer> = readonly Operation<Op, Answer>[]

/** An order in which it could have happened; or the longest that it could have begun with, and what then fits nowhere. */
export type Verdict<Op, Answer> =
  | { isLinearizable: true; order: History<Op, Answer> }
  | { isLinearizable: false; begun: History<Op, Answer>; stuck: History<Op, Answer> }

const isLost = ({ answered }: Operation<unknown, unknown>) => answered === Infinity

/** What may have happened next: whatever was asked before any of the others that are left was answered. */
function possible<Op, Answer>(left: History<Op, Answer>): History<Op, Answer> {
  const firstAnswered = Math.min(...left.map(({ answered }) => answered))
  return left.filter(({ called }) => called < firstAnswered)
}

/**
 * Looks for an order that the model allows and in which whatever was answered before another was asked comes before it.
 * It puts one operation after another, and goes back where none fits. Which operations are done, in whatever order, and
 * what is true then, is all that the rest hangs on: a place that led nowhere is not gone to twice.
 */
export function linearize<State, Op, Answer>(
  { initial, step }: Model<State, Op, Answer>,
  history: History<Op, Answer>,
): Verdict<Op, Answer> {
  const been = new Set<string>()
  let begun: History<Op, Answer> = []
  let stuck: History<Op, Answer> = possible(history)

  function search(state: State, order: History<Op, Answer>): History<Op, Answer> | undefined {
    const left = history.filter((each) => !order.includes(each))
    if (left.every(isLost)) return order
    const place = `${history.map((each) => (order.includes(each) ? 1 : 0)).join('')} ${JSON.stringify(state)}`
    if (been.has(place)) return undefined
    been.add(place)
    const next = possible(left)
    if (order.length > begun.length) [begun, stuck] = [order, next]
    for (const each of next) {
      const after = step(state, each.op, each.answer)
      const found = after === undefined ? undefined : search(after, [...order, each])
      if (found !== undefined) return found
    }
    return undefined
  }

  const order = search(initial, [])
  return order === undefined ? { isLinearizable: false, begun, stuck } : { isLinearizable: true, order }
}

/** How many operations of a history were asked while another was not answered yet. */
export const overlapping = (history: History<unknown, unknown>): number =>
  history.filter((each) =>
    history.some((other) => other !== each && other.called < each.called && each.called < other.answered),
  ).length

/** `{ do: 'grant', who: 'ada' }` as `grant ada`. */
const said = (value: unknown): string =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.values(value)
        .map((each) => (typeof each === 'string' ? each : JSON.stringify(each)))
        .join(' ')
    : String(value)

/** One line for each operation in the order in which they were asked, with a bar for the time that it took. */
export function drawn<Op, Answer>(history: History<Op, Answer>): string {
  const end = Math.max(...history.flatMap(({ called, answered }) => [called, answered].filter(Number.isFinite))) + 1
  return history
    .toSorted((a, b) => a.called - b.called)
    .map((each) => {
      const until = isLost(each) ? end + 1 : each.answered
      const bar = `├${'─'.repeat(until - each.called - 1)}${isLost(each) ? '┄' : '┤'}`
      const answer = isLost(each) ? '(lost)' : said(each.answer)
      return `${each.client} ${`${' '.repeat(each.called)}${bar}`.padEnd(end + 3)} ${said(each.op)} → ${answer}`
    })
    .join('\n')
}
