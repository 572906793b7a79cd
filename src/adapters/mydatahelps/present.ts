import type { SeenParticipant } from '../../domain/participants.ts'
import type { File } from '../../model/entities.ts'
import type { ParticipantId } from '../../model/ids.ts'
import { keyOf } from './keys.ts'

/** What the study calls participants, where it calls them anything. */
export type Identifiers = ReadonlyMap<ParticipantId, string | null>

/**
 * A file that is a participant's and has content; none of another. Times are in UTC and of one width, for clients sort
 * them as text.
 */
export function presentFile(file: File, identifiers: Identifiers) {
  const { owner, content } = file
  if (owner === null || content.status === 'pending') return undefined
  const { version } = content
  return {
    participantID: owner,
    participantIdentifier: identifiers.get(owner) ?? null,
    key: keyOf(file, owner),
    category: file.category,
    fileName: file.name,
    lastModified: version.completedAt.toISOString(),
    size: version.size,
    contentType: version.mediaType,
    md5: version.md5,
  }
}

/** Demographics that are not known are left out, as the platform does. */
export function presentParticipant({ id, externalId, contact, status, createdAt }: SeenParticipant) {
  const { email = null, phone = null, firstName = null, lastName = null } = contact ?? {}
  return {
    id,
    participantIdentifier: externalId,
    enrolled: status === 'active',
    insertedDate: createdAt.toISOString(),
    demographics: {
      ...(email === null ? {} : { email }),
      ...(phone === null ? {} : { mobilePhone: phone }),
      ...(firstName === null ? {} : { firstName }),
      ...(lastName === null ? {} : { lastName }),
    },
  }
}
