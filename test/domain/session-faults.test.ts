import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { getFile, listFiles } from '../../src/domain/files.ts'
import { signOut } from '../../src/domain/sessions.ts'
import type { FileId } from '../../src/model/ids.ts'
import { disturbed } from '../support/faults.ts'
import { meteredBindings } from '../support/meters.ts'
import { type Death, mortal } from '../support/mortality.ts'
import { type Asking, idOf, outcomeOf, scopeOf } from '../support/scopes.ts'
import { aPerson, opening, opens, type Person, renewing, sessionRows, signingIn } from '../support/sessions.ts'
import { aFile, aStudy, begin, type Study } from '../support/world.ts'

const HOUR = 3_600_000

const events = async (study: { id: string }, action: string) =>
  env.DB.prepare('SELECT count(*) AS n FROM audit_events WHERE study_id = ? AND action = ?')
    .bind(study.id, action)
    .first<number>('n')

const signingOut = async (study: Study, secret: string, asking: Asking = {}) =>
  signOut(await scopeOf({ ...asking, secret }), idOf(study))

type SignedIn = { token: string; renewal: string }
/** What a client that knows its key, or what it was given before, does: answers with what it has then. */
type Deed = (study: Study, has: SignedIn & { person: Person }, asking?: Asking) => Promise<SignedIn | undefined>

const DEEDS: Record<string, Deed> = {
  'a sign-in': async (study, { person }, asking) => signingIn(study, person, asking),
  'a renewal of what lives': async (study, { renewal }, asking) => renewing(study, renewal, asking),
  'a renewal of what has ended': async (study, { renewal }, asking) =>
    renewing(study, renewal, { now: new Date(Date.now() + 13 * HOUR), ...asking }),
  'a sign-out': async (study, { token }, asking) => {
    await signingOut(study, token, asking)
    return undefined
  },
}

let study: Study
beforeAll(async () => {
  study = await aStudy()
})

async function rowsOf(person: Person) {
  const theirs = (await sessionRows(study)).filter((row) => row.participant_id === person.id)
  const of = (kind: string) => theirs.filter((row) => row.kind === kind).length
  return { access: of('access'), renewal: of('renewal') }
}

/** Somebody signed in does it, and the process dies on the way; how far it came, and what is so afterwards. */
async function dying(deed: Deed, death: Death) {
  const person = await aPerson(study)
  const has = { person, ...(await signingIn(study, person)) }
  const { bindings, life } = mortal(death)
  const died = await deed(study, has, { other: bindings }).then(
    () => false,
    () => true,
  )
  return { has, person, died, calls: life.calls }
}

describe.each(Object.keys(DEEDS))('%s that dies', (name) => {
  const deed = DEEDS[name]
  if (deed === undefined) throw new Error('no such deed')

  test('at any of its calls leaves no second session, and can be done again', async () => {
    for (const takesEffect of [false, true]) {
      let at = 1
      for (; at < 10; at += 1) {
        const { has, person, died, calls } = await dying(deed, { at, takesEffect })
        if (calls < at) break
        const left = await rowsOf(person)
        expect([at, left.access <= 1, left.renewal <= 2]).toEqual([at, true, true])
        // What was noted of the key after the answer may be what died.
        if (!died) continue
        if (name === 'a sign-out') {
          const again = await outcomeOf(deed(study, has))
          expect(['done', 'unauthenticated']).toContain(again)
          expect(await rowsOf(person)).toEqual({ access: 0, renewal: 0 })
          expect(await outcomeOf(renewing(study, has.renewal))).toBe('account_not_found')
        } else {
          const again = await deed(study, has)
          const now = new Date(Date.now() + (name.endsWith('ended') ? 13 * HOUR : 0))
          expect([at, await opens(study, again?.token ?? '', { now })]).toEqual([at, 'done'])
          expect((await rowsOf(person)).access).toBe(1)
        }
      }
      expect(at).toBeGreaterThan(2)
    }
  })
})

describe('an answer of D1 that was lost', () => {
  test('signs in once, with one session and one secret that renews it', async () => {
    const person = await aPerson(study)
    const before = await events(study, 'session.begin')
    const { DB, seen } = disturbed({ on: /INSERT INTO sessions/, loses: 1 })
    const { token, renewal } = await signingIn(study, person, { other: { DB } })
    expect([seen.times, await opens(study, token), await rowsOf(person)]).toEqual([
      2,
      'done',
      { access: 1, renewal: 1 },
    ])
    expect(await events(study, 'session.begin')).toBe((before ?? 0) + 1)
    const renewed = await events(study, 'session.renew')
    const again = disturbed({ on: /INSERT INTO sessions/, loses: 1 })
    expect((await renewing(study, renewal, { other: { DB: again.DB } })).token).toBe(token)
    expect([again.seen.times, await rowsOf(person)]).toEqual([2, { access: 1, renewal: 2 }])
    expect(await events(study, 'session.renew')).toBe((renewed ?? 0) + 1)
  })

  test('signs out once, and tells nobody that they were not there', async () => {
    const person = await aPerson(study)
    const { token } = await signingIn(study, person)
    const before = await events(study, 'session.end')
    const { DB, seen } = disturbed({ on: /DELETE FROM sessions/, loses: 1 })
    expect(await outcomeOf(signingOut(study, token, { other: { DB } }))).toBe('done')
    expect([seen.times, await rowsOf(person)]).toEqual([2, { access: 0, renewal: 0 }])
    expect(await events(study, 'session.end')).toBe((before ?? 0) + 1)
  })

  test('again and again is said, and nothing is half done', async () => {
    const person = await aPerson(study)
    const { DB } = disturbed({ on: /INSERT INTO sessions/, loses: 3 })
    expect(await outcomeOf(signingIn(study, person, { other: { DB } }))).toBe('overloaded')
    const { token } = await signingIn(study, person)
    expect([await opens(study, token), (await rowsOf(person)).access]).toEqual(['done', 1])
  })
})

describe('between two trips of a sign-in', () => {
  test.each([
    ['its key is revoked', async (person: Person) => study.admin.delete(`${study.path}/keys/${person.keyId}`)],
    [
      'its participant is erased',
      async (person: Person) => study.admin.delete(`${study.path}/participants/${person.id}`),
    ],
  ])('%s, and no session opens', async (_, before) => {
    const person = await aPerson(study)
    const { DB, seen } = disturbed({ on: /INSERT INTO sessions/, before: async () => before(person) })
    const given = await signingIn(study, person, { other: { DB } }).catch(() => undefined)
    expect(seen.times).toBe(1)
    expect(await opens(study, given?.token ?? '')).toBe('unauthenticated')
    expect(await outcomeOf(renewing(study, given?.renewal ?? ''))).toBe('account_not_found')
  })
})

describe('a session costs', () => {
  /** How many trips it takes and rows it reads, when the session's first use is past. */
  async function costOf(secret: string, ask: (scope: Awaited<ReturnType<typeof scopeOf>>) => Promise<unknown>) {
    const { cost, bindings } = meteredBindings()
    await ask(await scopeOf({ secret, other: bindings }))
    return { trips: cost.trips, rows: cost.rows }
  }
  const PAGE = {
    query: {
      status: 'complete',
      participant: undefined,
      category: undefined,
      source: undefined,
      name: undefined,
      tags: [],
      from: undefined,
      until: undefined,
    },
    page: { limit: 100, cursor: undefined },
  } as const

  test('a row more than its key', async () => {
    const person = await aPerson(study)
    const { id } = await aFile(person, study)
    await begin(person, study)
    const { token } = await signingIn(study, person)
    const file = idOf(study)
    const reading = async (scope: Awaited<ReturnType<typeof scopeOf>>) => getFile(scope, file, { id: id as FileId })
    const listing = async (scope: Awaited<ReturnType<typeof scopeOf>>) => listFiles(scope, file, PAGE)
    await opening(study, person.key ?? '')
    for (const ask of [reading, listing]) {
      const [byKey, bySession] = [await costOf(person.key ?? '', ask), await costOf(token, ask)]
      expect(bySession.trips).toBe(byKey.trips)
      // In each of at most two statements.
      expect(bySession.rows - byKey.rows).toBeLessThanOrEqual(2)
    }
    const { trips, rows } = await costOf(token, reading)
    expect([trips, rows <= 5]).toEqual([1, true])
  })

  test('the same whoever else is signed in', async () => {
    const person = await aPerson(study)
    const spent = async () => {
      const { cost, bindings } = meteredBindings()
      const { token } = await signingIn(study, person, { other: bindings })
      await signingOut(study, token, { other: bindings })
      return { trips: cost.trips, rows: cost.rows }
    }
    await spent()
    const alone = await spent()
    await env.DB.prepare(
      `INSERT INTO sessions (study_id, hash, id, kind, door, key_id, role, participant_id, created_at, expires_at)
         WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 2000)
         SELECT ?, 'hash-' || i, 'ses_' || i, CASE i % 2 WHEN 0 THEN 'access' ELSE 'renewal' END, 'bridge', 'key_' || (i / 4),
           'participant', 'p-' || (i / 4), 1, ? FROM series`,
    )
      .bind(study.id, Date.now() + HOUR)
      .run()
    const crowded = await spent()
    expect([alone.trips, crowded.trips]).toEqual([4, 4])
    expect(crowded.rows).toBeLessThanOrEqual(alone.rows + 3)
  })
})
