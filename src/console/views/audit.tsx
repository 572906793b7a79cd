/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import type { Carrel } from '../../client/index.ts'
import { Field, filledIn } from '../parts/field.tsx'
import { instantText } from '../parts/format.ts'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import type { Column } from '../parts/table.tsx'
import { go, hrefOf } from '../route.ts'
import { useSession } from '../session.ts'
import type { ViewProps } from '../views.ts'
import { OwnAudit } from './audit-own.tsx'

type Event = Awaited<ReturnType<ReturnType<Carrel['audit']['list']>['all']>>[number]

const FILTERS = ['participant', 'actor', 'action', 'from', 'until'] as const
type Filters = Readonly<Record<(typeof FILTERS)[number], string>>

/** Of the many that there are, those that are looked for; an address may have any other. */
const ACTIONS = [
  'access.deny',
  'file.read',
  'file.complete',
  'file.edit',
  'file.delete',
  'file.grant',
  'file.revoke',
  'link.issue',
  'link.claim',
  'document.read',
  'document.put',
  'document.delete',
  'report.read',
  'report.add',
  'key.issue',
  'key.revoke',
  'participant.enrol',
  'participant.update',
  'participant.export',
  'participant.erase',
] as const

const filtersIn = (query: URLSearchParams): Filters =>
  // Every one of them, by its name.
  Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ''])) as Filters

const COLUMNS: readonly Column<Event>[] = [
  { title: 'When', cell: ({ at }) => instantText(at) },
  { title: 'Who', cell: ({ actor }) => <bdi>{actor}</bdi> },
  {
    title: 'What',
    cell: ({ action, outcome }) => (
      <span>
        <code>{action}</code>
        {outcome === 'denied' && ' (refused)'}
      </span>
    ),
  },
  { title: 'Whose', cell: ({ participant }) => <bdi>{participant ?? 'The study’s'}</bdi> },
  { title: 'Which', cell: ({ object }) => <code>{object ?? '–'}</code> },
]

/** Who did what: of a study to its admins, at `#/audit?action=file.read`; of their own things to participants. */
export function View({ route }: ViewProps) {
  const { role } = useSession()
  return role === 'admin' ? <StudyAudit query={route.query} /> : <OwnAudit participant="me" />
}

/** What is asked for, as the service takes it: days begin and end here, and it says what is none of its actions. */
function questionOf({ from, until, ...filters }: Filters) {
  const said = Object.entries({
    ...filters,
    from: from && new Date(`${from}T00:00:00`).toISOString(),
    until: until && new Date(`${until}T23:59:59.999`).toISOString(),
  }).filter(([, value]) => value !== '')
  return Object.fromEntries(said)
}

function StudyAudit({ query }: Readonly<{ query: URLSearchParams }>) {
  const { carrel } = useSession()
  const filters = filtersIn(query)
  const list = useList(
    (cursor) => carrel.audit.list({ ...questionOf(filters), ...(cursor === undefined ? {} : { cursor }) }),
    FILTERS.map((name) => filters[name]),
  )
  return (
    <>
      <div class="head">
        <h1>Audit</h1>
        <button type="button" onClick={list.reload}>
          Look again
        </button>
      </div>
      <Filter key={query.toString()} filters={filters} />
      <ListTable
        caption="What was done, newest first"
        columns={COLUMNS}
        keyOf={({ id }) => id}
        list={list}
        empty={<p class="empty">Nothing of that kind was done.</p>}
      />
    </>
  )
}

function filter(event: TargetedSubmitEvent<HTMLFormElement>): void {
  event.preventDefault()
  const said = filledIn(event.currentTarget)
  go(hrefOf('audit', [], Object.fromEntries(FILTERS.map((name) => [name, said(name)]))))
}

function Filter({ filters }: Readonly<{ filters: Filters }>) {
  return (
    <form role="search" onSubmit={filter}>
      <div class="columns">
        <Field label="What">
          {(named) => (
            <>
              <input {...named} name="action" list="actions" defaultValue={filters.action} autoComplete="off" />
              <datalist id="actions">
                {ACTIONS.map((action) => (
                  <option key={action} value={action} />
                ))}
              </datalist>
            </>
          )}
        </Field>
        <Field label="Whose" hint="A participant’s id.">
          {(named) => <input {...named} name="participant" defaultValue={filters.participant} autoComplete="off" />}
        </Field>
        <Field label="Who" hint="Such as key:key_… or participant:…">
          {(named) => <input {...named} name="actor" defaultValue={filters.actor} autoComplete="off" />}
        </Field>
        <Field label="From">
          {(named) => <input {...named} type="date" name="from" defaultValue={filters.from} />}
        </Field>
        <Field label="To">
          {(named) => <input {...named} type="date" name="until" defaultValue={filters.until} />}
        </Field>
      </div>
      <div class="actions">
        <button type="submit">Show</button>
        <a class="button plain" href={hrefOf('audit')}>
          Clear
        </a>
      </div>
    </form>
  )
}
