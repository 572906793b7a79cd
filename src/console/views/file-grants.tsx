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
import { useSaidTask, useToast } from '../parts/toasts.tsx'
import { useSession } from '../session.ts'
import type { FileRead } from './file.tsx'

type Grant = Awaited<ReturnType<ReturnType<Carrel['grants']['list']>['all']>>[number]

const LEVELS = { content: 'See and download it', metadata: 'See that it is there' } as const
const levelOf = (text: string) => (text === 'metadata' ? 'metadata' : 'content')

/** With whom a file is shared, within the study. */
export function Grants({ file }: Readonly<{ file: FileRead }>) {
  const { carrel } = useSession()
  const say = useToast()
  const { run } = useSaidTask()
  const list = useList((cursor) => carrel.grants.list(file.id, cursor === undefined ? {} : { cursor }), [file.id])
  const revoke = ({ principal }: Grant) => {
    run(async () => {
      await carrel.grants.revoke({ file: file.id, principal })
      say('It is no longer shared with them.')
      list.reload()
    })
  }
  const columns: readonly Column<Grant>[] = [
    { title: 'With', cell: ({ principal }) => <bdi>{principal.replace(':', ' ')}</bdi> },
    { title: 'They may', cell: ({ level }) => LEVELS[level] },
    { title: 'Until', cell: ({ expiresAt }) => (expiresAt === null ? 'You end it' : instantText(expiresAt)) },
    {
      title: 'Actions',
      isEnd: true,
      cell: (grant) => (
        <button type="button" aria-label={`Stop sharing with ${grant.principal}`} onClick={() => revoke(grant)}>
          Stop sharing
        </button>
      ),
    },
  ]
  return (
    <section class="card" aria-labelledby="grants">
      <h2 id="grants">Shared within the study</h2>
      <ListTable
        caption="Shares"
        columns={columns}
        keyOf={({ principal }) => principal}
        list={list}
        empty={<p class="quiet">With nobody.</p>}
      />
      <NewGrant file={file} onDone={list.reload} />
    </section>
  )
}

type NewGrantProps = Readonly<{ file: FileRead; onDone: () => void }>

function NewGrant({ file, onDone }: NewGrantProps) {
  const { carrel } = useSession()
  const say = useToast()
  const { failure, isBusy, run } = useTask()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const said = filledIn(form)
    const day = said('until')
    const grant = {
      level: levelOf(said('level')),
      // To the end of that day, here.
      expiresAt: day === '' ? null : new Date(`${day}T23:59:59`).toISOString(),
    } as const
    run(async () => {
      await carrel.grants.grant({ file: file.id, principal: `${said('kind')}:${said('id')}` }, grant)
      form.reset()
      say('It is shared.')
      onDone()
    })
  }
  return (
    <details>
      <summary>Share with somebody</summary>
      <form onSubmit={submit}>
        <div class="columns">
          <Field label="With">
            {(named) => (
              <select {...named} name="kind">
                <option value="participant">A participant</option>
                <option value="member">A member of the team</option>
              </select>
            )}
          </Field>
          <Field label="Their id">
            {(named) => <input {...named} name="id" required maxLength={255} spellcheck={false} autoComplete="off" />}
          </Field>
          <Field label="They may">
            {(named) => (
              <select {...named} name="level">
                <option value="content">{LEVELS.content}</option>
                <option value="metadata">{LEVELS.metadata}</option>
              </select>
            )}
          </Field>
          <Field label="Until" hint="Empty: until you end it.">
            {(named) => <input {...named} type="date" name="until" />}
          </Field>
        </div>
        <ProblemMessage failure={failure} />
        <div class="actions">
          <button type="submit" aria-disabled={isBusy}>
            Share
          </button>
        </div>
      </form>
    </details>
  )
}
