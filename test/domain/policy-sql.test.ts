import { env } from 'cloudflare:workers'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { accessTo, type Facts, filterFor, permits, rules } from '../../src/domain/policy.ts'
import type { GrantLevel, Owner, ParticipantStatus, Visibility } from '../../src/model/entities.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import type { Principal } from '../../src/model/principal.ts'
import type { Rule } from '../../src/model/rules.ts'
import { allows, READ_ONCE, type Target } from '../../src/storage/conditions.ts'
import { openDatabase, statement } from '../../src/storage/database.ts'
import { anonymous, type Caller } from '../support/client.ts'
import {
  actor,
  ada,
  anApplication,
  aTeamMember,
  bob,
  nobody,
  principals,
  theParticipant,
} from '../support/principals.ts'
import { type Seed, seedFiles, seedGrants, seededId, SEEDED_SINCE } from '../support/seed.ts'
import { aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

// What `domain/policy.ts` says and what `storage/conditions.ts` makes of it in SQL.

const STATUSES: Record<string, ParticipantStatus> = { ada: 'active', bob: 'active', will: 'withdrawn', erin: 'erasing' }
/** The time of every request here. */
const NOW = 1_000
const anOwner = fc.constantFrom(null, ...Object.keys(STATUSES)) as fc.Arbitrary<Owner>
const aVisibility = fc.constantFrom<Visibility>('private', 'study', 'public')
const aCase = fc.record({
  principal: fc.constantFrom(
    ...Object.values(principals),
    theParticipant(bob),
    theParticipant(bob, 'active', true),
    theParticipant('will' as ParticipantId, 'withdrawn'),
    theParticipant('will' as ParticipantId, 'withdrawn', true),
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

/** How the caller of a case is granted what, in TypeScript's words. */
const grantedIn = ({ grant }: Case): GrantLevel | null =>
  grant !== null && grant.isCallers && (grant.until === null || grant.until > NOW) ? grant.level : null

function decided(rule: Rule, one: Case): boolean {
  const { principal, owner, visibility, createdBy, allowPublic, source } = one
  const facts = { owner, visibility: visibleAs(visibility, allowPublic), createdBy, granted: grantedIn(one), source }
  // That the owner is active still is storage's part.
  const isActive = owner === null || STATUSES[owner] === 'active'
  return permits(rule, principal, facts) && (!rule.writes || isActive)
}

/** A place in a run's cases: each is about a file of its own, shared or not, and asked by somebody of its own. */
type Placed = { place: number; names: { open: string; closed: string } }
const fileAt = (place: number) => `file-${place}`
const nameAt = (place: number) => `member:${place}`

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
  study: allowPublic ? names.open : names.closed,
  file: fileAt(place),
  principal: nameAt(place),
  now: NOW,
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

  /** The grants of a run's cases, in place of those of the run before. */
  const share = async (cases: Case[]) => {
    await env.DB.prepare('DELETE FROM grants WHERE study_id IN (?, ?)').bind(names.open, names.closed).run()
    for (const allowPublic of [true, false]) {
      const grants = cases.flatMap(({ grant, ...one }, place) => {
        if (grant === null || one.allowPublic !== allowPublic) return []
        const principal = grant.isCallers ? nameAt(place) : 'member:another'
        return [{ file: fileAt(place), principal, level: grant.level, until: grant.until }]
      })
      await seedGrants({ id: allowPublic ? names.open : names.closed }, grants)
    }
  }

  const facts = ['owner', 'visibility', 'created_by', 'study', 'file', 'file_source']
  const columns = ['role', 'source', 'actor', 'participant_id', 'status', 'read_only', 'principal', 'now', ...facts]
  const whoOf = (from: Case[]) =>
    sql`WITH who AS (SELECT c.key AS place, ${sql.raw(
      columns.map((column) => `c.value ->> '${column}' AS ${column}`).join(', '),
    )} FROM json_each(${JSON.stringify(from.map((each, place) => rowOf(each, { place, names })))}) c)`
  const target: Target = {
    study: sql`who.study`,
    file: sql`who.file`,
    owner: sql`who.owner`,
    visibility: sql`who.visibility`,
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
      { numRuns: env.SLOW ? 200 : 8 },
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
      { numRuns: env.SLOW ? 5_000 : 150 },
    )
  })
})

describe('a list', () => {
  let study: Study
  /** `name`: as whom the caller is shared with. */
  let callers: { caller: Caller; principal: Principal; name?: string }[]
  let owners: string[]

  beforeAll(async () => {
    study = await aStudy()
    const people: Participant[] = [await aParticipant(study), await aParticipant(study), await aParticipant(study)]
    const [, , gone] = people
    await study.admin.patch(`${study.path}/participants/${gone?.id}`, { status: 'withdrawn' })
    const member = ok(await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 's', role: 'staff' }))
    owners = ['', ...people.map(({ id }) => id)]
    callers = [
      { caller: anonymous, principal: nobody('anonymous') },
      { caller: study.staff, principal: aTeamMember('staff') },
      {
        caller: await aKey(study, { role: 'staff', member: member.id }),
        principal: aTeamMember('staff'),
        name: `member:${member.id}`,
      },
      { caller: study.worker, principal: aTeamMember('worker') },
      { caller: study.admin, principal: aTeamMember('admin') },
      { caller: study.download, principal: aTeamMember('download') },
      ...people.map((person) => ({
        caller: person,
        principal: theParticipant(person.id as ParticipantId, person === gone ? 'withdrawn' : 'active'),
        name: `participant:${person.id}`,
      })),
    ]
  })

  test('has what the rule lets the caller find, and a file is seen where the rules say so', async () => {
    const aGrant = fc.record({
      to: fc.constantFrom(...callers.flatMap(({ name }) => name ?? [])),
      level: fc.constantFrom<GrantLevel>('metadata', 'content'),
      until: fc.constantFrom(null, SEEDED_SINCE, Date.now() + 3_600_000),
    })
    const aFile = fc.record({
      owner: fc.nat(3),
      visibility: aVisibility,
      listed: fc.boolean(),
      at: fc.nat(5),
      grants: fc.uniqueArray(aGrant, { selector: ({ to }) => to, maxLength: 3 }),
    })
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
        // Nobody is granted what is their own.
        const grants = seeds.flatMap(({ id, owner }, index) =>
          (files[index]?.grants ?? [])
            .filter(({ to }) => to !== `participant:${owner}`)
            .map((grant) => ({ ...grant, file: id, principal: grant.to })),
        )
        await seedGrants(study, grants)
        const grantOf = (file: string, name: string | undefined): GrantLevel | null =>
          grants.find(({ file: of, to, until }) => of === file && to === name && until !== SEEDED_SINCE)?.level ?? null
        const factsOf = ({ id, owner, visibility }: Seed, name: string | undefined): Facts => ({
          owner: owner === '' ? null : (owner as ParticipantId),
          visibility: visibleAs(visibility, allowPublic),
          createdBy: actor('system'),
          granted: grantOf(id, name),
          source: null,
        })
        for (const { caller, principal, name } of callers) {
          for (const status of ['complete', 'pending']) {
            const { body } = await caller.get(`${study.path}/files?limit=100&status=${status}`)
            const found = seeds
              .filter((seed) => (seed.listedAt === null) === (status === 'pending'))
              // What is shared is on no list of what has no content.
              .filter((seed) => permits(rules.listFiles, principal, factsOf(seed, status === 'pending' ? '' : name)))
            // Whom no condition lets list anything is told so.
            const mayList = filterFor(principal, rules.listFiles).length > 0
            const listed = body.items?.map(({ id, shared }: { id: string; shared: string }) => [id, shared]).toSorted()
            const expected = found.map(({ id }) => [id, grantOf(id, name)])
            expect([principal.role, listed]).toEqual([principal.role, mayList ? expected : undefined])
          }
          const seed = seeds[looked % seeds.length]
          if (seed === undefined) continue
          const seen = await caller.get(`${study.path}/files/${seed.id}`)
          expect([principal.role, seen.status === 200]).toEqual([
            principal.role,
            accessTo(factsOf(seed, name), principal) !== 'none',
          ])
        }
      }),
      { numRuns: env.SLOW ? 150 : 12 },
    )
  })
})
