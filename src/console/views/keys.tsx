/** @jsxImportSource preact */
import { useState } from 'preact/hooks'
import type { Carrel } from '../../client/index.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { instantText } from '../parts/format.ts'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import type { Column } from '../parts/table.tsx'
import { useSaidTask, useToast } from '../parts/toasts.tsx'
import { useSession } from '../session.ts'
import { NewKey, ROLE_TEXTS } from './key-new.tsx'

type Key = Awaited<ReturnType<ReturnType<Carrel['keys']['list']>['all']>>[number]

function stateOf({ revokedAt, expiresAt }: Key): string {
  if (revokedAt !== null) {
    return `${Date.parse(revokedAt) <= Date.now() ? 'Revoked' : 'Ends'} ${instantText(revokedAt)}`
  }
  if (expiresAt === null) return 'Good'
  return `${Date.parse(expiresAt) <= Date.now() ? 'Expired' : 'Good until'} ${instantText(expiresAt)}`
}
const isGood = (key: Key) => key.revokedAt === null && stateOf(key).startsWith('Good')

const columnsOf = (onRevoke: (key: Key) => void): readonly Column<Key>[] => [
  {
    title: 'Name',
    cell: ({ label, hint }) => (
      <>
        <bdi>{label}</bdi> {hint !== null && <span class="quiet">…{hint}</span>}
      </>
    ),
  },
  {
    title: 'Acts as',
    cell: ({ role, participant, member }) => (
      <span>
        {ROLE_TEXTS[role]} <bdi class="quiet">{participant ?? member}</bdi>
      </span>
    ),
  },
  { title: 'State', cell: stateOf },
  { title: 'Last used', cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'Never' : instantText(lastUsedAt)) },
  {
    title: 'Actions',
    isEnd: true,
    cell: (key) =>
      isGood(key) ? (
        <button type="button" aria-label={`Revoke ${key.label}`} onClick={() => onRevoke(key)}>
          Revoke
        </button>
      ) : (
        '–'
      ),
  },
]

/** The study's keys, at `#/keys`. */
export function View() {
  const { carrel } = useSession()
  const say = useToast()
  const { run } = useSaidTask()
  const [isMaking, setMaking] = useState(false)
  const [revoking, setRevoking] = useState<Key>()
  const list = useList((cursor) => carrel.keys.list(cursor === undefined ? {} : { cursor }), [])
  const revoke = ({ id, label }: Key) => {
    setRevoking(undefined)
    run(async () => {
      await carrel.keys.revoke(id)
      say(`${label} lets nobody in any more.`)
      list.reload()
    })
  }
  const close = () => {
    setMaking(false)
    list.reload()
  }
  return (
    <>
      <div class="head">
        <h1>Keys</h1>
        <button type="button" class="main" onClick={() => setMaking(true)}>
          Make a key
        </button>
      </div>
      <p class="quiet">Whoever has a key acts as what it says, until it is revoked.</p>
      <ListTable caption="Keys" columns={columnsOf(setRevoking)} keyOf={({ id }) => id} list={list} />
      {isMaking && <NewKey onClose={close} />}
      {revoking !== undefined && (
        <ConfirmDialog
          title="Revoke this key?"
          action="Revoke it"
          onConfirm={() => revoke(revoking)}
          onClose={() => setRevoking(undefined)}
        >
          <p>
            <bdi>{revoking.label}</bdi> ends at once, with the sessions and open links that were made by it. It cannot
            be taken back.
          </p>
        </ConfirmDialog>
      )}
    </>
  )
}
