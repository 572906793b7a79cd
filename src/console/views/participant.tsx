/** @jsxImportSource preact */
import { useState } from 'preact/hooks'
import type { Carrel } from '../../client/index.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { instantText } from '../parts/format.ts'
import { useLoaded } from '../parts/loading.ts'
import { ProblemMessage } from '../parts/problem.tsx'
import { useSaidTask, useToast } from '../parts/toasts.tsx'
import { hrefOf } from '../route.ts'
import { useSession } from '../session.ts'
import { Erase } from './participant-erase.tsx'
import { STATUS_TEXTS } from './participant-list.tsx'

type Participant = Awaited<ReturnType<Carrel['participants']['get']>>

/** One participant, or oneself: what is known, and what may be done with all of it. */
export function ParticipantView({ id }: Readonly<{ id: string }>) {
  const { carrel, role } = useSession()
  const { value: participant, failure, reload } = useLoaded(async () => carrel.participants.get(id), [id])
  const isOwn = id === 'me'
  return (
    <>
      {!isOwn && (
        <a class="back" href={hrefOf('participants')}>
          Participants
        </a>
      )}
      <h1>{isOwn ? 'My data' : <bdi>{participant?.externalId ?? id}</bdi>}</h1>
      <ProblemMessage failure={failure} />
      {participant !== undefined && (
        <>
          <Facts participant={participant} />
          {!isOwn && <Places id={participant.id} />}
          {(isOwn || role === 'admin') && <Deeds participant={participant} isOwn={isOwn} onDone={reload} />}
        </>
      )}
    </>
  )
}

const Facts = ({ participant }: Readonly<{ participant: Participant }>) => (
  <dl class="facts">
    {[
      ['Id', participant.id],
      ['Number', participant.number],
      ['The study’s name', participant.externalId ?? '–'],
      ['Labels', participant.labels.join(', ') || '–'],
      ['Status', STATUS_TEXTS[participant.status]],
      ['Enrolled', instantText(participant.createdAt)],
    ].map(([name, value]) => (
      <div key={name}>
        <dt>{name}</dt>
        <dd>
          <bdi>{value}</bdi>
        </dd>
      </div>
    ))}
  </dl>
)

function Places({ id }: Readonly<{ id: string }>) {
  const { role } = useSession()
  return (
    <div class="actions">
      <a class="button" href={hrefOf('files', [], { participant: id })}>
        Files
      </a>
      <a class="button" href={hrefOf('documents', [id])}>
        Documents
      </a>
      <a class="button" href={hrefOf('reports', [], { participant: id })}>
        Reports
      </a>
      {role === 'admin' && (
        <a class="button" href={hrefOf('audit', [], { participant: id })}>
          Audit
        </a>
      )}
    </div>
  )
}

/** All of it as one file: every page of it, so that nothing is missing from what is saved. */
async function saveExport(carrel: Carrel, id: string): Promise<void> {
  const items = await carrel.participants.export(id).all()
  const participant = await carrel.participants.get(id)
  const text = JSON.stringify({ participant, items }, null, 2)
  const url = URL.createObjectURL(new Blob([text], { type: 'application/octet-stream' }))
  Object.assign(document.createElement('a'), { href: url, download: 'export.json' }).click()
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

type DeedsProps = Readonly<{ participant: Participant; isOwn: boolean; onDone: () => void }>

function Deeds({ participant, isOwn, onDone }: DeedsProps) {
  const { carrel } = useSession()
  const say = useToast()
  const { isBusy, run } = useSaidTask()
  const [asking, setAsking] = useState<'withdraw' | 'erase'>()
  const id = isOwn ? 'me' : participant.id
  const close = () => setAsking(undefined)
  const change = (status: 'active' | 'withdrawn') => {
    close()
    run(async () => {
      await carrel.participants.update(id, { status })
      say(status === 'withdrawn' ? 'They are withdrawn.' : 'They take part again.')
      onDone()
    })
  }
  return (
    <section class="card" aria-labelledby="deeds">
      <h2 id="deeds">All of it</h2>
      <p class="quiet">The export names everything, with links to the files that work for six hours.</p>
      <div class="actions">
        <button type="button" aria-disabled={isBusy} onClick={() => run(async () => saveExport(carrel, id))}>
          {isBusy ? 'One moment…' : 'Export'}
        </button>
        {!isOwn && participant.status === 'active' && (
          <button type="button" onClick={() => setAsking('withdraw')}>
            Withdraw
          </button>
        )}
        {!isOwn && participant.status === 'withdrawn' && (
          <button type="button" onClick={() => change('active')}>
            Take back
          </button>
        )}
        {participant.status !== 'erasing' && (
          <button type="button" class="danger" onClick={() => setAsking('erase')}>
            Erase
          </button>
        )}
      </div>
      {asking === 'withdraw' && (
        <ConfirmDialog title="Withdraw them?" action="Withdraw" onConfirm={() => change('withdrawn')} onClose={close}>
          <p>They read, export and erase what is theirs, and write nothing more. What was shared stays shared.</p>
        </ConfirmDialog>
      )}
      {asking === 'erase' && <Erase participant={participant} id={id} onClose={close} />}
    </section>
  )
}
