import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { aDesk } from '../support/desk.ts'
import { historyOf, type Programs, type Subject, tryPrograms, TRYING_MS } from '../support/histories.ts'
import { drawn, type History, linearize, type Model, type Operation, overlapping } from '../support/linearizability.ts'
import { ok } from '../support/world.ts'

// What judges histories, by those of which it is plain whether they could have been; and that it finds what it is for.

type Op = { do: 'write'; to: number } | { do: 'read' }
/** A register of one number; a write is answered 0. */
const register: Model<number, Op, number> = {
  initial: 0,
  step: (value, op, answer) => {
    if (op.do === 'write') return op.to
    return answer === undefined || answer === value ? value : undefined
  },
}

const OPERATION = /([wr])(\d)(-*)([>?])/g

/** As it is drawn, a row for each client: `w1->` writes 1, `r1->` reads it, `w1?` had its answer lost. */
const history = (...rows: string[]): History<Op, number> =>
  rows.flatMap((row, client) =>
    Array.from(row.matchAll(OPERATION), ({ index: called, 0: drawing, 1: verb, 2: digit }): Operation<Op, number> => {
      const op: Op = verb === 'w' ? { do: 'write', to: Number(digit) } : { do: 'read' }
      if (drawing.endsWith('?')) return { client, op, called, answered: Infinity, answer: undefined }
      return { client, op, called, answered: called + drawing.length - 1, answer: verb === 'w' ? 0 : Number(digit) }
    }),
  )

const couldBe = (...rows: string[]) => linearize(register, history(...rows)).isLinearizable

describe('a history could have been', () => {
  test.each([
    ['nothing at all', []],
    ['one after another', ['w1-> r1->']],
    ['a read that sees what is being written', ['w1-------->', '  r1->']],
    ['a read that does not see it yet', ['w1-------->', '  r0->']],
    ['both, in this order', ['w1------------>', '  r0-> r1->']],
    ['two writes in either order', ['w1-->', 'w2-->', '      r1->']],
    ['two writes, the second first', ['w1--------->', ' w2->', '      r2->', '           r1->']],
    ['a lost write that was never done', ['w1?', '    r0->', '         r0->']],
    ['a lost write that was done late', ['w1?', '    r0->', '         r1->']],
    ['a lost read', ['w1-> r?', '     r1->']],
  ])('where it is %s', (_, rows) => expect(couldBe(...rows)).toBe(true))
})

describe('a history could not have been', () => {
  test.each([
    ['reads what was overwritten before', ['w1->', '     r0->']],
    ['reads what nobody wrote', ['w1->', '  r2->']],
    ['reads the new and then the old', ['w1------------>', '  r1-> r0->']],
    ['has two readers who saw two writes in different orders', ['w1-->', 'w2-->', '     r1-> r2->', '     r2-> r1->']],
    ['has a lost write undone', ['w1?', '    r1->', '         r0->']],
    ['has a lost write done twice', ['w1?', ' r1-> w2-> r2-> r1->']],
    ['has a lost write done before it was asked', ['     w1?', 'r1->']],
  ])('that %s', (_, rows) => expect(couldBe(...rows)).toBe(false))
})

/** Every order of some of them, or of all. */
const orders = <Item>(items: readonly Item[]): Item[][] => [
  [],
  ...items.flatMap((item) => orders(items.filter((each) => each !== item)).map((order) => [item, ...order])),
]

/** What it means, word for word. */
function isOrder(order: History<Op, number>, all: History<Op, number>): boolean {
  if (all.some((each) => each.answered !== Infinity && !order.includes(each))) return false
  const isTimely = order.every((each, index) => order.slice(index).every((later) => later.answered > each.called))
  let value: number | undefined = register.initial
  for (const { op, answer } of order) value = value === undefined ? value : register.step(value, op, answer)
  return isTimely && value !== undefined
}

test('what is found is what trying every order finds', () => {
  const operation = fc
    .record({
      verb: fc.constantFrom('w', 'r'),
      digit: fc.nat(2),
      before: fc.nat(6),
      length: fc.nat(6),
      lost: fc.nat(4),
    })
    .map(({ verb, digit, before, length, lost }) => {
      return `${' '.repeat(before)}${verb}${digit}${'-'.repeat(length)}${lost === 0 ? '?' : '>'}`
    })
  const verdicts = new Set<boolean>()
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 5 }), (rows) => {
      const all = history(...rows)
      const verdict = linearize(register, all)
      verdicts.add(verdict.isLinearizable)
      if (verdict.isLinearizable) expect(isOrder(verdict.order, all)).toBe(true)
      else expect(orders(all).some((order) => isOrder(order, all))).toBe(false)
    }),
    { numRuns: 500, seed: 1 },
  )
  expect(verdicts.size).toBe(2)
})

test('a history is drawn so that it can be read', () => {
  const all = history('w1---> r1->', '  w2?')
  expect(overlapping(all)).toBe(2)
  expect(drawn(all).split('\n')).toEqual([
    '0 ├────┤         write 1 → 0',
    '1   ├─────────┄  write 2 → (lost)',
    '0        ├──┤    read → 1',
  ])
})

let desk: Awaited<ReturnType<typeof aDesk>>
beforeAll(async () => {
  desk = await aDesk()
})
let numbers = 0

/** A document that holds a number, to which clients add one: careful ones by what they have read, others whatever it is. */
const adding = (isCareful: boolean): Programs<null, 'add', number, 'add', number> => ({
  setting: fc.constant(null),
  op: fc.constant('add'),
  subject: async (): Promise<Subject<'add', number, 'add', number>> => {
    const { study, owner } = desk
    const path = `${study.path}/participants/me/documents/number-${(numbers += 1)}`
    ok(await owner.put(path, 0))
    return {
      model: {
        initial: 0,
        step: (value, _, answer) => (answer === undefined || answer === value + 1 ? value + 1 : undefined),
      },
      client: ({ by, hear }) => {
        const caller = by(owner)
        const add = async (): Promise<number | undefined> => {
          const read = await caller.get(path)
          if (read.status !== 200) return hear(read, () => NaN)
          const etag = read.headers.get('ETag') ?? ''
          const headers: Record<string, string> = isCareful ? { 'If-Match': etag } : {}
          const put = await caller.put(path, Number(read.body) + 1, headers)
          return put.status === 412 ? add() : hear(put, () => Number(read.body) + 1)
        }
        return (asked) => ({ asked, ask: add })
      },
      after: ['add'],
    }
  },
})

describe('clients that ask at once', () => {
  test(
    'who overwrite each other are found, and the smallest of their histories is drawn',
    async () => {
      const found = tryPrograms('adding carelessly', adding(false), { runs: 20 })
      await expect(found).rejects.toThrow(
        /^seed 1, path [\d:]+, made smaller \d+ times:\nNo order of these fits \(null\):\n(\d +├[─┄┤]+ +add → .+\n){3,}/,
      )
    },
    TRYING_MS,
  )

  test('come to the same end each time, in the same order', async () => {
    const program = {
      setting: null,
      clients: [['add', 'add'], ['add'], ['add', 'add']] as const,
      order: [1, 2, 0, 0, 1, 2, 2, 1, 0, 1, 1, 0, 2],
      losses: [{ step: 3, times: 1, way: 'unheard' } as const],
    }
    const run = async () => historyOf(program, await adding(true).subject(null))
    const [first, second] = [await run(), await run()]
    expect(second).toEqual(first)
    expect(new Set(first.trace).size).toBeGreaterThan(2)
    expect(overlapping(first.history)).toBeGreaterThan(1)
  })
})
