import type { Host } from '../model/hosts.ts'
import { invalidRequest, participantNotFound, studyNotFound } from '../model/errors.ts'
import type { HostName, ParticipantId, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { FoundHost } from '../storage/hosts.ts'
import { identify } from './identity.ts'
import { requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

export type { FoundHost } from '../storage/hosts.ts'

const rule = rules.manageHosts

/** Whose a host is; undefined: nobody's. It is asked anew for each request, for it may be another's by the next. */
export const findHost = async (scope: Scope, host: HostName): Promise<FoundHost | undefined> =>
  scope.stores.hosts.find(host)

/**
 * Says whose a host is. The same again changes nothing.
 * @throws DomainError `study_not_found`, `participant_not_found`; `invalid_request` for a host of another study;
 * `forbidden` to all but the operator
 */
export async function setHost(
  scope: Scope,
  study: StudyId,
  { host, participant }: { host: HostName; participant: ParticipantId },
): Promise<Host> {
  const { principal: found, outcome } = await scope.stores.hosts.set(callerIn(scope, study), {
    host,
    participant,
    rule,
  })
  requirePermission(await identify(scope, found), rule)
  switch (outcome) {
    case 'set':
      return { study, host, participant }
    case 'no_study':
      throw studyNotFound()
    case 'no_participant':
      throw participantNotFound()
    case 'taken':
      throw invalidRequest([{ pointer: 'path/host', message: "Is another study's. Remove it there first." }])
    default:
      return outcome satisfies never
  }
}

/** From the next request on the host is nobody's; one that is not the study's is left alone. */
export async function removeHost(scope: Scope, study: StudyId, host: HostName): Promise<void> {
  const { principal } = await scope.stores.hosts.remove(callerIn(scope, study), { host, rule })
  requirePermission(await identify(scope, principal), rule)
}

/** By their names. @throws DomainError `cursor_invalid`; `forbidden` to all but the operator */
export async function listHosts(scope: Scope, study: StudyId, page: PageRequest): Promise<Page<Host>> {
  const found = await scope.stores.hosts.list(callerIn(scope, study), page)
  requirePermission(await identify(scope, found.principal), rule)
  return found.page
}
