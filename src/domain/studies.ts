import type { Study, StudySettings } from '../model/entities.ts'
import { forbidden, numbersExhausted, studyNotFound, unauthenticated } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { StudyChanges } from '../storage/studies.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** Outside of any study there are the operator, who is known without a look-up, and strangers. */
async function requireOperator(scope: Scope): Promise<void> {
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
  const created = await scope.stores.studies.create({ ...study, createdAt: scope.now })
  if (created === undefined) throw numbersExhausted()
  return created
}

export async function listStudies(scope: Scope, page: PageRequest): Promise<Page<Study>> {
  await requireOperator(scope)
  return scope.stores.studies.list(page)
}

export async function getStudy(scope: Scope, id: StudyId): Promise<Study> {
  const found = await scope.stores.studies.find(callerIn(scope, id))
  const principal = await identify(scope, found.principal)
  if (found.study === undefined) throw denial(principal, studyNotFound())
  requirePermission(principal, rules.readStudy)
  return found.study
}

export async function updateStudy(scope: Scope, id: StudyId, changes: StudyChanges): Promise<Study> {
  const found = await scope.stores.studies.update(callerIn(scope, id), { rule: rules.changeStudy, changes })
  const principal = await identify(scope, found.principal)
  if (found.study === undefined) throw denial(principal, studyNotFound())
  requirePermission(principal, rules.changeStudy)
  return found.study
}
