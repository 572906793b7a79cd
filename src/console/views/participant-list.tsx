/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import type { Carrel } from '../../client/index.ts'
import { Field, filledIn } from '../parts/field.tsx'
import { instantText } from '../parts/format.ts'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import { ProblemMessage } from '../parts/problem.tsx'
import type { Column } from '../parts/table.tsx'
import { useTask } from '../parts/task.ts'
import { useToast } from '../parts/toasts.tsx'
import { go, hrefOf } from '../route.ts'
import { useSession } from '../session.ts'

type Participant = Awaited<ReturnType<ReturnType<Carrel['participants']['list']>['all']>>[number]

export const STATUS_TEXTS = { active: 'Active', withdrawn: 'Withdrawn', erasing: 'Being erased' } as const

const COLUMNS: readonly Column<Participant>[] = [
  {
    title: 'Participant',
    cell: ({ id, externalId }) => (
      <a class="file-name" href={hrefOf('participants', [id])}>
        <bdi>{externalId ?? id}</bdi>
      </a>
    ),
  },
  { title: 'Number', isEnd: true, cell: ({ number }) => number },
  { title: 'Labels', cell: ({ labels }) => <bdi>{labels.join(', ') || '–'}</bdi> },
  { title: 'Status', cell: ({ status }) => STATUS_TEXTS[status] },
  { title: 'Enrolled', isEnd: true, cell: ({ createdAt }) => instantText(createdAt) },
]

export function ParticipantList({ externalId }: Readonly<{ externalId: string }>) {
  const { carrel, role } = useSession()
  const list = useList(
    (cursor) =>
      carrel.participants.list({
        ...(externalId === '' ? {} : { externalId }),
        ...(cursor === undefined ? {} : { cursor }),
      }),
    [externalId],
  )
  return (
    <>
      <h1>Participants</h1>
      <Search key={externalId} externalId={externalId} />
      {role === 'admin' && <Enrol onDone={list.reload} />}
      <ListTable
        caption="Participants"
        columns={COLUMNS}
        keyOf={({ id }) => id}
        list={list}
        empty={<p class="empty">There is nobody.</p>}
      />
    </>
  )
}

function search(event: TargetedSubmitEvent<HTMLFormElement>): void {
  event.preventDefault()
  go(hrefOf('participants', [], { externalId: filledIn(event.currentTarget)('externalId') }))
}

const Search = ({ externalId }: Readonly<{ externalId: string }>) => (
  <form class="search" role="search" onSubmit={search}>
    <div class="words">
      <Field label="Find by name" hint="The study’s own name for them.">
        {(named) => <input {...named} type="search" name="externalId" defaultValue={externalId} />}
      </Field>
      <button type="submit">Find</button>
    </div>
  </form>
)

function Enrol({ onDone }: Readonly<{ onDone: () => void }>) {
  const { carrel } = useSession()
  const say = useToast()
  const { failure, isBusy, run } = useTask()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const externalId = filledIn(form)('newExternalId')
    run(async () => {
      await carrel.participants.enrol({ externalId: externalId === '' ? null : externalId })
      form.reset()
      say('They are enrolled.')
      onDone()
    })
  }
  return (
    <details class="card">
      <summary>Enrol somebody</summary>
      <form onSubmit={submit}>
        <Field label="The study’s own name for the new one" hint="Nothing that says who they are. May be empty.">
          {(named) => <input {...named} name="newExternalId" maxLength={255} autoComplete="off" />}
        </Field>
        <ProblemMessage failure={failure} />
        <div class="actions">
          <button type="submit" aria-disabled={isBusy}>
            Enrol
          </button>
        </div>
      </form>
    </details>
  )
}
