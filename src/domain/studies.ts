import type { Study, StudySettings } from '../model/entities.ts'
import {
  type FieldError,
  forbidden,
  invalidBody,
  numbersExhausted,
  studyNotFound,
  unauthenticated,
} from '../model/errors.ts'
import { NO_STUDY, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { OwnStudy } from '../storage/own-studies.ts'
import type { StudyChanges } from '../storage/studies.ts'
import { once } from './idempotency.ts'
import { identify } from './identity.ts'
import { denial, permits, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** Outside of any study there are the operator, who is known without a look-up, and strangers. */
export async function requireOperator(scope: Scope): Promise<void> {
  if (scope.credential.kind === 'operator') return
  if (scope.credential.kind === 'anonymous') throw unauthenticated()
  await identify(scope, undefined)
  throw forbidden()
}

/**
 * @throws DomainError `study_exists`, `numbers_exhausted`; `forbidden` to all but the operator
 */
export async function createStudy(
  scope: Scope,
  study: { id: StudyId; name: string; settings: StudySettings },
): Promise<Study> {
  await requireOperator(scope)
  return once(scope, NO_STUDY, {
    attempt: async () => {
      const created = await scope.stores.studies.create(callerIn(scope, study.id), study)
      if (created === undefined) throw numbersExhausted()
      return created
    },
    // Of one that died half-way there may be no more than its place.
    again: async (made) =>
      (await scope.stores.studies.finish(callerIn(scope, made.study), { ...study, id: made.study })) ??
      getStudy(scope, made.study),
  })
}

/** By id. @throws DomainError `cursor_invalid`; `forbidden` to all but the operator */
export async function listStudies(scope: Scope, page: PageRequest): Promise<Page<Study>> {
  await requireOperator(scope)
  return scope.stores.studies.list(page)
}

/**
 * The studies in which the caller has a place now, by number: the operator in all of them, who shows a key or a session in
 * the one that it is of, and who shows a JWT wherever they are members and where it says so, if its issuer is trusted
 * with that. A participant's is among them too, of which they are told no more than that it is theirs (`isTold`).
 * @throws DomainError `cursor_invalid`; `unauthenticated` for a credential that is unknown, expired or revoked
 */
export async function listOwnStudies(scope: Scope, page: PageRequest): Promise<Page<OwnStudy>> {
  const { credential } = scope
  if (credential.kind === 'anonymous') throw unauthenticated()
  const found = await scope.stores.ownStudies.list(callerIn(scope, NO_STUDY), { rule: rules.readStudy, page })
  // A JWT was verified, and a credential of all studies is good where there is one.
  const isProven = !('hash' in credential) || (found.principal === undefined && found.page.items.length > 0)
  if (!isProven) await identify(scope, found.principal)
  return found.page
}

/** @throws DomainError `study_not_found`; `forbidden` to those who are not of the team */
export async function getStudy(scope: Scope, id: StudyId): Promise<Study> {
  const found = await scope.stores.studies.find(callerIn(scope, id))
  const principal = await identify(scope, found.principal)
  if (found.study === undefined) throw denial(principal, studyNotFound())
  requirePermission(principal, rules.readStudy)
  return found.study
}

/** The study of a number, which credentials name; whether one of them stands is not asked. */
export const studyOfNumber = async (scope: Scope, number: number): Promise<StudyId | undefined> =>
  scope.stores.studies.idOf(number)

/** Each limit, by what of the study's usage it limits. */
const QUOTAS = { bytes: 'maxBytes', files: 'maxFiles', documents: 'maxDocuments' } as const
const USAGES = ['bytes', 'files', 'documents'] as const

/** The limits that are below what the study holds already. */
const limitsExceeded = ({ usage }: Study, changes: StudyChanges): FieldError[] =>
  USAGES.filter((kind) => usage[kind] > (changes[QUOTAS[kind]] ?? Infinity)).map((kind) => ({
    pointer: `/settings/${QUOTAS[kind]}`,
    message: `Must be ${usage[kind]} at least: so much the study holds.`,
  }))

/**
 * @throws DomainError `forbidden`, also to an admin who would set a limit, which is the operator's to do;
 * `invalid_body` for a limit below what the study holds
 */
export async function updateStudy(scope: Scope, id: StudyId, changes: StudyChanges): Promise<Study> {
  const setsQuotas = USAGES.some((kind) => changes[QUOTAS[kind]] !== undefined)
  const rule = setsQuotas ? rules.setQuotas : rules.changeStudy
  const found = await scope.stores.studies.update(callerIn(scope, id), { rule, changes })
  const principal = await identify(scope, found.principal)
  if (found.study === undefined) throw denial(principal, studyNotFound())
  requirePermission(principal, rules.changeStudy)
  if (!permits(rule, principal)) throw forbidden('Only the operator sets how much a study may hold.')
  if (!found.updated) throw invalidBody(limitsExceeded(found.study, changes))
  return found.study
}
