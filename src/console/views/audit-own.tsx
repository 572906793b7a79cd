/** @jsxImportSource preact */
import type { Carrel } from '../../client/index.ts'
import { instantText } from '../parts/format.ts'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import type { Column } from '../parts/table.tsx'
import { useSession } from '../session.ts'

type Event = Awaited<ReturnType<ReturnType<Carrel['participants']['audit']>['all']>>[number]

const COLUMNS: readonly Column<Event>[] = [
  { title: 'What', cell: ({ summary }) => summary },
  { title: 'When', isEnd: true, cell: ({ at }) => instantText(at) },
]

/** Who touched a participant's things, as the participant is told it. */
export function OwnAudit({ participant }: Readonly<{ participant: string }>) {
  const { carrel } = useSession()
  const list = useList(
    (cursor) => carrel.participants.audit(participant, cursor === undefined ? {} : { cursor }),
    [participant],
  )
  return (
    <>
      <div class="head">
        <h1>Audit</h1>
        <button type="button" onClick={list.reload}>
          Look again
        </button>
      </div>
      <p class="quiet">What was done with what is yours, and by whom.</p>
      <ListTable
        caption="What was done, newest first"
        columns={COLUMNS}
        keyOf={({ id }) => id}
        list={list}
        empty={<p class="empty">Nothing yet.</p>}
      />
    </>
  )
}
