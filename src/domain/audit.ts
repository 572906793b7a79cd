import type { AuditAction, AuditEvent, AuditQuery, Doer } from '../model/audit.ts'
import type { Owner } from '../model/entities.ts'
import { type ErrorCode, participantNotFound } from '../model/errors.ts'
import { newId, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Witnessed } from '../model/job-messages.ts'
import { mapPage, type Page, type PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import { logFailure } from '../log.ts'
import type { FoundEvent } from '../storage/audit-events.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// Writes put themselves on record in their own batch (`storage/audit.ts`). Here is what writes nothing: reads of content
// and refusals, which go through the queue, so that neither waits for the record nor fails with it.

/** What of content was read. */
export type Reading = Readonly<{
  study: StudyId
  action: Extract<AuditAction, 'file.read' | 'document.read' | 'report.read' | 'participant.export' | 'study.export'>
  owner: Owner
  object: string | null
}>

/** Those of whom it is known who they are. Nobody else can have anything written to the database. */
const isKnown = ({ role }: Principal) => role !== 'anonymous' && role !== 'stranger'

const throughOf = ({ through }: Principal): string | null =>
  through === undefined ? null : 'key' in through ? through.key : through.member

/** Puts a read of content on record. What everyone may read is, where nobody in particular reads it, not recorded. */
export function witness(scope: Scope, principal: Principal, { study, action, owner, object }: Reading): void {
  if (!isKnown(principal)) return
  const actor = { actor: principal.actor, through: throughOf(principal) }
  put(scope, { study, action, outcome: 'done', ...actor, owner, file: null, object, unlessOwn: false })
}

/** The same of many at once, which takes no message for each; what cannot be written down is in the log. */
export function witnessAll(scope: Scope, principal: Principal, readings: readonly Reading[]): void {
  if (readings.length === 0 || !isKnown(principal)) return
  const { now, door } = scope
  const by = {
    kind: 'witnessed',
    at: now.getTime(),
    door,
    actor: principal.actor,
    through: throughOf(principal),
  } as const
  const seen = readings.map(({ study, action, owner, object }): Witnessed => {
    const what = { study, action, outcome: 'done', owner, file: null, object, unlessOwn: false } as const
    return { id: newId('aud', now), ...by, ...what }
  })
  scope.defer(scope.stores.audit.write(seen).catch((failure: unknown) => logFailure(seen[0]?.id ?? '', failure)))
}

/** Puts on record that a link was used, by whoever had it. */
export function witnessClaim(
  scope: Scope,
  study: StudyId,
  { id, owner, version }: { id: string; owner: Owner; version: string },
): void {
  const bearer = { actor: 'anonymous', through: id }
  put(scope, {
    study,
    action: 'link.claim',
    outcome: 'done',
    ...bearer,
    owner,
    file: null,
    object: version,
    unlessOwn: false,
  })
}

/** What the path of a refused request named, as far as that may be stored: made ids, and a participant's. */
export type Named = Readonly<{
  study: StudyId
  participant: ParticipantId | 'me' | undefined
  file: string | undefined
  object: string | undefined
}>

const isNotFound = (code: ErrorCode) => code.endsWith('_not_found')
const isRefusal = (code: ErrorCode) => isNotFound(code) || code === 'forbidden' || code === 'participant_withdrawn'

/**
 * Puts on record that a known caller was refused. What is not there, or not to be seen, is a refusal to all but whom it
 * belongs to: to them it is just not there.
 */
export function witnessRefusal(
  scope: Scope,
  principal: Principal,
  { code, ...named }: Named & { code: ErrorCode },
): void {
  if (!isKnown(principal) || !isRefusal(code)) return
  const self = principal.role === 'participant' ? principal.participant : null
  const owner = named.participant === 'me' ? self : (named.participant ?? null)
  if (isNotFound(code) && self !== null && owner === self) return
  put(scope, {
    study: named.study,
    action: 'access.deny',
    outcome: 'denied',
    actor: principal.actor,
    through: throughOf(principal),
    owner,
    file: named.file ?? null,
    object: named.object ?? null,
    unlessOwn: isNotFound(code),
  })
}

function put(scope: Scope, seen: Omit<Witnessed, 'kind' | 'id' | 'at' | 'door'>): void {
  const { now, door } = scope
  scope.defer(deliver(scope, { kind: 'witnessed', id: newId('aud', now), at: now.getTime(), door, ...seen }))
}

/** Through the queue or, where that is out of reach, at once; what cannot be written down at all is in the log. */
async function deliver(scope: Scope, message: Witnessed): Promise<void> {
  try {
    await scope.enqueue(message)
  } catch {
    await scope.stores.audit.write([message]).catch((failure: unknown) => logFailure(message.id, failure))
  }
}

/** Writes down what the queue brings. It may bring it twice: the second time nothing happens. */
export const writeWitnessed = async (scope: Scope, seen: readonly Witnessed[]): Promise<void> =>
  scope.stores.audit.write(seen)

/**
 * What is on record in a study, newest first. That it was read is not: it tells of no content, and would go on for ever.
 * @throws DomainError `forbidden` to all but admins
 */
export async function listAudit(
  scope: Scope,
  study: StudyId,
  { query, page }: { query: AuditQuery; page: PageRequest },
): Promise<Page<AuditEvent>> {
  const found = await scope.stores.audit.list(callerIn(scope, study), query, { rule: rules.readAudit, page })
  requirePermission(await identify(scope, found.principal), rules.readAudit)
  return mapPage(found.page, ({ event }) => event)
}

/** An event as the participant whose thing it is sees it. */
export type OwnEvent = Readonly<{ event: AuditEvent; doer: Doer }>

/**
 * What is on record of a participant's own things, newest first, for themselves or an admin.
 * @throws DomainError `participant_not_found`
 */
export async function listParticipantAudit(
  scope: Scope,
  study: StudyId,
  { participant: id, page }: { participant: ParticipantId | 'me'; page: PageRequest },
): Promise<Page<OwnEvent>> {
  const found = await scope.stores.audit.listOfParticipant(callerIn(scope, study), id, {
    rule: rules.readParticipantAudit,
    page,
  })
  const principal = await identify(scope, found.principal)
  const { participant } = found
  if (participant === undefined) throw denial(principal, participantNotFound())
  return mapPage(found.page, (each) => ({ event: each.event, doer: doerOf(each, participant) }))
}

function doerOf({ event: { actor }, role }: FoundEvent, participant: ParticipantId): Doer {
  if (actor === `participant:${participant}`) return 'you'
  if (actor.startsWith('participant')) return 'participant'
  if (actor === 'operator') return 'operator'
  if (actor === 'system') return 'carrel'
  if (actor === 'anonymous') return 'link'
  return role === 'admin' ? 'administrator' : 'team'
}

/** Forgets at most `limit` events that were kept for as long as the settings say. */
export async function purgeAuditEvents(scope: Scope, limit: number): Promise<number> {
  const before = new Date(scope.now.getTime() - scope.settings.auditDays * 86_400_000)
  return scope.stores.audit.purge(before, limit)
}
