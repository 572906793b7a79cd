/** @jsxImportSource preact */
import { useSession } from '../session.ts'
import type { ViewProps } from '../views.ts'
import { ReportList } from './report-list.tsx'
import { ReportView } from './report.tsx'

/** At `#/reports` the study's, or a participant's with `?participant=`; one of them after that. */
export function View({ route }: ViewProps) {
  const { role } = useSession()
  const participant = role === 'participant' ? 'me' : route.query.get('participant')
  const [identifier] = route.names
  if (identifier === undefined) return <ReportList key={participant} participant={participant} />
  return <ReportView key={`${participant ?? ''} ${identifier}`} participant={participant} identifier={identifier} />
}
