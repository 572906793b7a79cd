import { env } from 'cloudflare:workers'
import { deliver, overriding } from './faults.ts'

/** An event as it is stored. */
export type StoredEvent = Readonly<{
  id: string
  at: number
  door: string
  action: string
  outcome: string
  actor: string
  through: string | null
  subject: string | null
  object: string | null
}>

/** What is on record of a study, oldest first. */
export async function eventsOf(study: { id: string }): Promise<StoredEvent[]> {
  const { results } = await env.DB.prepare(
    `SELECT id, at, door, action, outcome, actor, through, subject, object
      FROM audit_events WHERE study_id = ? ORDER BY id`,
  )
    .bind(study.id)
    .all<StoredEvent>()
  return results
}

/** What comes to be on record while something is done, by what it was. */
export async function recorded(study: { id: string }, deed: () => Promise<unknown>): Promise<StoredEvent[]> {
  const before = new Set((await eventsOf(study)).map(({ id }) => id))
  await deed()
  const events = (await eventsOf(study)).filter(({ id }) => !before.has(id))
  // Of one millisecond, either may have the lower id.
  return events.toSorted((a, b) => a.action.localeCompare(b.action))
}

/** A participant's pseudonym. */
export const auditIdOf = async (study: { id: string }, participant: { id: string }) =>
  env.DB.prepare('SELECT audit_id FROM participants WHERE study_id = ? AND id = ?')
    .bind(study.id, participant.id)
    .first<string>('audit_id')

/** A queue that keeps what it is sent until it is told to bring it. */
export function aQueue() {
  const messages: unknown[] = []
  const JOBS = overriding(env.JOBS, {
    send: async (message) => {
      messages.push(structuredClone(message))
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } }
    },
  })
  return { messages, JOBS, bring: async () => deliver(messages.splice(0), {}, 'carrel-jobs') }
}
