/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import { ChooseParticipant } from '../parts/chosen-participant.tsx'
import { Field, filledIn } from '../parts/field.tsx'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import type { Column } from '../parts/table.tsx'
import { go, hrefOf } from '../route.ts'
import { useSession } from '../session.ts'
import { type Report, waysTo } from './report-ways.ts'

const queryOf = (participant: string | null) => ({ participant: participant ?? undefined })

const columnsFor = (participant: string | null): readonly Column<Report>[] => [
  {
    title: 'Report',
    cell: ({ identifier }) => (
      <a class="file-name" href={hrefOf('reports', [identifier], queryOf(participant))}>
        <bdi>{identifier}</bdi>
      </a>
    ),
  },
  { title: 'Entries', isEnd: true, cell: ({ entries }) => entries.toLocaleString('en') },
  { title: 'First', isEnd: true, cell: ({ first }) => first?.slice(0, 10) ?? '–' },
  { title: 'Last', isEnd: true, cell: ({ last }) => last?.slice(0, 10) ?? '–' },
]

export function ReportList({ participant }: Readonly<{ participant: string | null }>) {
  const { carrel, role } = useSession()
  const ways = waysTo(carrel, participant)
  const list = useList((cursor) => ways.list(cursor === undefined ? {} : { cursor }), [participant])
  const open = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    go(hrefOf('reports', [filledIn(event.currentTarget)('identifier')], queryOf(participant)))
  }
  return (
    <>
      <h1>Reports</h1>
      {role !== 'participant' && (
        <>
          <p class="quiet">{participant === null ? 'Of the study' : <bdi>Of {participant}</bdi>}</p>
          <ChooseParticipant
            label="A participant’s instead"
            onChoose={(id) => go(hrefOf('reports', [], { participant: id }))}
          />
        </>
      )}
      <form class="search" onSubmit={open}>
        <div class="words">
          <Field label="Report" hint="The name of one that is there, or of a new one.">
            {(named) => <input {...named} name="identifier" required maxLength={255} autoComplete="off" />}
          </Field>
          <button type="submit">Open the report</button>
        </div>
      </form>
      <ListTable
        caption="Reports"
        columns={columnsFor(participant)}
        keyOf={({ identifier }) => identifier}
        list={list}
        empty={<p class="empty">There are no reports yet.</p>}
      />
    </>
  )
}
