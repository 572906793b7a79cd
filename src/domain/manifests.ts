import { studyNotFound } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import { witness } from './audit.ts'
import { identify } from './identity.ts'
import { filesOf, listingOf, type Manifest, manifestOf } from './manifest-walk.ts'
import { denial, permits, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/**
 * Everything that the study's team may read: files first complete and documents last written from `from` on and before
 * `until`, and every report, whose entries have times of their own.
 * @throws DomainError `forbidden`, `study_not_found`, `cursor_invalid`
 */
export async function manifestStudy(
  scope: Scope,
  study: StudyId,
  { from, until, cursor }: { from: Date | undefined; until: Date | undefined; cursor: string | undefined },
): Promise<Manifest> {
  const caller = callerIn(scope, study)
  const { holdings, shelf } = scope.stores
  const principal = await requireTeam(scope, study)
  const query = { ...EVERY_FILE, from, until }
  const listings = [
    filesOf(
      { scope, study, principal },
      async (page) => (await shelf.list(caller, query, { rule: rules.listFiles, page })).page,
    ),
    listingOf(
      'documents',
      async (page) => holdings.documents(caller, { rule: rules.readDocument, from, until, page }),
      (document) => ({ kind: 'document', document }),
    ),
    listingOf(
      'reports',
      async (page) => holdings.reports(caller, { rule: rules.readReport, page }),
      (report) => ({ kind: 'report', report }),
    ),
  ]
  // Those who may read no document walk past none either.
  const mayRead = listings.filter(({ name }) => name !== 'documents' || permits(rules.readDocument, principal))
  const manifest = await manifestOf({ listings: mayRead, cursor, stillMay: async () => requireTeam(scope, study) })
  witness(scope, principal, { study, action: 'study.export', owner: null, object: null })
  return manifest
}

/**
 * For another protocol's table of the study's files, which it lists itself: that it was asked for is on record.
 * @throws DomainError `forbidden`, `study_not_found`
 */
export async function beginExport(scope: Scope, study: StudyId): Promise<void> {
  witness(scope, await requireTeam(scope, study), { study, action: 'study.export', owner: null, object: null })
}

const EVERY_FILE = {
  status: 'complete',
  participant: undefined,
  category: undefined,
  source: undefined,
  name: undefined,
  tags: [],
} as const

async function requireTeam(scope: Scope, study: StudyId): Promise<Principal> {
  const found = await scope.stores.studies.find(callerIn(scope, study))
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.readManifest)
  if (found.study === undefined) throw denial(principal, studyNotFound())
  return principal
}
