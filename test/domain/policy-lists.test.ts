import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { accessTo, type Facts, filterFor, permits, rules } from '../../src/domain/policy.ts'
import type { GrantLevel, Visibility } from '../../src/model/entities.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import type { Principal } from '../../src/model/principal.ts'
import { anonymous, type Caller } from '../support/client.ts'
import { departing } from '../support/departures.ts'
import { actor, aTeamMember, nobody, theParticipant } from '../support/principals.ts'
import { type Seed, seedFiles, seedGrants, seededId, SEEDED_SINCE } from '../support/seed.ts'
import { aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

// What lists find by ranges of the shelf, held against the rules.

const aVisibility = fc.constantFrom<Visibility>('private', 'study', 'public')
/** Read as storage reads it: a public file is a study file where the study does not allow that. */
const visibleAs = (visibility: Visibility, allowPublic: boolean): Visibility =>
  visibility === 'public' && !allowPublic ? 'study' : visibility

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
    const worlds = fc.record({
      files: fc.array(aFile, { maxLength: 25 }),
      allowPublic: fc.boolean(),
      looked: fc.nat(),
      leaving: fc.subarray(owners.slice(1)),
    })
    let made = 0
    await fc.assert(
      fc.asyncProperty(worlds, async ({ files, allowPublic, looked, leaving }) => {
        await env.DB.batch([
          env.DB.prepare('DELETE FROM files WHERE study_id = ?').bind(study.id),
          env.DB.prepare('DELETE FROM departures WHERE study_id = ?').bind(study.id),
          ...leaving.map((id) => departing(study.id, id)),
        ])
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
        const grantOf = ({ id, owner }: Seed, name: string | undefined): GrantLevel | null =>
          leaving.includes(owner) && name?.startsWith('member:')
            ? null
            : (grants.find(({ file, to, until }) => file === id && to === name && until !== SEEDED_SINCE)?.level ??
              null)
        const factsOf = (seed: Seed, name: string | undefined): Facts => ({
          owner: seed.owner === '' ? null : (seed.owner as ParticipantId),
          visibility: leaving.includes(seed.owner) ? 'private' : visibleAs(seed.visibility, allowPublic),
          createdBy: actor('system'),
          granted: grantOf(seed, name),
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
            const expected = found.map((seed) => [seed.id, grantOf(seed, name)])
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
