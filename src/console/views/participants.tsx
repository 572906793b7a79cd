/** @jsxImportSource preact */
import type { ViewProps } from '../views.ts'
import { ParticipantList } from './participant-list.tsx'
import { ParticipantView } from './participant.tsx'

/** The list at `#/participants`, and one of them at `#/participants/{participant}`. */
export function View({ route }: ViewProps) {
  const [participant] = route.names
  if (participant === undefined) return <ParticipantList externalId={route.query.get('externalId') ?? ''} />
  return <ParticipantView key={participant} id={participant} />
}
