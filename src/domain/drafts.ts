import type { File, FileDetails } from '../model/entities.ts'
import { participantWithdrawn, versionBound } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import { identify } from './identity.ts'
import { rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'
import { requireVisibleVersion } from './versions.ts'

/** What is said of a draft when it is made a file. */
export type DraftDetails = Pick<FileDetails, 'title' | 'description' | 'category' | 'tags'>

/**
 * Makes a file of a draft, which is named by a version of it: it is on the lists from now on, and keeps its numbers. Of
 * two who do it at once, one does.
 * @throws DomainError `version_not_found`, `version_bound` where it is no draft's, `forbidden`
 */
export async function nameDraft(
  scope: Scope,
  study: StudyId,
  { version, details }: { version: number; details: DraftDetails },
): Promise<File> {
  const rule = rules.editFile
  const answer = await scope.stores.drafts.name(callerIn(scope, study), version, { rule, details })
  const principal = await identify(scope, answer.principal)
  const { file } = requireVisibleVersion(principal, answer.found)
  if (answer.named) return file
  const refused = whyRefused(rule, principal, file)
  if (refused !== undefined) throw refused
  throw file.draft ? participantWithdrawn() : versionBound('This version is part of a file already.')
}
