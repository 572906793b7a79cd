import { env } from 'cloudflare:workers'
import { JobMessage } from '../../src/model/job-messages.ts'
import type { KeyId, MemberId, ParticipantId, StudyId } from '../../src/model/ids.ts'
import type { Actor, Principal } from '../../src/model/principal.ts'
import { callersOf } from './callers.ts'
import { anonymous, type Caller, operator, ORIGIN, told } from './client.ts'
import { overriding, sendingTo } from './faults.ts'
import type { Who } from './matrix.ts'
import { nobody } from './principals.ts'
import { LOGIN, signedIn } from './tokens.ts'
import { aKey, aParticipant, aStudy, ok, type Study } from './world.ts'

// Everyone who asks: of a study with one of each role, of another study, and from outside. Names and ids of people say
// "hush", so that they are noticed where they must not be.

export const OWNER = 'hush-ada'
export const GRANTEE = 'hush-bob'
export const WITHDRAWN = 'hush-wim'
/** In the other study only. */
export const STRANGER = 'hush-eve'

type Team = 'staff' | 'worker' | 'admin' | 'download'

// Ids get their brands here, and actors are composed, as storage does both from its rows.

const stranger = nobody('stranger')
const inStudy = (study: Study) => ({ study: study.id as StudyId })
const throughKey = (id: string) => ({ through: { key: id as KeyId, lastUsedAt: null } })

async function keyOf(study: Study, role: Team) {
  const caller = await aKey(study, { role, label: 'hush' })
  const actor = `key:${caller.id}` as Actor
  const principal: Principal = { role, ...inStudy(study), actor, ...throughKey(caller.id) }
  return { caller, principal, keyId: caller.id }
}

const teamOf = async (study: Study) => ({
  staff: await keyOf(study, 'staff'),
  worker: await keyOf(study, 'worker'),
  admin: await keyOf(study, 'admin'),
  download: await keyOf(study, 'download'),
})

async function participantOf(study: Study, name: string, status: 'active' | 'withdrawn' = 'active') {
  const { keyId, ...caller } = await aParticipant(study, { id: name, externalId: `${name}-external`, firstName: name })
  const principal: Principal = {
    role: 'participant',
    ...inStudy(study),
    participant: name as ParticipantId,
    status,
    source: null,
    readOnly: false,
    actor: `participant:${name}` as Actor,
    ...throughKey(keyId),
  }
  return { caller, principal, keyId }
}

/** Somebody who signs in elsewhere and has a place in the study. */
async function memberOf(study: Study, member: { role: 'staff' } | { role: 'participant'; participant: string }) {
  const subject = `hush-${member.role}-of-${study.id}`
  const { id } = ok(
    await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject, firstName: 'hush', ...member }),
  )
  const through = { member: id as MemberId }
  const principal: Principal =
    member.role === 'staff'
      ? { role: 'staff', ...inStudy(study), actor: `member:${id}` as Actor, through }
      : {
          role: 'participant',
          ...inStudy(study),
          participant: member.participant as ParticipantId,
          status: 'active',
          source: null,
          readOnly: false,
          actor: `participant:${member.participant}` as Actor,
          through,
        }
  return { id: String(id), caller: await signedIn(subject), principal }
}

const SHOWN = { anonymous: 'nothing', operator: 'the operator key', stranger: 'a JWT' } as const

/** The same caller, whose requests' messages to the queue are kept instead of worked on. */
function heard({ key }: Caller): Pick<Who, 'caller' | 'enqueued'> {
  const enqueued: JobMessage[] = []
  const JOBS = overriding(env.JOBS, {
    send: async (message) => {
      enqueued.push(JobMessage.parse(message))
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } }
    },
  })
  return { enqueued, caller: callersOf(sendingTo({ JOBS }), () => ORIGIN, told)(key) }
}

/** Two studies and everyone who asks in them. A withdrawn participant has yet to withdraw, when all is furnished. */
export async function people() {
  const [home, elsewhere] = await Promise.all([aStudy({ allowPublic: true }), aStudy({ allowPublic: true })])
  const [ada, bob, wim, eve, team, strangers] = await Promise.all([
    participantOf(home, OWNER),
    participantOf(home, GRANTEE),
    participantOf(home, WITHDRAWN, 'withdrawn'),
    // Of the same name as somebody here, and nobody here.
    participantOf(elsewhere, OWNER),
    teamOf(home),
    teamOf(elsewhere),
  ])
  await aParticipant(elsewhere, { id: STRANGER, externalId: 'hush-eve-external' })
  const adaMember = await memberOf(home, { role: 'participant', participant: OWNER })
  const staffMember = await memberOf(home, { role: 'staff' })
  const revoked = await aKey(home, { role: 'participant', participant: OWNER })
  ok(await home.admin.delete(`${home.path}/keys/${revoked.id}`))
  const expired = await aKey(home, { role: 'admin' })
  await env.DB.prepare('UPDATE api_keys SET expires_at = 1 WHERE study_id = ? AND id = ?')
    .bind(home.id, expired.id)
    .run()

  const here = (name: string, caller: Caller, principal: Principal | undefined): Who => ({
    name,
    ...heard(caller),
    shows: 'a key',
    home: principal,
    elsewhere: principal === undefined ? undefined : stranger,
  })
  const there = (name: string, caller: Caller, principal: Principal): Who => ({
    name,
    ...heard(caller),
    shows: 'a key',
    home: stranger,
    elsewhere: principal,
  })
  const everywhere = (name: string, caller: Caller, role: 'anonymous' | 'operator' | 'stranger'): Who => ({
    name,
    ...heard(caller),
    shows: SHOWN[role],
    home: nobody(role),
    elsewhere: nobody(role),
  })
  const callers: readonly Who[] = [
    everywhere('nobody', anonymous, 'anonymous'),
    here('a revoked key', revoked, undefined),
    here('an expired key', expired, undefined),
    everywhere('somebody who signed in and has no place', await signedIn('hush-nobody'), 'stranger'),
    everywhere('the operator', operator, 'operator'),
    here('the participant', ada.caller, ada.principal),
    { ...here('the participant, signed in', adaMember.caller, adaMember.principal), shows: 'a JWT' },
    here('the grantee', bob.caller, bob.principal),
    here('the withdrawn', wim.caller, wim.principal),
    ...Object.entries(team).map(([role, { caller, principal }]) => here(`a ${role} key`, caller, principal)),
    { ...here('the staff, signed in', staffMember.caller, staffMember.principal), shows: 'a JWT' },
    there("another study's participant", eve.caller, eve.principal),
    ...Object.entries(strangers).map(([role, { caller, principal }]) =>
      there(`another study's ${role} key`, caller, principal),
    ),
  ]
  return {
    home,
    elsewhere,
    callers,
    ada,
    bob,
    wim,
    eve,
    team,
    strangers,
    staffMember,
    memberElsewhere: await memberOf(elsewhere, { role: 'staff' }),
    /** With whom files are shared. */
    grantees: [`participant:${GRANTEE}`, `participant:${WITHDRAWN}`, `member:${staffMember.id}`],
  }
}
export type People = Awaited<ReturnType<typeof people>>
