/** @jsxImportSource preact */
import { ChooseParticipant } from '../parts/chosen-participant.tsx'
import { go, hrefOf } from '../route.ts'
import { useSession } from '../session.ts'
import type { ViewProps } from '../views.ts'
import { DocumentEditor } from './document-editor.tsx'
import { DocumentList } from './document-list.tsx'

/** A participant's at `#/documents/{participant}`, and one of them after that; of oneself, `me`. */
export function View({ route }: ViewProps) {
  const { role } = useSession()
  const [named, identifier] = route.names
  const participant = named ?? (role === 'participant' ? 'me' : undefined)
  if (participant === undefined) {
    return (
      <>
        <h1>Documents</h1>
        <ChooseParticipant label="Participant" onChoose={(id) => go(hrefOf('documents', [id]))} />
      </>
    )
  }
  if (identifier === undefined) return <DocumentList key={participant} participant={participant} />
  return <DocumentEditor key={`${participant} ${identifier}`} participant={participant} identifier={identifier} />
}
