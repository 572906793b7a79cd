/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import type { Carrel } from '../../client/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, filledIn } from '../parts/field.tsx'
import { ProblemMessage } from '../parts/problem.tsx'
import { useTask } from '../parts/task.ts'
import { useSession } from '../session.ts'

type Erasure = Awaited<ReturnType<Carrel['participants']['erase']>>
type EraseProps = Readonly<{
  participant: Awaited<ReturnType<Carrel['participants']['get']>>
  /** As whoever asks names them. */
  id: string
  onClose: () => void
}>

/** Erases a participant, once their number was typed: no press of a button too many does it. */
export function Erase({ participant, id, onClose }: EraseProps) {
  const { carrel } = useSession()
  const [receipt, setReceipt] = useState<Erasure>()
  const [isOther, setOther] = useState(false)
  const { failure, isBusy, run } = useTask()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const isThisOne = filledIn(event.currentTarget)('number') === String(participant.number)
    setOther(!isThisOne)
    if (isThisOne) run(async () => setReceipt(await carrel.participants.erase(id)))
  }
  if (receipt !== undefined) return <Receipt receipt={receipt} onClose={onClose} />
  return (
    <Dialog title="Erase everything?" onClose={onClose}>
      <p>
        Every file, document, report, key and link of <bdi>{participant.externalId ?? participant.id}</bdi> goes at
        once, and cannot be brought back.
      </p>
      <form onSubmit={submit}>
        <Field label={`To go on, type the number ${participant.number}`}>
          {(named) => <input {...named} name="number" required inputMode="numeric" autoComplete="off" />}
        </Field>
        {isOther && (
          <p class="problem" role="alert">
            That is another number. Nothing was erased.
          </p>
        )}
        <ProblemMessage failure={failure} />
        <div class="actions">
          <button type="submit" class="danger" aria-disabled={isBusy}>
            Erase everything
          </button>
          <button type="button" onClick={onClose}>
            Cancel
          </button>
        </div>
      </form>
    </Dialog>
  )
}

const Receipt = ({ receipt, onClose }: Readonly<{ receipt: Erasure; onClose: () => void }>) => (
  <Dialog title="The erasure has begun" onClose={onClose}>
    <p>
      Nobody sees or writes anything of theirs from now on. It is done when nothing can come back, in a day or so. Its
      receipt: <code>{receipt.id}</code>
    </p>
  </Dialog>
)
