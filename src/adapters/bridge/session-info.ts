import { type Account, contactOf } from '../../domain/sessions.ts'
import type { Participant, Study } from '../../model/entities.ts'
import type { Principal, Role } from '../../model/principal.ts'

/** What an account is told that it is; what an admin passes for besides, clients know. */
const ROLES: Readonly<Partial<Record<Role, readonly string[]>>> = {
  worker: ['worker'],
  admin: ['developer', 'admin'],
  staff: ['researcher', 'study_coordinator', 'study_designer'],
}

const LOCAL_HOSTNAMES = ['localhost', '127.0.0.1', '[::1]']

/** Clients show anything but `production` as a warning. */
const environmentOf = (url: string) => (LOCAL_HOSTNAMES.includes(new URL(url).hostname) ? 'local' : 'production')

/** Who takes part has consented: Carrel keeps no consents, only who has left. */
export const isConsented = ({ principal }: Account): boolean =>
  principal.role === 'participant' && principal.status === 'active'

function idOf({ principal, participant, member }: Account): string {
  if (participant !== undefined) return participant.id
  if (member !== undefined) return member.id
  // A key that acts for nobody in particular is an account of its own.
  return keyOf(principal) ?? principal.actor
}

const keyOf = ({ through }: Principal) => (through !== undefined && 'key' in through ? through.key : undefined)

/** The labels that a participant has are what Bridge calls the studies of an app; without any, the app is one study. */
const studyIdsOf = (study: Study, participant: Participant): readonly string[] =>
  participant.labels.length === 0 ? [study.id] : participant.labels

const enrolledIn = (studyIds: readonly string[], what: object | string) =>
  Object.fromEntries(studyIds.map((id) => [id, what]))

/** What depends on who somebody is in the study, rather than on who they are. */
function presentPlace({ study, participant }: Account) {
  if (participant === undefined) return { externalIds: {}, studyIds: [], enrollments: {} }
  const { externalId } = participant
  const studyIds = studyIdsOf(study, participant)
  return {
    externalId,
    externalIds: externalId === null ? {} : enrolledIn(studyIds, externalId),
    studyIds,
    enrollments: enrolledIn(studyIds, { externalId, enrolledBySelf: false, type: 'EnrollmentInfo' }),
  }
}

/** One consent, to the study as a whole. */
function presentConsents(account: Account) {
  const { study, participant } = account
  const consented = isConsented(account)
  return {
    [study.id]: {
      name: study.name,
      subpopulationGuid: study.id,
      required: true,
      consented,
      signedMostRecentConsent: consented,
      signedOn: consented ? (participant?.createdAt.toISOString() ?? null) : null,
      type: 'ConsentStatus',
    },
  }
}

/**
 * Bridge's session, flat: it, and whose it is. `renewal` is told where it was just made.
 * Data are shared with the study by taking part in it; there is no other scope to choose.
 */
export function presentSession(
  account: Account,
  { token, renewal, origin }: { token: string; renewal?: string | undefined; origin: string },
) {
  const { email, phone, firstName, lastName } = contactOf(account)
  const consented = isConsented(account)
  const { createdAt } = account.participant ?? account.member ?? account.study
  return {
    authenticated: true,
    sessionToken: token,
    reauthToken: renewal ?? null,
    environment: environmentOf(origin),
    consented,
    signedMostRecentConsent: consented,
    dataSharing: consented,
    consentStatuses: presentConsents(account),
    username: email,
    id: idOf(account),
    email,
    phone: phone === null ? null : { number: phone, type: 'Phone' },
    emailVerified: email !== null,
    phoneVerified: phone !== null,
    // There are clients that stop where there is none.
    firstName: firstName ?? '',
    lastName,
    ...presentPlace(account),
    sharingScope: consented ? 'sponsors_and_partners' : 'no_sharing',
    notifyByEmail: false,
    dataGroups: [],
    attributes: {},
    roles: ROLES[account.principal.role] ?? [],
    languages: [],
    status: 'enabled',
    createdOn: createdAt.toISOString(),
    type: 'UserSessionInfo',
  } as const
}
