import type { Owner, Report } from '../model/entities.ts'
import {
  type DomainError,
  forbidden,
  overloaded,
  participantNotFound,
  participantWithdrawn,
  publicNotAllowed,
  reportNotFound,
} from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import type { ReportName, ReportOwner } from '../storage/report-rows.ts'
import type { ReportChanges } from '../storage/reports.ts'
import type { Caller } from '../storage/who.ts'
import { identify } from './identity.ts'
import { denial, factsOf, filterFor, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

export type { ReportName } from '../storage/report-rows.ts'

/** @throws DomainError `report_not_found`, also for one that the caller may not read */
export async function getReport(scope: Scope, study: StudyId, name: ReportName): Promise<Report> {
  const { principal, found } = await readAs(scope, study, async (caller) =>
    scope.stores.reports.find(caller, name, rules.readReport),
  )
  return requireReport(principal, found.report)
}

/**
 * Reads what everyone may read for a stranger too: a statement knows only those who have a place in the study, so for a
 * stranger it is run once more, as for nobody in particular.
 */
export async function readAs<Found extends { principal: Principal | undefined }>(
  scope: Scope,
  study: StudyId,
  read: (caller: Caller) => Promise<Found>,
): Promise<{ principal: Principal; found: Found }> {
  const caller = callerIn(scope, study)
  const found = await read(caller)
  const principal = await identify(scope, found.principal)
  if (principal.role !== 'stranger') return { principal, found }
  return { principal, found: await read({ ...caller, credential: { kind: 'anonymous' } }) }
}

/**
 * A participant's reports; the study's, of which participants see the public ones.
 * @throws DomainError `participant_not_found` for one whose reports the caller may not read
 */
export async function listReports(
  scope: Scope,
  study: StudyId,
  { owner, page }: { owner: ReportOwner; page: PageRequest },
): Promise<Page<Report>> {
  const found = await scope.stores.reports.list(callerIn(scope, study), owner, { reading: rules.listReports, page })
  const principal = await identify(scope, found.principal)
  if (owner === null) {
    const mayList = filterFor(principal, rules.listReports).length > 0
    if (!mayList) throw denial(principal, forbidden())
  } else {
    requireReadableOwner(principal, owner)
  }
  return found.page
}

/** @throws DomainError `report_not_found`, `forbidden`, `participant_withdrawn`, `public_not_allowed` */
export async function updateReport(
  scope: Scope,
  study: StudyId,
  { name, changes }: { name: ReportName; changes: ReportChanges },
): Promise<Report> {
  const writing = rules.changeReport
  const found = await scope.stores.reports.update(callerIn(scope, study), name, {
    reading: rules.readReport,
    writing,
    changes,
  })
  const principal = await identify(scope, found.principal)
  const report = requireReport(principal, found.report)
  if (found.updated) return report
  const refused = await whyNotWritten(scope, study, { principal, owner: report.owner, rule: writing })
  throw refused ?? (changes.public === true ? publicNotAllowed() : overloaded())
}

/**
 * A report with all its entries.
 * @throws DomainError `report_not_found`, `forbidden`, `participant_withdrawn`
 */
export async function deleteReport(scope: Scope, study: StudyId, name: ReportName): Promise<void> {
  const writing = rules.deleteReport
  const found = await scope.stores.reports.remove(callerIn(scope, study), name, { reading: rules.readReport, writing })
  const principal = await identify(scope, found.principal)
  if (found.removed) return
  const { owner } = requireReport(principal, found.report)
  throw (await whyNotWritten(scope, study, { principal, owner, rule: writing })) ?? overloaded()
}

export function requireReport(principal: Principal, report: Report | undefined): Report {
  if (report === undefined) throw denial(principal, reportNotFound())
  return report
}

/** Whose reports a caller may not read is, to them, nobody. */
export function requireReadableOwner(principal: Principal, owner: Exclude<ReportOwner, null>): Owner {
  const meant = owner === 'me' && principal.role === 'participant' ? principal.participant : owner
  if (meant === 'me') throw denial(principal, participantNotFound())
  if (whyRefused(rules.readReport, principal, factsOf(meant)) !== undefined) {
    throw denial(principal, participantNotFound())
  }
  return meant
}

/** What stood in the way of a write to what the caller can see. */
export async function whyNotWritten(
  scope: Scope,
  study: StudyId,
  { principal, owner, rule }: { principal: Principal; owner: Owner; rule: Rule },
): Promise<DomainError | undefined> {
  const refused = whyRefused(rule, principal, factsOf(owner))
  if (refused !== undefined || owner === null) return refused
  const { participant } = await scope.stores.participants.find(callerIn(scope, study), owner)
  if (participant === undefined) return denial(principal, participantNotFound())
  return participant.status === 'active' ? undefined : participantWithdrawn()
}
