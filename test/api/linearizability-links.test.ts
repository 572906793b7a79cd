import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Answer } from '../support/callers.ts'
import { anonymous } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { type Programs, type Subject, tryPrograms, TRYING_MS } from '../support/histories.ts'
import { aFile, HELLO, ok } from '../support/world.ts'

// A link, as something that one of many gets: one succeeds, and none after its revocation or its time. Who pressed the
// page's button may press it again.

type Setting = Readonly<{ delivery: 'redirect' | 'stream'; confirm: boolean }>
/** `press`: what a page's button does, with the nonce of that page. */
type Op = { do: 'claim' | 'look' | 'revoke' | 'expire' } | { do: 'press'; page: 0 | 1 }
type Told = 'given' | 'used' | 'expired' | 'revoked' | 'done'
type Link = Readonly<{ by: number | null; expired: boolean; revoked: boolean }>

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constantFrom('claim', 'claim', 'claim', 'look', 'revoke', 'expire') }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('press' as const), page: fc.constantFrom(0, 1) }) },
)

/** Whoever claims without a page, or what is delivered once, whatever the page: nobody is let in again as they. */
const ANYBODY = -1

/** What somebody gets of a link, and what it is then. */
function claimed(link: Link, by: number): { told: Told; next: Link } {
  const isAgain = by !== ANYBODY && link.by === by
  if (!link.revoked && (isAgain || (link.by === null && !link.expired))) return { told: 'given', next: { ...link, by } }
  if (link.by !== null) return { told: 'used', next: link }
  return { told: link.expired ? 'expired' : 'revoked', next: link }
}

function done(link: Link, { delivery }: Setting, asked: Op): { told: Told; next: Link } {
  switch (asked.do) {
    case 'claim':
      return claimed(link, ANYBODY)
    case 'press':
      return claimed(link, delivery === 'redirect' ? asked.page : ANYBODY)
    case 'look':
      return { told: 'done', next: link }
    case 'revoke':
      return { told: 'done', next: { ...link, revoked: true } }
    case 'expire':
      return { told: 'done', next: { ...link, expired: true } }
    default:
      return asked satisfies never
  }
}

const REFUSALS: Readonly<Record<string, Told>> = {
  download_token_used: 'used',
  download_token_expired: 'expired',
  download_token_revoked: 'revoked',
}

function toldBy({ status, body, text, headers }: Answer): Told {
  const refusal = REFUSALS[body?.code]
  if (refusal !== undefined) return refusal
  const isGiven = headers.get('Location') !== null || text === HELLO
  if (!isGiven) throw new Error(`${status} ${text}`)
  return 'given'
}

let desk: Awaited<ReturnType<typeof aDesk>>
let links: string
beforeAll(async () => {
  desk = await aDesk()
  links = `${desk.study.path}/files/${(await aFile(desk.owner, desk.study)).id}/download-tokens`
})

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }
const expire = async (id: string) =>
  env.DB.prepare('UPDATE download_tokens SET expires_at = 1 WHERE study_id = ? AND id = ?')
    .bind(desk.study.id, id)
    .run()

async function aLink(setting: Setting): Promise<Subject<Op, Link, Op, Told>> {
  const { id, url } = ok(await desk.owner.post(links, setting))
  const nonces = [crypto.randomUUID(), crypto.randomUUID()]
  return {
    model: {
      initial: { by: null, expired: false, revoked: false },
      step: (link, asked, told) => {
        const expected = done(link, setting, asked)
        return told === undefined || told === expected.told ? expected.next : undefined
      },
    },
    client: ({ by, hear, isDisturbed }) => {
      const heeded = (answer: Answer): Told => (ok(answer), 'done')
      const told = (answer: Answer): Told | undefined => {
        const said = toldBy(answer)
        // It may have been used by this very claim, whose answer was lost, and ended before that was repeated.
        return said === 'used' && isDisturbed() ? undefined : said
      }
      const ways: Record<Op['do'], (asked: Op) => Promise<Told | undefined>> = {
        claim: async () => hear(await by(anonymous).get(url), told),
        press: async (asked) =>
          hear(await by(anonymous).post(url, `nonce=${asked.do === 'press' ? nonces[asked.page] : ''}`, FORM), told),
        look: async () => hear(await by(anonymous).head(url), heeded),
        revoke: async () => hear(await by(desk.owner).delete(`${links}/${id}`), heeded),
        expire: async () => (await expire(id), 'done'),
      }
      return (asked) => ({ asked, ask: async () => ways[asked.do](asked) })
    },
    after: [{ do: 'claim' }, { do: 'claim' }],
  }
}

const claiming: Programs<Setting, Op, Link, Op, Told> = {
  setting: fc.record({ delivery: fc.constantFrom('redirect', 'stream'), confirm: fc.boolean() }),
  op,
  subject: aLink,
}

test(
  'a link is given to one of those who claim it, and to nobody after its end',
  async () => {
    const { answers, overlapping } = await tryPrograms('links', claiming, { runs: 40 })
    for (const each of ['given', 'used', 'expired', 'revoked']) expect([...answers]).toContain(JSON.stringify(each))
    expect(overlapping).toBeGreaterThan(50)
  },
  TRYING_MS,
)
