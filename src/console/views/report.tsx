/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import { CarrelError } from '../../client/index.ts'
import { Chart } from '../parts/chart.tsx'
import { Field, filledIn } from '../parts/field.tsx'
import { readJson } from '../parts/json-text.ts'
import { useList } from '../parts/loading.ts'
import { More } from '../parts/more.tsx'
import { ProblemMessage } from '../parts/problem.tsx'
import { type Column, Table } from '../parts/table.tsx'
import { useTask } from '../parts/task.ts'
import { useToast } from '../parts/toasts.tsx'
import { hrefOf } from '../route.ts'
import { useSession } from '../session.ts'
import { type Entry, seriesOf, waysTo } from './report-ways.ts'

type ReportProps = Readonly<{ participant: string | null; identifier: string }>

const COLUMNS: readonly Column<Entry>[] = [
  { title: 'When', cell: ({ at }) => at },
  { title: 'Value', cell: ({ data }) => <code dir="auto">{JSON.stringify(data)}</code> },
]

/** None yet: the first entry makes it. */
const isNotThere = (failure: unknown): boolean => failure instanceof CarrelError && failure.code === 'report_not_found'

/** One report: its numbers as lines, and all of its entries as a table. */
export function ReportView({ participant, identifier }: ReportProps) {
  const { carrel } = useSession()
  const ways = waysTo(carrel, participant)
  const list = useList(
    (cursor) => ways.entries(identifier, cursor === undefined ? {} : { cursor }),
    [participant, identifier],
  )
  const isNew = isNotThere(list.failure)
  const entries = isNew ? [] : (list.items ?? [])
  return (
    <>
      <a class="back" href={hrefOf('reports', [], { participant: participant ?? undefined })}>
        Reports
      </a>
      <h1>
        <bdi>{identifier}</bdi>
      </h1>
      {!isNew && <ProblemMessage failure={list.failure} />}
      {seriesOf(entries).map(({ name, points }) => (
        <section class="card" key={name} aria-label={`Chart of ${name}`}>
          <Chart name={name} points={points} />
        </section>
      ))}
      <NewEntry participant={participant} identifier={identifier} onDone={list.reload} />
      {entries.length === 0 && !list.isLoading && <p class="empty">There are no entries yet.</p>}
      {entries.length > 0 && (
        <Table caption="Entries, newest first" columns={COLUMNS} rows={entries} keyOf={({ at }) => at} />
      )}
      <More list={list} />
    </>
  )
}

const today = () => new Date().toISOString().slice(0, 10)

function NewEntry({ participant, identifier, onDone }: ReportProps & Readonly<{ onDone: () => void }>) {
  const { carrel } = useSession()
  const say = useToast()
  const [isNoJson, setNoJson] = useState(false)
  const { failure, isBusy, run } = useTask()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const said = filledIn(event.currentTarget)
    const read = readJson(said('data'))
    setNoJson('problem' in read)
    if ('problem' in read) return
    run(async () => {
      await waysTo(carrel, participant).put(identifier, { at: said('at'), data: read.value })
      say('The entry is there.')
      onDone()
    })
  }
  return (
    <details class="card">
      <summary>Add an entry</summary>
      <form onSubmit={submit}>
        <Field label="Date" hint="An entry that is there already is replaced.">
          {(named) => <input {...named} type="date" name="at" required defaultValue={today()} />}
        </Field>
        <Field label="Value" hint='JSON, such as {"steps": 8211}. Its numbers are drawn.'>
          {(named) => <textarea {...named} class="json" name="data" rows={3} required spellcheck={false} />}
        </Field>
        {isNoJson && (
          <p class="problem" role="alert">
            The value is no JSON. Nothing is saved.
          </p>
        )}
        <ProblemMessage failure={failure} />
        <div class="actions">
          <button type="submit" aria-disabled={isBusy}>
            Add
          </button>
        </div>
      </form>
    </details>
  )
}
