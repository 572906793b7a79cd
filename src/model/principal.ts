import type { KeyId, MemberId, ParticipantId, StudyId } from './ids.ts'

/** Roles that a study gives to keys and members. */
export const STUDY_ROLES = ['participant', 'staff', 'worker', 'admin', 'download'] as const
export type StudyRole = (typeof STUDY_ROLES)[number]

/**
 * Every role there is. `system` is Carrel itself: jobs that run without a request. A `stranger` has a good credential
 * and no place in this study: it may what `anonymous` may, and is answered as if the study were not there.
 */
export type Role = StudyRole | 'operator' | 'anonymous' | 'stranger' | 'system'

/**
 * What a JWT says of its bearer, where the settings trust its issuer with that: a role in some studies, or (undefined)
 * in all that the issuer is good for. It has a meaning only where no member's row says otherwise. `member` is by what
 * the audit, and what they make, knows them again.
 */
export type Claimed = Readonly<{
  member: MemberId
  role: 'admin' | 'staff' | 'worker'
  studies: readonly StudyId[] | undefined
}>

/**
 * What a caller showed, parsed and (for a JWT) verified, but not yet looked up. The look-up rides in the batch of
 * whatever is asked, so a revocation holds from the next request on.
 */
export type Credential =
  | { kind: 'anonymous' }
  | { kind: 'operator' }
  | { kind: 'system' }
  | { kind: 'key'; studyNumber: number; hash: string }
  /** What a foreign protocol's sign-in made of a key; good at the door where it was made. */
  | { kind: 'session'; studyNumber: number; hash: string }
  /** `studies` are those the issuer's settings allow it in; undefined: any. */
  | {
      kind: 'jwt'
      issuer: string
      subject: string
      studies: readonly StudyId[] | undefined
      claimed: Claimed | undefined
    }

/** Stored as `createdBy` and `issuedBy`: `participant:<id>`, `key:<id>`, `member:<id>`, `operator` or `system`. */
export type Actor = string & { readonly actor: true }

/** With whom a file is shared: `participant:<id>` or `member:<id>` of its study. */
export type PrincipalName = string & { readonly principalName: true }

/** The tongue that a request speaks, or what runs without one: what the audit calls the door. */
export const DOORS = ['native', 'link', 'job', 'bridge', 'mydatahelps', 'openhumans', 'kidsfirst', 'hat'] as const
export type Door = (typeof DOORS)[number]

/** The foreign protocols. */
export const FOREIGN_DOORS = [
  'bridge',
  'mydatahelps',
  'openhumans',
  'kidsfirst',
  'hat',
] as const satisfies readonly Door[]
export type ForeignDoor = (typeof FOREIGN_DOORS)[number]
/** What is said of something that only one of them knows, by that protocol. */
export type ForeignData = Readonly<Partial<Record<ForeignDoor, Readonly<Record<string, unknown>>>>>

/** What the caller acts through: what must still stand for a link it issued to work. */
export type Through = { key: KeyId; lastUsedAt: Date | null } | { member: MemberId } | undefined

/** Who is asking, in one study, as the study's own rows say at this moment. */
export type Principal =
  | { role: 'anonymous' | 'stranger' | 'operator' | 'system'; actor: Actor; through: undefined }
  | { role: 'staff' | 'worker' | 'admin' | 'download'; study: StudyId; actor: Actor; through: Through }
  | {
      role: 'participant'
      study: StudyId
      participant: ParticipantId
      status: 'active' | 'withdrawn'
      /** Acts for an application, on files of this source alone; null: on everything that the participant may. */
      source: string | null
      /** Acts through a session that may write nothing, or was let in at an operation that is not for them. */
      readOnly: boolean
      actor: Actor
      through: Through
    }
