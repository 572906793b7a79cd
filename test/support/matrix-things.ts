import { env } from 'cloudflare:workers'
import { newId, type ParticipantId } from '../../src/model/ids.ts'
import { aThing, type Kind, type Thing } from './matrix.ts'
import { absentLike, filesOf, uploadsOf } from './matrix-files.ts'
import { GRANTEE, OWNER, type People, STRANGER, WITHDRAWN } from './matrix-people.ts'
import { ok, type Study } from './world.ts'

// One of each thing that a path can name, in the way of each relation that somebody can have to it.

const AT = '2026-11-21'
const NOBODY = 'hush-nobody'

const owned = (owner: string) => ({ owner: owner as ParticipantId }) // enrolled by this id

/** What a participant has, besides files: a document, a report and an enrolment code, all under the same names. */
async function belongingsOf(study: Study, { caller }: People['ada'], id: string) {
  const path = `${study.path}/participants/${id}`
  ok(await caller.put(`${path}/documents/hush-preferences`, { hush: true }))
  ok(await caller.put(`${path}/reports/hush-steps/entries/${AT}`, { hush: 1 }))
  return ok(await study.admin.post(`${path}/enrolment-codes`, { label: 'hush' })).id as string
}

async function studysOwn(study: Study) {
  const paths = { kept: `${study.path}/reports/hush-minutes`, open: `${study.path}/reports/hush-weather` }
  for (const path of Object.values(paths)) ok(await study.admin.put(`${path}/entries/${AT}`, { hush: 1 }))
  ok(await study.admin.patch(paths.open, { public: true }))
  ok(await study.admin.put(`${study.path}/document-schemas/hush-consent`, { type: 'object' }))
}

function participantThings(world: People, codes: { ada: string; wim: string; eve: string }): Thing[] {
  const { home, elsewhere } = world
  const of = (study: Study, participant: string, code: string) => ({
    study: study.id,
    participant,
    code,
    identifier: 'hush-preferences',
    at: AT,
  })
  return [
    aThing({ what: 'a participant', facts: owned(OWNER), names: of(home, OWNER, codes.ada) }),
    aThing({
      what: 'a withdrawn participant',
      facts: owned(WITHDRAWN),
      ownerWithdrawn: true,
      names: of(home, WITHDRAWN, codes.wim),
    }),
    ...[NOBODY, STRANGER].map((id) =>
      aThing({
        what: id === NOBODY ? 'a participant who is not there' : "another study's participant, in this one",
        isThere: false,
        ownerIsThere: false,
        facts: owned(id),
        names: of(home, id, codes.eve),
      }),
    ),
    aThing({
      what: "another study's participant",
      place: 'elsewhere',
      facts: owned(OWNER),
      names: of(elsewhere, OWNER, codes.eve),
    }),
  ]
}

/** The same of something that they have under an identifier, and of what they don't. */
const belongingThings = (participants: readonly Thing[], identifier: string): Thing[] =>
  participants.flatMap((each) => {
    const named = { ...each, what: `${identifier} of ${each.what}`, names: { ...each.names, identifier } }
    const absent = { ...named, what: `nothing of ${each.what}`, isThere: false }
    return [
      named,
      ...(each.isThere ? [{ ...absent, names: { ...each.names, identifier: 'hush-absent', at: AT } }] : []),
    ]
  })

const inBoth = ({ home, elsewhere }: People, thing: (study: Study) => Parameters<typeof aThing>[0]): Thing[] => [
  aThing(thing(home)),
  { ...aThing(thing(elsewhere)), what: `${thing(elsewhere).what} of another study`, place: 'elsewhere' },
]

/** Things of the study's: what they are is known to everyone in it, or to nobody. */
function studyThings(world: People) {
  const study = inBoth(world, ({ id }) => ({
    what: 'the study',
    facts: { visibility: 'study' },
    names: { study: id, principal: `participant:${id === world.home.id ? GRANTEE : STRANGER}` },
  }))
  const named = (identifier: string, what: string, visibility: 'private' | 'public') =>
    inBoth(world, ({ id }) => ({ what, facts: { visibility }, names: { study: id, identifier, at: AT } }))
  const absent = inBoth(world, ({ id }) => ({
    what: 'nothing',
    isThere: false,
    names: { study: id, identifier: 'hush-absent', at: AT },
  }))
  return {
    study: [
      ...study,
      aThing({
        what: 'a study that is not there',
        place: 'absent',
        isThere: false,
        names: { study: 'hush-absent', principal: `participant:${GRANTEE}` },
      }),
    ],
    documentSchema: [...named('hush-consent', 'a schema', 'private'), ...absent],
    studyReport: [
      ...named('hush-minutes', 'a report', 'private'),
      ...named('hush-weather', 'a public report', 'public'),
      ...absent,
    ],
  }
}

function idThings(world: People) {
  const { home, elsewhere, team, strangers, ada, staffMember, memberElsewhere } = world
  const here = (what: string, names: object) => aThing({ what, names: { study: home.id, ...names } })
  const there = (what: string, names: object) => ({
    ...aThing({ what, names: { study: elsewhere.id, ...names } }),
    place: 'elsewhere' as const,
  })
  const [member, key] = [
    here('a member', { member: staffMember.id }),
    here("the staff's key", { key: team.staff.keyId }),
  ]
  const memberThere = there("another study's member", { member: memberElsewhere.id })
  const keyThere = there("another study's key", { key: strangers.staff.keyId })
  return {
    member: [member, memberThere, ...absentLike([member], [memberThere])],
    key: [
      key,
      here("an admin's key", { key: team.admin.keyId }),
      here("a participant's key", { key: ada.keyId }),
      keyThere,
      ...absentLike([key], [keyThere]),
    ],
  }
}

/** What carries its own right: a one-time link and an enrolment code. Whoever has it may use it. */
async function rights(world: People, [file]: readonly Thing[]) {
  const { home, ada } = world
  const { url } = ok(
    await ada.caller.post(`${home.path}/files/${file?.names['file']}/download-tokens`, { seconds: 3_600 }),
  )
  const { code } = ok(await home.admin.post(`${home.path}/participants/${GRANTEE}/enrolment-codes`, { label: 'hush' }))
  return {
    link: [
      aThing({ what: 'a link', names: { token: new URL(url).pathname.split('/').at(-1) ?? '' } }),
      aThing({ what: 'no link', isThere: false, names: { token: 'hush' } }),
    ],
    enrolment: [
      aThing({ what: 'a code', names: { code } }),
      aThing({ what: 'no code', isThere: false, names: { code: 'hush' } }),
    ],
    service: [aThing({ what: 'the service', names: {} })],
  }
}

/** A receipt of somebody who is gone. */
async function receiptsOf({ home, elsewhere }: People): Promise<Thing[]> {
  const erasure = newId('era', new Date())
  await env.DB.prepare(
    `INSERT INTO erasures (study_id, id, kind, audit_id, state, requested_at, done_at)
     VALUES (?, ?, 'participant', 'hush', 'done', 1, 2)`,
  )
    .bind(home.id, erasure)
    .run()
  const receipt = aThing({ what: 'a receipt', names: { study: home.id, erasure } })
  return [
    receipt,
    { ...receipt, what: 'a receipt, in another study', isThere: false, names: { study: elsewhere.id, erasure } },
  ]
}

/** Both studies furnished; from now on the withdrawn participant has withdrawn. */
export async function furnish(world: People): Promise<Record<Kind, readonly Thing[]>> {
  const { home, elsewhere, ada, wim, eve } = world
  const [files, uploads] = await Promise.all([filesOf(world), uploadsOf(world)])
  const codes = {
    ada: await belongingsOf(home, ada, OWNER),
    wim: await belongingsOf(home, wim, WITHDRAWN),
    eve: await belongingsOf(elsewhere, eve, OWNER),
  }
  await Promise.all([studysOwn(home), studysOwn(elsewhere)])
  ok(await home.admin.patch(`${home.path}/participants/${WITHDRAWN}`, { status: 'withdrawn' }))
  const participants = participantThings(world, codes)
  const byId = [...files.home, ...files.elsewhere, ...absentLike(files.home, files.elsewhere)]
  const ofSomebody = [...files.home, ...files.elsewhere].filter(({ facts }) => facts.owner !== null)
  return {
    file: byId,
    handle: [
      ...ofSomebody,
      ...participants.map((each) => ({
        ...each,
        isThere: false,
        what: `nothing of ${each.what}`,
        names: { ...each.names, handle: 'hush-absent' },
      })),
    ],
    upload: [...uploads.home, ...uploads.elsewhere, ...absentLike(uploads.home, uploads.elsewhere)],
    participant: participants,
    document: belongingThings(participants, 'hush-preferences'),
    participantReport: belongingThings(participants, 'hush-steps'),
    ...studyThings(world),
    ...idThings(world),
    erasure: await receiptsOf(world),
    ...(await rights(world, files.home)),
  }
}
