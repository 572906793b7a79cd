import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Answer } from '../support/callers.ts'
import { aDesk } from '../support/desk.ts'
import { type Programs, type Subject, tryPrograms, TRYING_MS } from '../support/histories.ts'
import { aFile, aParticipant, type Participant } from '../support/world.ts'

// What is shared with somebody, as a register of its own for each: a read that begins after its end was answered never
// succeeds.

const PEOPLE = ['ada', 'bob'] as const
const LEVELS = ['metadata', 'content'] as const
type Who = (typeof PEOPLE)[number]
type Level = (typeof LEVELS)[number]
type Op = { do: 'revoke' | 'look' | 'read' | 'find'; who: Who } | { do: 'grant'; who: Who; level: Level }
type Told = 'done' | 'nothing to end' | 'seen' | 'not seen' | 'not all of it'
type Shared = Readonly<Partial<Record<Who, Level>>>

/** Mostly about one of them, so that they come into each other's way. */
const who = fc.constantFrom('ada', 'ada', 'ada', 'bob' as const)
const op: fc.Arbitrary<Op> = fc.oneof(
  fc.record({ do: fc.constant('grant' as const), who, level: fc.constantFrom(...LEVELS) }),
  fc.record({ do: fc.constantFrom('revoke', 'revoke', 'look', 'read', 'find'), who }),
)

const seenBy: Record<'look' | 'read' | 'find', Record<Level, Told>> = {
  look: { metadata: 'seen', content: 'seen' },
  read: { metadata: 'not all of it', content: 'seen' },
  find: { metadata: 'seen', content: 'seen' },
}

function step(shared: Shared, asked: Op, told: Told | undefined): Shared | undefined {
  const { [asked.who]: level, ...others } = shared
  const fits = (expected: Told) => told === undefined || told === expected
  if (asked.do === 'grant') return fits('done') ? { ...others, [asked.who]: asked.level } : undefined
  if (asked.do === 'revoke') return fits(level === undefined ? 'nothing to end' : 'done') ? others : undefined
  return fits(level === undefined ? 'not seen' : seenBy[asked.do][level]) ? shared : undefined
}

const TOLD: Readonly<Record<string, Told>> = {
  200: 'seen',
  201: 'done',
  204: 'done',
  302: 'seen',
  grant_not_found: 'nothing to end',
  file_not_found: 'not seen',
  forbidden: 'not all of it',
}

function toldBy({ status, body, text }: Answer): Told {
  const said = TOLD[body.code ?? status]
  if (said === undefined) throw new Error(`${status} ${text}`)
  return said
}

let desk: Awaited<ReturnType<typeof aDesk>>
let people: Record<Who, Participant>
beforeAll(async () => {
  desk = await aDesk()
  const [ada, bob] = [await aParticipant(desk.study), await aParticipant(desk.study)]
  people = { ada, bob }
})

let files = 0

/** A file that nobody else sees, in a category of its own, by which it can be found. */
async function aRegister(): Promise<Subject<Op, Shared, Op, Told>> {
  const { study, owner } = desk
  const category = `category-${(files += 1)}`
  const { id } = await aFile(owner, study, { category })
  const path = `${study.path}/files/${id}`
  return {
    model: { initial: {}, step },
    client:
      ({ by, hear }) =>
      (asked) => {
        const reader = people[asked.who]
        const grant = `${path}/grants/participant:${reader.id}`
        const ask = {
          grant: async () => by(owner).put(grant, { level: asked.do === 'grant' ? asked.level : undefined }),
          revoke: async () => by(owner).delete(grant),
          look: async () => by(reader).get(path),
          read: async () => by(reader).get(`${path}/content`),
          find: async () => by(reader).get(`${study.path}/files?category=${category}`),
        }[asked.do]
        return {
          asked,
          ask: async () =>
            hear(await ask(), (answer) => {
              if (asked.do === 'find') return answer.body.items.length === 1 ? 'seen' : 'not seen'
              return asked.do === 'grant' && answer.status === 200 ? 'done' : toldBy(answer)
            }),
        }
      },
    after: PEOPLE.flatMap((each) => [{ do: 'look', who: each } as const, { do: 'find', who: each } as const]),
  }
}

const sharing: Programs<null, Op, Shared, Op, Told> = { setting: fc.constant(null), op, subject: aRegister }

test(
  'a file is seen by those with whom it is shared, from the grant on and not after its end',
  async () => {
    const { answers, overlapping } = await tryPrograms('sharing', sharing, { runs: 40 })
    expect(answers.size).toBeGreaterThan(4)
    expect(overlapping).toBeGreaterThan(50)
  },
  TRYING_MS,
)
