/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { Carrel } from '../../client/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, filledIn } from '../parts/field.tsx'
import { instantText } from '../parts/format.ts'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import { ProblemMessage } from '../parts/problem.tsx'
import { QrCode } from '../parts/qr-code.tsx'
import type { Column } from '../parts/table.tsx'
import { useTask } from '../parts/task.ts'
import { useSaidTask, useToast } from '../parts/toasts.tsx'
import { useSession } from '../session.ts'
import type { FileRead } from './file.tsx'

type Issued = Awaited<ReturnType<Carrel['links']['issue']>>
type Link = Awaited<ReturnType<ReturnType<Carrel['links']['list']>['all']>>[number]

const LIFETIMES = [
  { seconds: 3_600, label: 'One hour' },
  { seconds: 86_400, label: 'One day' },
  { seconds: 7 * 86_400, label: 'One week' },
] as const

function stateOf({ claimedAt, revokedAt, expiresAt }: Link): string {
  if (claimedAt !== null) return `Used ${instantText(claimedAt)}`
  if (revokedAt !== null) return 'Revoked'
  return Date.parse(expiresAt) <= Date.now() ? 'Expired' : `Good until ${instantText(expiresAt)}`
}
const isOpen = (link: Link) => stateOf(link).startsWith('Good')

/** Links that give the file to whoever has them, once. */
export function Links({ file }: Readonly<{ file: FileRead }>) {
  const { carrel } = useSession()
  const say = useToast()
  const { run } = useSaidTask()
  const [isMaking, setMaking] = useState(false)
  const list = useList((cursor) => carrel.links.list(file.id, cursor === undefined ? {} : { cursor }), [file.id])
  const revoke = ({ id }: Link) => {
    run(async () => {
      await carrel.links.revoke({ file: file.id, token: id })
      say('The link is revoked.')
      list.reload()
    })
  }
  const columns: readonly Column<Link>[] = [
    { title: 'Made', cell: ({ createdAt }) => instantText(createdAt) },
    { title: 'State', cell: stateOf },
    {
      title: 'Actions',
      isEnd: true,
      cell: (link) =>
        isOpen(link) ? (
          <button
            type="button"
            aria-label={`Revoke the link made ${instantText(link.createdAt)}`}
            onClick={() => revoke(link)}
          >
            Revoke
          </button>
        ) : (
          '–'
        ),
    },
  ]
  const close = () => {
    setMaking(false)
    list.reload()
  }
  return (
    <section class="card" aria-labelledby="links">
      <div class="head">
        <h2 id="links">One-time links</h2>
        <button type="button" class="main" onClick={() => setMaking(true)}>
          Share by a link
        </button>
      </div>
      <p class="quiet">Whoever opens one gets the file without signing in. It works once.</p>
      <ListTable caption="One-time links" columns={columns} keyOf={({ id }) => id} list={list} />
      {isMaking && <NewLink file={file} onClose={close} />}
    </section>
  )
}

type NewLinkProps = Readonly<{ file: FileRead; onClose: () => void }>

/** One dialog for both, so that the focus goes back to where it came from. */
function NewLink({ file, onClose }: NewLinkProps) {
  const [issued, setIssued] = useState<Issued>()
  return (
    <Dialog title={issued === undefined ? 'Share by a one-time link' : 'The link is made'} onClose={onClose}>
      {issued === undefined ? <LinkForm file={file} onIssued={setIssued} /> : <IssuedLink issued={issued} />}
    </Dialog>
  )
}

function LinkForm({ file, onIssued }: Readonly<{ file: FileRead; onIssued: (issued: Issued) => void }>) {
  const { carrel } = useSession()
  const { failure, isBusy, run } = useTask()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const said = filledIn(event.currentTarget)
    const link = { seconds: Number(said('seconds')), confirm: said('confirm') === 'on' }
    run(async () => onIssued(await carrel.links.issue(file.id, link)))
  }
  return (
    <form onSubmit={submit}>
      <Field label="Good for">
        {(named) => (
          <select {...named} name="seconds">
            {LIFETIMES.map(({ seconds, label }) => (
              <option key={seconds} value={seconds}>
                {label}
              </option>
            ))}
          </select>
        )}
      </Field>
      <label class="check">
        <input type="checkbox" name="confirm" defaultChecked />
        Show a page with a button first, so that previews of chats and mail do not use it up
      </label>
      <ProblemMessage failure={failure} />
      <div class="actions">
        <button type="submit" class="main" aria-disabled={isBusy}>
          Make the link
        </button>
      </div>
    </form>
  )
}

const isThisMachines = (url: string): boolean => /^(?:localhost|127\.|\[::1\])/.test(new URL(url).hostname)

function IssuedLink({ issued }: Readonly<{ issued: Issued }>) {
  const say = useToast()
  const input = useRef<HTMLInputElement>(null)
  const url = issued.url ?? ''
  useEffect(() => input.current?.focus(), [])
  const copy = () => {
    navigator.clipboard.writeText(url).then(
      () => say('The link is copied.'),
      () => say('This browser does not let pages copy. Select the link and copy it.'),
    )
  }
  const hint = isThisMachines(url) ? 'Carrel runs on this computer only, so it opens on this computer only.' : undefined
  return (
    <>
      <p>It is shown this once, works once, and until {instantText(issued.expiresAt)}.</p>
      <Field label="Link" hint={hint}>
        {(named) => (
          <input {...named} ref={input} readOnly value={url} onFocus={({ currentTarget }) => currentTarget.select()} />
        )}
      </Field>
      <div class="actions">
        <button type="button" class="main" onClick={copy}>
          Copy the link
        </button>
      </div>
      <QrCode text={url} label="The link as a QR code, to open it on a phone" />
    </>
  )
}
