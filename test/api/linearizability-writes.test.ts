import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Answer, Caller } from '../support/callers.ts'
import { aDesk } from '../support/desk.ts'
import { type Client, type Programs, type Subject, tryPrograms } from '../support/histories.ts'
import { aFile, ok } from '../support/world.ts'

// A document, and what is said of a file, as a register that is compared and set: of those who write what they have seen
// to be so, nobody undoes what somebody else wrote in between.

/** `seen`: the ETag that the client was told last. */
type If = 'free' | 'absent' | 'there' | 'seen'
type Op = Readonly<{ do: 'put' | 'patch' | 'delete' | 'get'; if: If; part: 'title' | 'description' | 'category' }>
type Asked = Readonly<{ do: Op['do']; if: string; part?: string; to?: string }>

type Parts = Readonly<Record<string, string>>
/** Null: it is not there. An ETag that nobody was told yet is null: the next answer tells it. */
type Register = Readonly<{ etag: string | null; parts: Parts }> | null
type Told = 'differs' | 'missing' | 'deleted' | 'written' | Readonly<{ etag: string; parts?: Parts }>

const parts = fc.constantFrom('title', 'description', 'category' as const)
const preconditions = fc.constantFrom<If>('seen', 'seen', 'free', 'there', 'absent')
const ops = (verbs: readonly Op['do'][]): fc.Arbitrary<Op> =>
  fc.record({ do: fc.constantFrom(...verbs), if: preconditions, part: parts })

function holds(register: Register, precondition: string): boolean {
  if (precondition === 'free') return true
  if (precondition === 'absent') return register === null
  return register !== null && (precondition === 'there' || precondition === register.etag)
}

const written = (register: Register, { do: verb, part = '', to = '' }: Asked): Parts =>
  verb === 'patch' ? { ...register?.parts, [part]: to } : { [part]: to }

const same = (one: Parts, other: Parts) => Object.keys({ ...one, ...other }).every((part) => one[part] === other[part])

/** What is there, told of so; undefined: it would not have been told of so. */
function seen({ etag, parts: there }: NonNullable<Register>, told: Told | undefined): Register | undefined {
  if (told === undefined || told === 'written') return { etag, parts: there }
  if (typeof told === 'string' || (told.parts !== undefined && !same(told.parts, there))) return undefined
  return etag === null || etag === told.etag ? { etag: told.etag, parts: there } : undefined
}

const is = (told: Told | undefined, ...expected: Told[]) => told === undefined || expected.includes(told)

function step(register: Register, asked: Asked, told: Told | undefined): Register | undefined {
  if (asked.do === 'get') {
    if (register === null || told === 'written') return is(told, 'missing') ? null : undefined
    return seen(register, told)
  }
  if (register === null && asked.do !== 'put') return is(told, 'missing', 'differs') ? null : undefined
  if (!holds(register, asked.if)) return is(told, 'differs') ? register : undefined
  if (asked.do === 'delete') return is(told, 'deleted') ? null : undefined
  return seen({ etag: null, parts: written(register, asked) }, told)
}

/** Who deletes a file that somebody else has just deleted is told that it is gone: it is no secret who was first. */
const stepOfFile = (register: Register, asked: Asked, told: Told | undefined): Register | undefined =>
  register === null && asked.do === 'delete' && told === 'deleted' ? null : step(register, asked, told)

const HEADERS: Readonly<Record<string, Record<string, string>>> = {
  free: {},
  there: { 'If-Match': '*' },
  absent: { 'If-None-Match': '*' },
}

/** How a register is asked, and how its answers are read. */
type Ways = Readonly<{
  caller: Caller
  path: string
  /** Of a body of a document or a file. */
  partsOf: (body: Readonly<Record<string, string | null>>) => Parts
  /** Whether an answer to a write tells what was written, and not only that it was. */
  tellsParts: boolean
}>

let writes = 0

/** A client that remembers the ETag that it was told last; before it was told any it looks. */
const editing =
  ({ caller, path, partsOf, tellsParts }: Ways) =>
  ({ by, hear, isDisturbed }: Client) => {
    const asking = by(caller)
    let known: string | undefined
    const ways: Record<Op['do'], (body: object, headers: Record<string, string>) => Promise<Answer>> = {
      put: async (body, headers) => asking.put(path, body, headers),
      patch: async (body, headers) => asking.patch(path, body, headers),
      delete: async (_, headers) => asking.delete(path, headers),
      get: async () => asking.get(path),
    }
    return (op: Op) => {
      const verb = op.if === 'seen' && known === undefined ? 'get' : op.do
      // Only what is put may be asked to be new.
      const asked = op.if === 'absent' && verb !== 'put' ? 'free' : op.if
      const precondition = asked === 'seen' ? (known ?? 'free') : asked
      const isWrite = verb === 'put' || verb === 'patch'
      const to = isWrite ? `value ${(writes += 1)}` : ''
      const told = (answer: Answer): Told | undefined => {
        if (answer.status === 412) return 'differs'
        // It may have been done, and what it was done to deleted before it was repeated.
        if (answer.status === 404) return isWrite && isDisturbed() ? undefined : 'missing'
        ok(answer)
        const etag = answer.headers.get('ETag')
        if (etag === null) return 'deleted'
        // A write that is repeated tells what is there then, which may be another's by now.
        known = isWrite && tellsParts && isDisturbed() ? undefined : etag
        if (known === undefined) return 'written'
        return isWrite && !tellsParts ? { etag } : { etag, parts: partsOf(answer.body) }
      }
      return {
        asked: { do: verb, if: precondition, ...(isWrite ? { part: op.part, to } : {}) },
        ask: async () =>
          hear(await ways[verb]({ [op.part]: to }, HEADERS[precondition] ?? { 'If-Match': precondition }), told),
      }
    }
  }

const AFTER: readonly Op[] = [{ do: 'get', if: 'free', part: 'title' }]
const statedIn = (body: Readonly<Record<string, string | null>>): Parts =>
  Object.fromEntries(
    ['title', 'description', 'category'].flatMap((part) => {
      const value = body[part]
      return typeof value === 'string' ? [[part, value]] : []
    }),
  )

let desk: Awaited<ReturnType<typeof aDesk>>
beforeAll(async () => {
  desk = await aDesk()
})
let documents = 0

const documentWrites: Programs<null, Op, Register, Asked, Told> = {
  setting: fc.constant(null),
  op: ops(['put', 'put', 'patch', 'patch', 'delete', 'get']),
  subject: async (): Promise<Subject<Op, Register, Asked, Told>> => {
    const path = `${desk.study.path}/participants/me/documents/register-${(documents += 1)}`
    return {
      model: { initial: null, step },
      client: editing({ caller: desk.owner, path, partsOf: statedIn, tellsParts: false }),
      after: AFTER,
    }
  },
}

const fileWrites: Programs<null, Op, Register, Asked, Told> = {
  setting: fc.constant(null),
  // A file is never put: it is begun.
  op: ops(['patch', 'patch', 'patch', 'delete', 'get']).map((op) => (op.if === 'absent' ? { ...op, if: 'seen' } : op)),
  subject: async (): Promise<Subject<Op, Register, Asked, Told>> => {
    const path = `${desk.study.path}/files/${(await aFile(desk.owner, desk.study)).id}`
    const etag = (await desk.owner.get(path)).headers.get('ETag')
    return {
      model: { initial: { etag, parts: {} }, step: stepOfFile },
      client: editing({ caller: desk.owner, path, partsOf: statedIn, tellsParts: true }),
      after: AFTER,
    }
  },
}

test.each([
  ['documents', documentWrites],
  ['files', fileWrites],
] as const)(
  'of %s no write is lost that was answered, and none is done twice',
  async (name, programs) => {
    const { answers, overlapping } = await tryPrograms(name, programs, { runs: 40 })
    for (const each of ['"differs"', '"missing"', '"deleted"', '(lost)']) expect([...answers]).toContain(each)
    expect(overlapping).toBeGreaterThan(50)
  },
  90_000,
)
