import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { accessTo, type Facts, filterFor, permits, rules } from '../../src/domain/policy.ts'
import type { Owner, ParticipantStatus, Visibility } from '../../src/model/entities.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import type { Principal } from '../../src/model/principal.ts'
import type { Rule } from '../../src/model/rules.ts'
import { allows, READ_ONCE, type Target } from '../../src/storage/conditions.ts'
import { openDatabase, statement } from '../../src/storage/database.ts'
import { anonymous, type Caller } from '../support/client.ts'
import { actor, aTeamMember, bob, nobody, principals, theParticipant } from '../support/principals.ts'
import { type Seed, seedFiles, seededId, SEEDED_SINCE } from '../support/seed.ts'
import { aParticipant, aStudy, type Participant, type Study } from '../support/world.ts'

// What `domain/policy.ts` says and what `storage/conditions.ts` makes of it in SQL.

const STATUSES: Record<string, ParticipantStatus> = { ada: 'active', bob: 'active', will: 'withdrawn', erin: 'erasing' }
const anOwner = fc.constantFrom(null, ...Object.keys(STATUSES)) as fc.Arbitrary<Owner>
const aVisibility = fc.constantFrom<Visibility>('private', 'study', 'public')
const aCase = fc.record({
  principal: fc.constantFrom(
    ...Object.values(principals),
    theParticipant(bob),
    theParticipant('will' as ParticipantId, 'withdrawn'),
  ),
  owner: anOwner,
  visibility: aVisibility,
  createdBy: fc.constantFrom(...Object.values(principals), theParticipant(bob)).map((maker) => maker.actor),
  allowPublic: fc.boolean(),
})
type Case = typeof aCase extends fc.Arbitrary<infer Value> ? Value : never

/** Read as storage reads it: a public file is a study file where the study does not allow that. */
const visibleAs = (visibility: Visibility, allowPublic: boolean): Visibility =>
  visibility === 'public' && !allowPublic ? 'study' : visibility

function decided(rule: Rule, { principal, owner, visibility, createdBy, allowPublic }: Case): boolean {
  const facts = { owner, visibility: visibleAs(visibility, allowPublic), createdBy }
  // That the owner is active still is storage's part.
  const isActive = owner === null || STATUSES[owner] === 'active'
  return permits(rule, principal, facts) && (!rule.writes || isActive)
}

const rowOf = (
  { principal, owner, visibility, createdBy, allowPublic }: Case,
  names: { open: string; closed: string },
) => ({
  role: principal.role,
  actor: principal.actor,
  participant_id: principal.role === 'participant' ? principal.participant : null,
  status: principal.role === 'participant' ? principal.status : null,
  owner: owner ?? '',
  visibility,
  created_by: createdBy,
  study: allowPublic ? names.open : names.closed,
})

describe('in SQL the policy', () => {
  const names = { open: '', closed: '' }
  beforeAll(async () => {
    names.open = (await aStudy({ allowPublic: true })).id
    names.closed = (await aStudy()).id
    await env.DB.batch(
      Object.values(names).flatMap((study) =>
        Object.entries(STATUSES).map(([id, status], index) =>
          env.DB.prepare(
            'INSERT INTO participants (study_id, id, number, status, created_at) VALUES (?, ?, ?, ?, 0)',
          ).bind(study, id, index, status),
        ),
      ),
    )
  })

  const columns = ['role', 'actor', 'participant_id', 'status', 'owner', 'visibility', 'created_by', 'study']
  const whoOf = (from: Case[]) =>
    sql`WITH who AS (SELECT c.key AS place, ${sql.raw(
      columns.map((column) => `c.value ->> '${column}' AS ${column}`).join(', '),
    )} FROM json_each(${JSON.stringify(from.map((each) => rowOf(each, names)))}) c)`
  const target: Target = {
    study: sql`who.study`,
    owner: sql`who.owner`,
    visibility: sql`who.visibility`,
    createdBy: sql`who.created_by`,
  }

  test('is what it is in TypeScript, of many rows', async () => {
    const db = openDatabase(env.DB)
    await fc.assert(
      fc.asyncProperty(fc.array(aCase, { minLength: 40, maxLength: 80 }), async (cases) => {
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
      { numRuns: env.SLOW ? 200 : 8 },
    )
  })

  test('is what it is in TypeScript, where the caller is read once', async () => {
    const db = openDatabase(env.DB)
    await fc.assert(
      fc.asyncProperty(aCase, fc.constantFrom(...Object.entries<Rule>(rules)), async (one, [name, rule]) => {
        const [[row]] = await db.batch(
          statement<{ allowed: number | null }>(
            sql`${whoOf([one])} SELECT ${allows(rule, target, READ_ONCE)} AS allowed FROM who`,
          ),
        )
        expect([name, row?.allowed === 1]).toEqual([name, decided(rule, one)])
      }),
      { numRuns: env.SLOW ? 5_000 : 150 },
    )
  })
})

describe('a list', () => {
  let study: Study
  let callers: { caller: Caller; principal: Principal }[]
  let owners: string[]

  beforeAll(async () => {
    study = await aStudy()
    const people: Participant[] = [await aParticipant(study), await aParticipant(study), await aParticipant(study)]
    const [, , gone] = people
    await study.admin.patch(`${study.path}/participants/${gone?.id}`, { status: 'withdrawn' })
    owners = ['', ...people.map(({ id }) => id)]
    callers = [
      { caller: anonymous, principal: nobody('anonymous') },
      { caller: study.staff, principal: aTeamMember('staff') },
      { caller: study.worker, principal: aTeamMember('worker') },
      { caller: study.admin, principal: aTeamMember('admin') },
      { caller: study.download, principal: aTeamMember('download') },
      ...people.map((person) => ({
        caller: person,
        principal: theParticipant(person.id as ParticipantId, person === gone ? 'withdrawn' : 'active'),
      })),
    ]
  })

  test('has what the rule lets the caller find, and a file is seen where the rules say so', async () => {
    const aFile = fc.record({ owner: fc.nat(3), visibility: aVisibility, listed: fc.boolean(), at: fc.nat(5) })
    const worlds = fc.record({ files: fc.array(aFile, { maxLength: 25 }), allowPublic: fc.boolean(), looked: fc.nat() })
    let made = 0
    await fc.assert(
      fc.asyncProperty(worlds, async ({ files, allowPublic, looked }) => {
        await env.DB.prepare('DELETE FROM files WHERE study_id = ?').bind(study.id).run()
        await study.admin.patch(study.path, { settings: { allowPublic } })
        const seeds = files.map((file): Seed => {
          const owner = owners[file.owner] ?? ''
          return {
            id: seededId((made += 1)),
            owner,
            name: 'notes.txt',
            category: null,
            source: null,
            tags: [],
            visibility: owner === '' && file.visibility === 'private' ? 'study' : file.visibility,
            createdAt: SEEDED_SINCE + file.at,
            listedAt: file.listed ? SEEDED_SINCE + file.at : null,
          }
        })
        await seedFiles(study, seeds)
        const factsOf = ({ owner, visibility }: Seed): Facts => ({
          owner: owner === '' ? null : (owner as ParticipantId),
          visibility: visibleAs(visibility, allowPublic),
          createdBy: actor('system'),
        })
        for (const { caller, principal } of callers) {
          for (const status of ['complete', 'pending']) {
            const { body } = await caller.get(`${study.path}/files?limit=100&status=${status}`)
            const found = seeds
              .filter((seed) => (seed.listedAt === null) === (status === 'pending'))
              .filter((seed) => permits(rules.listFiles, principal, factsOf(seed)))
            // Whom no condition lets list anything is told so.
            const mayList = filterFor(principal, rules.listFiles).length > 0
            const listed = body.items?.map(({ id }: { id: string }) => id).toSorted()
            expect([principal.role, listed]).toEqual([principal.role, mayList ? found.map(({ id }) => id) : undefined])
          }
          const seed = seeds[looked % seeds.length]
          if (seed === undefined) continue
          const seen = await caller.get(`${study.path}/files/${seed.id}`)
          expect([principal.role, seen.status === 200]).toEqual([
            principal.role,
            accessTo(factsOf(seed), principal) !== 'none',
          ])
        }
      }),
      { numRuns: env.SLOW ? 150 : 12 },
    )
  })
})
