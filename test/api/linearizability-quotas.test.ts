import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Answer } from '../support/callers.ts'
import { operator } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { type Client, type Programs, type Subject, tryPrograms, TRYING_MS } from '../support/histories.ts'
import { ok, put } from '../support/world.ts'

// What a study may hold, as counters with a bound each: never passed, and nobody is refused while there is room.

type Counts = Readonly<{ bytes: number; files: number; documents: number }>
/** `nth`: which of those that were begun so far. */
type Op =
  | { do: 'begin'; size: number }
  | { do: 'complete' | 'abandon' | 'delete'; nth: number }
  | { do: 'write' | 'erase'; document: 'x' | 'y' | 'z' }
  | { do: 'limit'; most: Counts }
  | { do: 'count' }
type Asked = Exclude<Op, { nth: number }> | { do: 'complete' | 'abandon' | 'delete'; upload: string }
type Told = 'done' | 'full' | 'missing' | 'held' | Readonly<{ begun: string }> | Counts

/** Counted from what the study held before. An upload whose beginning nobody was told of counts, and has no name. */
type Holding = Readonly<{
  most: Counts
  held: Counts
  documents: readonly string[]
  uploads: Readonly<Record<string, { size: number; isOpen: boolean }>>
}>

const counts = fc.record({ bytes: fc.integer({ min: 4, max: 24 }), files: fc.nat(4), documents: fc.nat(2) })
const ops: fc.Arbitrary<Op> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('begin' as const), size: fc.nat(8) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('complete', 'abandon', 'delete' as const), nth: fc.nat(6) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('write', 'write', 'erase' as const),
      document: fc.constantFrom('x', 'y', 'z' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('limit' as const), most: counts }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('count' as const) }) },
)

const fits = (held: Counts, most: Counts) =>
  held.bytes <= most.bytes && held.files <= most.files && held.documents <= most.documents

const plus = (one: Counts, { bytes = 0, files = 0, documents = 0 }: Partial<Counts>): Counts => ({
  bytes: one.bytes + bytes,
  files: one.files + files,
  documents: one.documents + documents,
})

type Step<Of extends Asked> = (holding: Holding, asked: Of, told: Told | undefined) => Holding | undefined
const is = (told: Told | undefined, ...expected: Told[]) => told === undefined || expected.includes(told)

const begins: Step<Extract<Asked, { size: number }>> = (holding, { size }, told) => {
  const held = plus(holding.held, { bytes: size, files: 1 })
  if (!fits(held, holding.most)) return is(told, 'full') ? holding : undefined
  if (told === undefined) return { ...holding, held }
  if (typeof told === 'string' || !('begun' in told)) return undefined
  return { ...holding, held, uploads: { ...holding.uploads, [told.begun]: { size, isOpen: true } } }
}

const settles: Step<Extract<Asked, { upload: string }>> = (holding, { do: verb, upload: id }, told) => {
  const { [id]: upload, ...uploads } = holding.uploads
  // Who ends what somebody else has just ended may be told that it is gone, which it is.
  if (upload === undefined)
    return is(told, 'missing', ...(verb === 'complete' ? [] : ['done' as const])) ? holding : undefined
  if (verb === 'complete') {
    return is(told, 'done') ? { ...holding, uploads: { ...uploads, [id]: { ...upload, isOpen: false } } } : undefined
  }
  if (verb === 'abandon' && !upload.isOpen) return is(told, 'missing') ? holding : undefined
  if (!is(told, 'done')) return undefined
  return { ...holding, uploads, held: plus(holding.held, { bytes: -upload.size, files: -1 }) }
}

const writes: Step<Extract<Asked, { document: string }>> = (holding, { do: verb, document }, told) => {
  const isThere = holding.documents.includes(document)
  const others = holding.documents.filter((each) => each !== document)
  if (verb === 'erase') {
    if (!isThere) return is(told, 'missing') ? holding : undefined
    return is(told, 'done') ? { ...holding, documents: others, held: plus(holding.held, { documents: -1 }) } : undefined
  }
  const held = isThere ? holding.held : plus(holding.held, { documents: 1 })
  if (!fits(held, holding.most)) return is(told, 'full') ? holding : undefined
  return is(told, 'done') ? { ...holding, documents: [...others, document].toSorted(), held } : undefined
}

function step(holding: Holding, asked: Asked, told: Told | undefined): Holding | undefined {
  if ('size' in asked) return begins(holding, asked, told)
  if ('upload' in asked) return settles(holding, asked, told)
  if ('document' in asked) return writes(holding, asked, told)
  if (asked.do === 'count')
    return told === undefined || JSON.stringify(told) === JSON.stringify(holding.held) ? holding : undefined
  if (!fits(holding.held, asked.most)) return is(told, 'held') ? holding : undefined
  return is(told, 'done') ? { ...holding, most: asked.most } : undefined
}

let desk: Awaited<ReturnType<typeof aDesk>>
beforeAll(async () => {
  desk = await aDesk()
})

const REFUSED: Readonly<Record<number, Told>> = { 404: 'missing', 409: 'full', 422: 'held' }
const toldBy =
  (said: (answer: Answer) => Told) =>
  (answer: Answer): Told =>
    REFUSED[answer.status] ?? (ok(answer), said(answer))
const done = toldBy(() => 'done')

const settingsOf = ({ bytes, files, documents }: Counts) => ({
  settings: { maxBytes: bytes, maxFiles: files, maxDocuments: documents },
})
const usageIn = ({ body }: Answer): Counts => body.usage

type Begun = { id: string; file: string }
type Ways = Readonly<{ before: Counts; begun: Begun[]; path: string }>

/** How a client does each operation; those who begin tell the others what. */
function asking({ before, begun, path }: Ways, { by, hear }: Client) {
  const { study, owner, at } = desk
  const [asOwner, asOperator] = [by(owner), by(operator)]

  async function begin(size: number): Promise<Told | undefined> {
    const answer = await asOwner.post(`${study.path}/files`, { name: 'a.txt', mediaType: 'text/plain', size })
    if (answer.status === 201) {
      const { file, upload } = answer.body
      await put(upload.url, 'x'.repeat(size))
      begun.push({ id: upload.id, file: file.id })
    }
    return hear(
      answer,
      toldBy(({ body }) => ({ begun: body.upload.id })),
    )
  }

  const settle = {
    complete: async ({ id }: Begun) => asOwner.post(`${at({ id })}/complete`),
    abandon: async ({ id }: Begun) => asOwner.delete(at({ id })),
    delete: async ({ file }: Begun) => asOwner.delete(`${study.path}/files/${file}`),
  }

  return (op: Op): { asked: Asked; ask: () => Promise<Told | undefined> } | undefined => {
    if ('size' in op) return { asked: op, ask: async () => begin(op.size) }
    if ('nth' in op) {
      const upload = begun[op.nth % begun.length]
      if (upload === undefined) return undefined
      return { asked: { do: op.do, upload: upload.id }, ask: async () => hear(await settle[op.do](upload), done) }
    }
    if ('document' in op) {
      const document = `${path}-${op.document}`
      const ask = async () => (op.do === 'erase' ? asOwner.delete(document) : asOwner.put(document, { n: 1 }))
      return { asked: op, ask: async () => hear(await ask(), done) }
    }
    if (op.do === 'limit') {
      return {
        asked: op,
        ask: async () => hear(await asOperator.patch(study.path, settingsOf(plus(op.most, before))), done),
      }
    }
    const less = { bytes: -before.bytes, files: -before.files, documents: -before.documents }
    const count = async () =>
      hear(
        await asOperator.get(study.path),
        toldBy((answer) => plus(usageIn(answer), less)),
      )
    return { asked: op, ask: count }
  }
}

let subjects = 0

/** A study that may hold so much more than it does. */
async function aBound(most: Counts): Promise<Subject<Op, Holding, Asked, Told>> {
  const { study } = desk
  const before = usageIn(await operator.get(study.path))
  ok(await operator.patch(study.path, settingsOf(plus(before, most))))
  const ways = { before, begun: [], path: `${study.path}/participants/me/documents/of-${(subjects += 1)}` }
  return {
    model: { initial: { most, held: { bytes: 0, files: 0, documents: 0 }, documents: [], uploads: {} }, step },
    client: (client) => asking(ways, client),
    after: [{ do: 'count' }, { do: 'begin', size: 1 }, { do: 'write', document: 'z' }, { do: 'count' }],
  }
}

const bounds: Programs<Counts, Op, Holding, Asked, Told> = { setting: counts, op: ops, subject: aBound }

test(
  'a study holds what it may and not more, whoever asks at once',
  async () => {
    const { answers, overlapping } = await tryPrograms('quotas', bounds, { runs: 40 })
    for (const each of ['"full"', '"missing"', '"held"', '(lost)']) expect([...answers]).toContain(each)
    expect(overlapping).toBeGreaterThan(50)
  },
  TRYING_MS,
)
