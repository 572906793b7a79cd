import { env } from 'cloudflare:workers'
import { actForParticipant } from '../../src/domain/service-accounts.ts'
import { getAccount, renewSession, signIn } from '../../src/domain/sessions.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import { aParticipant, type Participant, type Study } from './world.ts'
import { type Asking, idOf, outcomeOf, scopeOf } from './scopes.ts'

// Somebody who signs in at a foreign door, as an adapter would have it.

let people = 0

/** A participant whom foreign sign-ins know by a name. */
export async function aPerson(study: Study) {
  const externalId = `P-${(people += 1)}`
  return { ...(await aParticipant(study, { externalId })), externalId }
}
export type Person = Pick<Participant, 'key' | 'id' | 'keyId'> & { externalId: string }

const nameOf = ({ externalId }: Pick<Person, 'externalId'>) => ({ kind: 'externalId', externalId }) as const

export const signingIn = async (study: Study, person: Pick<Person, 'externalId' | 'key'>, asking: Asking = {}) =>
  signIn(await scopeOf(asking), idOf(study), { name: nameOf(person), password: person.key ?? '' })

export const renewing = async (study: Study, secret: string, asking: Asking = {}) =>
  renewSession(await scopeOf(asking), idOf(study), { name: undefined, secret })

/** Who a session's secret opens for. */
export const opening = async (study: Study, secret: string, asking: Asking = {}) =>
  getAccount(await scopeOf({ ...asking, secret }), idOf(study))

/** Whether it opens: `done`, or why not. */
export const opens = async (study: Study, secret: string, asking: Asking = {}) =>
  outcomeOf(opening(study, secret, asking))

/** The secret of a session that acts for a participant, as a key of the team is given it. */
export const acting = async (secret: string, participant: { id: string }, readOnly = false) =>
  (
    await actForParticipant(await scopeOf({ secret }), {
      participant: participant.id as ParticipantId, // one that was made
      reach: readOnly ? 'reading' : 'everything',
    })
  ).token

/** What is kept of a study's sessions. */
export async function sessionRows(study: { id: string }) {
  const { results } = await env.DB.prepare('SELECT * FROM sessions WHERE study_id = ? ORDER BY kind, id')
    .bind(study.id)
    .all<{ id: string; kind: string; hash: string; participant_id: string | null }>()
  return results
}
