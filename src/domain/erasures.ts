import type { Erasure } from '../model/erasures.ts'
import { erasureNotFound, forbidden, participantNotFound, studyNotFound } from '../model/errors.ts'
import { type ErasureId, newAuditId, newId, type ParticipantId, type StudyId } from '../model/ids.ts'
import { mapPage, type Page, type PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import { decodeCursor, encodeCursor } from '../storage/cursor.ts'
import type { FoundErasure } from '../storage/erasures.ts'
import type { Revived } from '../storage/revivals.ts'
import { identify } from './identity.ts'
import { denial, factsOf, permits, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'
import { requireOperator } from './studies.ts'

/**
 * Begins to erase a participant, by their own wish or an admin's. From the answer on nothing of theirs is seen or
 * written, and their own key is good for nothing; asked again while it goes on, it answers the same receipt.
 * @throws DomainError `participant_not_found`, `forbidden`
 */
export async function eraseParticipant(scope: Scope, study: StudyId, id: ParticipantId | 'me'): Promise<Erasure> {
  const erasure = newId('era', scope.now)
  const found = await scope.stores.erasures.beginForParticipant(callerIn(scope, study), {
    rule: rules.eraseParticipant,
    id: erasure,
    participant: id,
  })
  // Begun by this call: the rule was asked as it began, and whoever erases themselves is nobody afterwards.
  if (found.erasure?.id === erasure) return getOn(scope, found.erasure)
  const principal = await identify(scope, found.principal)
  const { participant } = found
  if (participant === undefined || !permits(rules.readParticipant, principal, factsOf(participant))) {
    throw denial(principal, participantNotFound())
  }
  if (!permits(rules.eraseParticipant, principal, factsOf(participant))) throw denial(principal, forbidden())
  if (found.erasure === undefined) throw denial(principal, participantNotFound())
  return found.erasure
}

/**
 * Begins to erase a study with everything in it: for the operator. It is not there any more from the answer on.
 * @throws DomainError `study_not_found`, `forbidden`
 */
export async function eraseStudy(scope: Scope, study: StudyId): Promise<Erasure> {
  const id = newId('era', scope.now)
  const found = await scope.stores.erasures.beginForStudy(callerIn(scope, study), {
    rule: rules.eraseStudy,
    id,
    auditId: newAuditId(),
  })
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.eraseStudy)
  if (found.erasure === undefined) throw denial(principal, studyNotFound())
  return found.erasure.id === id ? getOn(scope, found.erasure) : found.erasure
}

/** Has the queue do it at once; the sweep does where the message is lost. */
function getOn(scope: Scope, erasure: Erasure): Erasure {
  const { study, id } = erasure
  scope.defer(scope.enqueue({ kind: 'erasure', study, erasure: id }).catch(() => undefined))
  return erasure
}

/** Whose it is, is told to those who know that there is such a participant. */
const asSeenBy = (principal: Principal | undefined, erasure: Erasure): Erasure => {
  const mayKnow = principal !== undefined && permits(rules.readErasure, principal, factsOf(erasure.participant))
  return mayKnow ? erasure : { ...erasure, participant: null }
}

/**
 * How far an erasure is, for whoever has its id: eighty random bits that were told to those who asked for it. A
 * participant who has erased themselves has no key to ask with, and may show the one that was theirs; so a credential
 * that is good for nothing keeps nobody from a receipt, which says nothing of anybody.
 * @throws DomainError `erasure_not_found`
 */
export async function getErasure(scope: Scope, study: StudyId, id: ErasureId): Promise<Erasure> {
  const { principal, erasure } = await scope.stores.erasures.find(callerIn(scope, study), id)
  if (erasure === undefined) throw erasureNotFound()
  return asSeenBy(principal, erasure)
}

/** @throws DomainError `forbidden`, `cursor_invalid` */
export async function listErasures(scope: Scope, study: StudyId, page: PageRequest): Promise<Page<Erasure>> {
  const found = await scope.stores.erasures.list(callerIn(scope, study), page)
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.readErasure)
  return mapPage(found.page, (erasure) => asSeenBy(principal, erasure))
}

const RECEIPTS = 'receipts'

/**
 * Begins erasures anew that the database has forgotten, because it was put back to a time before them: of whoever is
 * there again, by the receipts that are kept outside of it, a page of these at a time. Under their old ids, so that who
 * holds one finds it. It may be repeated: of one that is under way, or done, nothing is begun.
 * @throws DomainError `cursor_invalid`; `forbidden` to all but the operator
 */
export async function replayErasures(scope: Scope, { limit, cursor }: PageRequest): Promise<Page<Erasure>> {
  await requireOperator(scope)
  const [, after] = decodeCursor(RECEIPTS, cursor) ?? []
  const { receipts, end } = await scope.stores.objects.receipts(after, limit)
  const begun: Erasure[] = []
  for (const each of await scope.stores.revivals.among(receipts)) {
    const { erasure } = await beginAgain(scope, each)
    if (erasure?.id === each.receipt.id) begun.push(getOn(scope, erasure))
  }
  return { items: begun, nextCursor: end === undefined ? null : encodeCursor(RECEIPTS, ['', end]) }
}

async function beginAgain(scope: Scope, { receipt, participant }: Revived): Promise<FoundErasure> {
  const { study, id, auditId } = receipt
  const caller = callerIn(scope, study)
  const rule = rules.replayErasures
  return participant === null
    ? scope.stores.erasures.beginForStudy(caller, { rule, id, auditId })
    : scope.stores.erasures.beginForParticipant(caller, { rule, id, participant })
}

/** A receipt as it is kept outside of the database: of whom, only their pseudonym tells, in its name. */
const keptReceipt = ({ study, id, kind, state, counts, requestedAt, doneAt }: Erasure) => ({
  study,
  id,
  kind,
  state,
  counts,
  requestedAt,
  doneAt,
})

/** One step. Answers how far it is now, and whether there was anything to do. */
async function takeStep(scope: Scope, erasure: Erasure): Promise<{ now: Erasure | undefined; moved: boolean }> {
  const { erasures, objects } = scope.stores
  switch (erasure.state) {
    case 'erasing': {
      // Before anything goes: a database that is put back to a time before this then still learns of it.
      if (erasure.removals === 0) await objects.keepReceipt(erasure, keptReceipt(erasure))
      const now = await erasures.step(erasure, scope.now)
      return { now, moved: now !== undefined && (now.state !== 'erasing' || now.removals > erasure.removals) }
    }
    case 'deleting': {
      if (!(await erasures.mayEnd(erasure, scope.now))) return { now: erasure, moved: false }
      const participants = erasure.kind === 'study' ? erasure.counts.participants : 1
      const counts = { ...erasure.counts, participants }
      await objects.keepReceipt(erasure, keptReceipt({ ...erasure, counts, state: 'done', doneAt: scope.now }))
      return { now: await erasures.end(erasure, scope.now), moved: true }
    }
    case 'done':
      return { now: erasure, moved: false }
    default:
      return erasure.state satisfies never
  }
}

/**
 * Goes on with an erasure for at most so many steps; with more to do it has the queue go on. Where there is nothing to
 * do but to wait, the sweep comes back to it.
 */
export async function continueErasure(
  scope: Scope,
  { study, erasure: id }: { study: StudyId; erasure: ErasureId },
  steps: number,
): Promise<void> {
  let { erasure } = await scope.stores.erasures.find(callerIn(scope, study), id)
  for (let left = steps; left > 0 && erasure !== undefined; left -= 1) {
    const { now, moved } = await takeStep(scope, erasure)
    if (!moved) return
    erasure = now
  }
  if (erasure !== undefined && erasure.state !== 'done') await scope.enqueue({ kind: 'erasure', study, erasure: id })
}

/** Goes on with erasures that nobody has moved on for a while: a step for each of at most `limit`. */
export async function sweepErasures(
  scope: Scope,
  { limit, onFailure }: { limit: number; onFailure: (failure: unknown) => void },
): Promise<number> {
  const due = await scope.stores.erasures.due(scope.now, limit)
  for (const { study, id } of due) {
    try {
      await continueErasure(scope, { study, erasure: id }, 1)
    } catch (failure) {
      onFailure(failure)
    }
  }
  return due.length
}
