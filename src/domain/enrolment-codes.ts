import type { EnrolmentCode } from '../model/enrolment-codes.ts'
import {
  enrolmentCodeNotFound,
  enrolmentCodeSpent,
  participantNotFound,
  participantWithdrawn,
  studyNotFound,
} from '../model/errors.ts'
import { type EnrolmentCodeId, newId, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import { newApiKeySecret, newEnrolmentCode, parseEnrolmentCode } from '../storage/secrets.ts'
import type { IssuedKey } from './api-keys.ts'
import { once } from './idempotency.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope, secondsFrom } from './scope.ts'

/** A code as it is told once: `code` is never to be had again, and null where it was told before. */
export type IssuedCode = Readonly<{ issued: EnrolmentCode; code: string | null }>
type NewCode = { participant: ParticipantId; label: string; seconds: number }

/**
 * A code for a phone that has no key yet; told once.
 * @throws DomainError `participant_not_found`, `participant_withdrawn`
 */
export const issueEnrolmentCode = async (scope: Scope, study: StudyId, wanted: NewCode): Promise<IssuedCode> =>
  once(scope, study, {
    attempt: async () => issue(scope, study, wanted),
    again: async (made) => {
      const found = await scope.stores.enrolmentCodes.find(callerIn(scope, study), wanted.participant, made.code)
      const principal = await identify(scope, found.principal)
      requirePermission(principal, rules.issueEnrolmentCode)
      if (found.code === undefined) throw denial(principal, enrolmentCodeNotFound())
      return { issued: found.code, code: null }
    },
  })

async function issue(scope: Scope, study: StudyId, { participant, label, seconds }: NewCode): Promise<IssuedCode> {
  const caller = callerIn(scope, study)
  const owning = await scope.stores.studies.find(caller)
  const principal = await identify(scope, owning.principal)
  requirePermission(principal, rules.issueEnrolmentCode)
  if (owning.study === undefined) throw denial(principal, studyNotFound())
  const { code, hash } = await newEnrolmentCode(owning.study.number)
  const found = await scope.stores.enrolmentCodes.issue(caller, {
    rule: rules.issueEnrolmentCode,
    code: { id: newId('enr', scope.now), hash, participant, label, expiresAt: secondsFrom(scope.now, seconds) },
  })
  if (found.code !== undefined) return { issued: found.code, code }
  const enrolled = await scope.stores.participants.find(caller, participant)
  throw enrolled.participant === undefined ? participantNotFound() : participantWithdrawn()
}

/** A participant's codes, oldest first. @throws DomainError `forbidden`, `cursor_invalid` */
export async function listEnrolmentCodes(
  scope: Scope,
  study: StudyId,
  { participant, page }: { participant: ParticipantId; page: PageRequest },
): Promise<Page<EnrolmentCode>> {
  const found = await scope.stores.enrolmentCodes.list(callerIn(scope, study), participant, page)
  requirePermission(await identify(scope, found.principal), rules.issueEnrolmentCode)
  return found.page
}

/** @throws DomainError `enrolment_code_not_found` */
export async function revokeEnrolmentCode(
  scope: Scope,
  study: StudyId,
  { participant, code }: { participant: ParticipantId; code: EnrolmentCodeId },
): Promise<void> {
  const found = await scope.stores.enrolmentCodes.revoke(callerIn(scope, study), {
    rule: rules.issueEnrolmentCode,
    participant,
    id: code,
  })
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.issueEnrolmentCode)
  if (!found.revoked) throw denial(principal, enrolmentCodeNotFound())
}

/**
 * What the app does with a code that was typed or scanned: it gets the participant's key, once. With the same nonce it
 * may ask again for a while, as long as the key was not used, in case the first answer was lost. `studyNumber`: only a
 * code of that study is exchanged.
 * @throws DomainError `enrolment_code_not_found`, `enrolment_code_spent`
 */
export async function exchangeEnrolmentCode(
  scope: Scope,
  { code, nonce, studyNumber }: { code: string; nonce: string; studyNumber?: number },
): Promise<IssuedKey> {
  const parsed = await parseEnrolmentCode(code)
  if (parsed === undefined || (studyNumber ?? parsed.studyNumber) !== parsed.studyNumber) throw enrolmentCodeNotFound()
  const made = await newApiKeySecret(parsed.studyNumber)
  const { outcome, key } = await scope.stores.enrolmentCodes.exchange({
    studyNumber: parsed.studyNumber,
    codeHash: parsed.hash,
    nonce,
    key: { id: newId('key', scope.now), hash: made.hash, hint: made.hint },
    now: scope.now,
    door: scope.door,
  })
  if (key !== undefined) return { key, secret: made.secret }
  throw outcome === 'spent' ? enrolmentCodeSpent() : enrolmentCodeNotFound()
}

/** Forgets codes that ended a day ago. */
export const purgeEnrolmentCodes = async (scope: Scope, limit: number): Promise<number> =>
  scope.stores.enrolmentCodes.purge(scope.now, limit)
