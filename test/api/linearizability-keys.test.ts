import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Answer, Caller } from '../support/callers.ts'
import { aDesk } from '../support/desk.ts'
import { type Programs, type Subject, tryPrograms, TRYING_MS } from '../support/histories.ts'
import { aFile, aParticipant, ok } from '../support/world.ts'

// An Idempotency-Key, as a place that is taken once: by the first request, and whoever comes with it again is told of
// what that has made.

const THINGS = ['files', 'links', 'codes'] as const
type Op = { do: 'make'; key: 0 | 1; body: 0 | 1 } | { do: 'count' }
/** `mayRepeat`: its own first attempt may have been done and not heard of. */
type Made = Readonly<{ id: string; again: boolean; mayRepeat: boolean }>
type Told = 'another request' | Made | Readonly<{ ids: string[] }>
/** By key: which request took it, and what it made, as soon as anybody was told. */
type Taken = Readonly<Record<number, { body: number; id: string | null }>>

const op: fc.Arbitrary<Op> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('make' as const),
      key: fc.constantFrom(0, 0, 1),
      body: fc.constantFrom(0, 0, 1),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('count' as const) }) },
)

function counted(taken: Taken, told: Told | undefined): Taken | undefined {
  if (told === undefined) return taken
  if (typeof told === 'string' || !('ids' in told)) return undefined
  const made = Object.values(taken)
  const isAll = told.ids.length === made.length && made.every(({ id }) => id === null || told.ids.includes(id))
  return isAll ? taken : undefined
}

function step(taken: Taken, asked: Op, told: Told | undefined): Taken | undefined {
  if (asked.do === 'count') return counted(taken, told)
  const first = taken[asked.key]
  if (told === undefined) return first === undefined ? { ...taken, [asked.key]: { body: asked.body, id: null } } : taken
  if (typeof told === 'string') return first !== undefined && first.body !== asked.body ? taken : undefined
  if ('ids' in told) return undefined
  return fits(taken, first, { ...told, body: asked.body })
    ? { ...taken, [asked.key]: { body: asked.body, id: told.id } }
    : undefined
}

/** Whether somebody can be told of this thing, where the key was taken by the first, or by nobody. */
function fits(taken: Taken, first: Taken[number] | undefined, told: Made & { body: number }): boolean {
  if (first !== undefined) return told.again && first.body === told.body && [null, told.id].includes(first.id)
  return (!told.again || told.mayRepeat) && Object.values(taken).every((other) => other.id !== told.id)
}

let desk: Awaited<ReturnType<typeof aDesk>>
beforeAll(async () => {
  desk = await aDesk()
})

let places = 0

/** Where things of each kind are made, in a place of its own where there are none; and who makes them, from what. */
const place: Record<
  (typeof THINGS)[number],
  () => Promise<{ maker: Caller; path: string; list: string; body: (n: number) => object }>
> = {
  files: async () => {
    const category = `place-${(places += 1)}`
    const path = `${desk.study.path}/files`
    const body = (n: number) => ({ name: 'a.txt', mediaType: 'text/plain', size: n, category })
    return { maker: desk.owner, path, list: `${path}?status=pending&category=${category}`, body }
  },
  links: async () => {
    const path = `${desk.study.path}/files/${(await aFile(desk.owner, desk.study)).id}/download-tokens`
    return { maker: desk.owner, path, list: path, body: (n) => ({ seconds: 600 + n }) }
  },
  codes: async () => {
    const path = `${desk.study.path}/participants/${(await aParticipant(desk.study)).id}/enrolment-codes`
    return { maker: desk.study.worker, path, list: path, body: (n) => ({ label: `phone ${n}` }) }
  },
}

const idIn = (body: Answer['body']): string => body.file?.id ?? body.id

async function aPlace(kind: (typeof THINGS)[number]): Promise<Subject<Op, Taken, Op, Told>> {
  const { maker, path, list, body } = await place[kind]()
  const keys = [crypto.randomUUID(), crypto.randomUUID()]
  return {
    model: { initial: {}, step },
    client: ({ by, hear, isDisturbed }) => {
      const told = (answer: Answer): Told => {
        if (answer.body.code === 'idempotency_key_reused') return 'another request'
        const again = answer.headers.get('Idempotency-Replayed') !== null
        return { id: idIn(ok(answer)), again, mayRepeat: isDisturbed() }
      }
      const idsIn = (answer: Answer): Told => ({ ids: ok(answer).items.map(idIn) })
      return (asked) => ({
        asked,
        ask: async () =>
          asked.do === 'count'
            ? hear(await by(maker).get(list), idsIn)
            : hear(await by(maker).post(path, body(asked.body), { 'Idempotency-Key': keys[asked.key] ?? '' }), told),
      })
    },
    after: [{ do: 'make', key: 0, body: 0 }, { do: 'make', key: 1, body: 0 }, { do: 'count' }],
  }
}

const keyed: Programs<(typeof THINGS)[number], Op, Taken, Op, Told> = {
  setting: fc.constantFrom(...THINGS),
  op,
  subject: aPlace,
}

test(
  'a key makes one thing, and tells of it whoever comes with the same request',
  async () => {
    const { answers, overlapping } = await tryPrograms('Idempotency-Keys', keyed, { runs: 40 })
    for (const each of ['another request', '"again":true', '"again":false', 'lost'])
      expect([...answers].join()).toContain(each)
    expect(overlapping).toBeGreaterThan(50)
  },
  TRYING_MS,
)
