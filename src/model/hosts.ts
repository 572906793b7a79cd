import type { HostName, ParticipantId, StudyId } from './ids.ts'

/** Whose a host name is: the one participant, of all studies, whose files are found there. */
export type Host = Readonly<{ study: StudyId; host: HostName; participant: ParticipantId }>
