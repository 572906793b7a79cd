import type { KeyId, ParticipantId, SessionId, StudyId } from './ids.ts'
import type { StudyRole } from './principal.ts'

/** What a foreign protocol's sign-in made of a key: its holder acts as the key does, or as one whom it acts for. */
export type Session = Readonly<{
  study: StudyId
  id: SessionId
  key: KeyId
  /** `stranger`: it opens nothing. */
  role: StudyRole | 'stranger'
  participant: ParticipantId | null
  readOnly: boolean
  createdAt: Date
  expiresAt: Date
}>

/** What a session that acts for somebody is good for: all that they may, reading it, or nothing that there is. */
export type Reach = 'everything' | 'reading' | 'nothing'
