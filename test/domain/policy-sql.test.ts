import { env } from 'cloudflare:workers'
import { sql } from '../../src/storage/sql.ts'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Facts, permits, rules } from '../../src/domain/policy.ts'
import type { GrantLevel, Owner, ParticipantStatus } from '../../src/model/entities.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import type { Principal } from '../../src/model/principal.ts'
import type { Rule } from '../../src/model/rules.ts'
import { allows, READ_ONCE, type Target, visibilityNow } from '../../src/storage/conditions.ts'
import { openDatabase, statement } from '../../src/storage/database.ts'
import { departing } from '../support/departures.ts'
import { ada, anApplication, bob, principals, theParticipant } from '../support/principals.ts'
import { seedGrants } from '../support/seed.ts'
import { aStudy } from '../support/world.ts'

// What `domain/policy.ts` says and what `storage/conditions.ts` makes of it in SQL.

const STATUSES: Record<string, ParticipantStatus> = {
  ada: 'active',
  bob: 'active',
  will: 'withdrawn',
  erin: 'erasing',
  lena: 'withdrawn',
  otto: 'active',
}
/** Whose files are still becoming private; one of them was taken back meanwhile. */
const DEPARTING = new Set(['lena', 'otto'])
/** The time of every request here. */
const NOW = 1_000
const anOwner = fc.constantFrom(null, ...Object.keys(STATUSES)) as fc.Arbitrary<Owner>
const aCase = fc.record({
  principal: fc.constantFrom(
    ...Object.values(principals),
    theParticipant(bob),
    theParticipant(bob, 'active', true),
    theParticipant('will' as ParticipantId, 'withdrawn'),
    theParticipant('will' as ParticipantId, 'withdrawn', true),
    theParticipant('lena' as ParticipantId, 'withdrawn'),
    theParticipant('otto' as ParticipantId),
    anApplication(ada, 'notes'),
    anApplication(bob, 'other'),
    anApplication('will' as ParticipantId, 'notes', 'withdrawn'),
  ),
  owner: anOwner,
  visibility: fc.constantFrom<Facts['visibility']>('private', 'study', 'participants', 'public'),
  createdBy: fc.constantFrom(...Object.values(principals), theParticipant(bob)).map((maker) => maker.actor),
  allowPublic: fc.boolean(),
  source: fc.constantFrom(null, '', 'notes', 'Notes', 'other'),
  /** With whom it is shared: with the caller, or with somebody else; until before, at or after the time of the request. */
  grant: fc.option(
    fc.record({
      level: fc.constantFrom<GrantLevel>('metadata', 'content'),
      isCallers: fc.boolean(),
      until: fc.option(fc.constantFrom(NOW - 1, NOW, NOW + 1)),
    }),
  ),
})
type Case = typeof aCase extends fc.Arbitrary<infer Value> ? Value : never

/** Read as storage reads it: a public file is a study file where the study does not allow that. */
const visibleAs = (visibility: Facts['visibility'], allowPublic: boolean): Facts['visibility'] =>
  visibility === 'public' && !allowPublic ? 'study' : visibility

const isDeparting = (owner: Owner) => owner !== null && DEPARTING.has(owner)

/** How the caller of a case is granted what, in TypeScript's words. */
function grantedIn({ grant, owner, principal }: Case): GrantLevel | null {
  if (isDeparting(owner) && principal.role !== 'participant') return null
  return grant !== null && grant.isCallers && (grant.until === null || grant.until > NOW) ? grant.level : null
}

function decided(rule: Rule, one: Case): boolean {
  const { principal, owner, createdBy, allowPublic, source } = one
  const visibility = isDeparting(owner) ? 'private' : visibleAs(one.visibility, allowPublic)
  const facts = { owner, visibility, createdBy, granted: grantedIn(one), source }
  // That the owner is active still is storage's part.
  const isActive = owner === null || STATUSES[owner] === 'active'
  return permits(rule, principal, facts) && (!rule.writes || isActive)
}

/** A place in a run's cases: each is about a file of its own, shared or not, and asked by somebody of its own. */
type Placed = { place: number; names: { open: string; closed: string } }
const fileAt = (place: number) => `file-${place}`
const nameAt = ({ role }: Principal, place: number) => `${role === 'participant' ? 'participant' : 'member'}:${place}`

const sourceOf = (principal: Principal) => (principal.role === 'participant' ? principal.source : null)

const rowOf = ({ principal, owner, visibility, createdBy, allowPublic, source }: Case, { place, names }: Placed) => ({
  role: sourceOf(principal) === null ? principal.role : 'application',
  source: sourceOf(principal),
  file_source: source,
  actor: principal.actor,
  participant_id: principal.role === 'participant' ? principal.participant : null,
  status: principal.role === 'participant' ? principal.status : null,
  read_only: principal.role === 'participant' && principal.readOnly ? 1 : 0,
  owner: owner ?? '',
  visibility,
  created_by: createdBy,
  study_id: allowPublic ? names.open : names.closed,
  file: fileAt(place),
  principal: nameAt(principal, place),
  now: NOW,
})

describe('in SQL the policy', () => {
  const names = { open: '', closed: '' }
  beforeAll(async () => {
    names.open = (await aStudy({ allowPublic: true })).id
    names.closed = (await aStudy()).id
    await env.DB.batch(
      Object.values(names).flatMap((study) =>
        Object.entries(STATUSES).flatMap(([id, status], index) => [
          env.DB.prepare(
            'INSERT INTO participants (study_id, id, number, status, created_at) VALUES (?, ?, ?, ?, 0)',
          ).bind(study, id, index, status),
          ...(DEPARTING.has(id) ? [departing(study, id)] : []),
        ]),
      ),
    )
  })

  /** The grants of a run's cases, in place of those of the run before. */
  const share = async (cases: Case[]) => {
    await env.DB.prepare('DELETE FROM grants WHERE study_id IN (?, ?)').bind(names.open, names.closed).run()
    for (const allowPublic of [true, false]) {
      const grants = cases.flatMap(({ grant, ...one }, place) => {
        if (grant === null || one.allowPublic !== allowPublic) return []
        const principal = grant.isCallers ? nameAt(one.principal, place) : 'member:another'
        return [{ file: fileAt(place), principal, level: grant.level, until: grant.until }]
      })
      await seedGrants({ id: allowPublic ? names.open : names.closed }, grants)
    }
  }

  const facts = ['owner', 'visibility', 'created_by', 'study_id', 'file', 'file_source']
  const columns = ['role', 'source', 'actor', 'participant_id', 'status', 'read_only', 'principal', 'now', ...facts]
  const whoOf = (from: Case[]) =>
    sql`WITH who AS (SELECT c.key AS place, ${sql.raw(
      columns.map((column) => `c.value ->> '${column}' AS ${column}`).join(', '),
    )} FROM json_each(${JSON.stringify(from.map((each, place) => rowOf(each, { place, names })))}) c)`
  const target: Target = {
    study: sql`who.study_id`,
    file: sql`who.file`,
    owner: sql`who.owner`,
    visibility: visibilityNow('who'),
    createdBy: sql`who.created_by`,
    source: sql`who.file_source`,
  }

  test('is what it is in TypeScript, of many rows', async () => {
    const db = openDatabase(env.DB)
    await fc.assert(
      fc.asyncProperty(fc.array(aCase, { minLength: 40, maxLength: 80 }), async (cases) => {
        await share(cases)
        const all = Object.entries<Rule>(rules)
        const answers = await db.batch(
          ...all.map(([, rule]) =>
            statement<{ allowed: number | null }>(
              sql`${whoOf(cases)} SELECT ${allows(rule, target)} AS allowed FROM who ORDER BY place`,
            ),
          ),
        )
        const told = all.map(([name], index) => [name, answers[index]?.map(({ allowed }) => allowed === 1)])
        expect(told).toEqual(all.map(([name, rule]) => [name, cases.map((each) => decided(rule, each))]))
      }),
      { numRuns: env.SLOW ? 80 : 8 },
    )
  })

  test('is what it is in TypeScript, where the caller is read once', async () => {
    const db = openDatabase(env.DB)
    await fc.assert(
      fc.asyncProperty(aCase, fc.constantFrom(...Object.entries<Rule>(rules)), async (one, [name, rule]) => {
        await share([one])
        const [[row]] = await db.batch(
          statement<{ allowed: number | null; ofNoFile: number | null }>(
            sql`${whoOf([one])} SELECT ${allows(rule, target, READ_ONCE)} AS allowed,
              ${allows(rule, { ...target, source: undefined }, READ_ONCE)} AS "ofNoFile" FROM who`,
          ),
        )
        const told = [name, row?.allowed === 1, row?.ofNoFile === 1]
        expect(told).toEqual([name, decided(rule, one), decided(rule, { ...one, source: null })])
      }),
      { numRuns: env.SLOW ? 2_000 : 150 },
    )
  })
})
