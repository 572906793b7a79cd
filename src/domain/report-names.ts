import { forbidden, overloaded, reportNotFound } from '../model/errors.ts'
import type { Identifier, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { SharedName } from '../model/report-names.ts'
import { identify } from './identity.ts'
import { denial, filterFor, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// What the participants of a study call their reports, each name once. To the team it is an index of them all; to a
// participant, of their own.

/** In the order of identifiers. @throws DomainError `forbidden`, `cursor_invalid` */
export async function listReportNames(scope: Scope, study: StudyId, page: PageRequest): Promise<Page<SharedName>> {
  const rule = rules.readReportName
  const found = await scope.stores.reportNames.list(callerIn(scope, study), { rule, page })
  const principal = await identify(scope, found.principal)
  if (filterFor(principal, rule).length === 0) throw denial(principal, forbidden())
  return found.page
}

/** @throws DomainError `report_not_found`, also for a name that only others use, where the caller is a participant */
export async function getReportName(scope: Scope, study: StudyId, identifier: Identifier): Promise<SharedName> {
  const found = await scope.stores.reportNames.find(callerIn(scope, study), identifier, rules.readReportName)
  const principal = await identify(scope, found.principal)
  if (found.name === undefined) throw denial(principal, reportNotFound())
  return found.name
}

/**
 * Reports of this name stay, and the next entry of any of them makes the name known again.
 * @throws DomainError `report_not_found`, `forbidden`
 */
export async function deleteReportName(scope: Scope, study: StudyId, identifier: Identifier): Promise<void> {
  const writing = rules.deleteReportName
  const found = await scope.stores.reportNames.remove(callerIn(scope, study), identifier, {
    reading: rules.readReportName,
    writing,
  })
  const principal = await identify(scope, found.principal)
  if (found.removed) return
  if (found.name === undefined) throw denial(principal, reportNotFound())
  requirePermission(principal, writing)
  throw overloaded()
}
