/** @jsxImportSource preact */
import { ParticipantView } from './participant.tsx'

/** What a participant may do with all that is theirs, at `#/me`. */
export const View = () => <ParticipantView id="me" />
