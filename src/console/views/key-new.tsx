/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import { useState } from 'preact/hooks'
import type { Carrel } from '../../client/index.ts'
import { Dialog } from '../parts/dialog.tsx'
import { Field, filledIn } from '../parts/field.tsx'
import { ProblemMessage } from '../parts/problem.tsx'
import { useTask } from '../parts/task.ts'
import { useToast } from '../parts/toasts.tsx'
import { useSession } from '../session.ts'

type Issued = Awaited<ReturnType<Carrel['keys']['issue']>>

export const ROLE_TEXTS = {
  participant: 'Participant',
  staff: 'Staff',
  worker: 'Program',
  admin: 'Administrator',
  download: 'Downloads only',
} as const
type Role = keyof typeof ROLE_TEXTS
const isRole = (text: string): text is Role => Object.hasOwn(ROLE_TEXTS, text)
const ROLES = Object.entries(ROLE_TEXTS)

type NewKeyProps = Readonly<{ onClose: () => void }>

/** Makes a key, and shows its secret, this once. */
export function NewKey({ onClose }: NewKeyProps) {
  const { carrel } = useSession()
  const [role, setRole] = useState<Role>('staff')
  const [issued, setIssued] = useState<Issued>()
  const { failure, isBusy, run } = useTask()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const said = filledIn(event.currentTarget)
    const day = said('until')
    const key = {
      role,
      label: said('label'),
      participant: role === 'participant' ? said('participant') : null,
      // To the end of that day, here.
      expiresAt: day === '' ? null : new Date(`${day}T23:59:59`).toISOString(),
    }
    run(async () => setIssued(await carrel.keys.issue(key)))
  }
  if (issued !== undefined) return <IssuedKey issued={issued} onClose={onClose} />
  return (
    <Dialog title="Make a key" onClose={onClose}>
      <form onSubmit={submit}>
        <Field label="Name" hint="Where it will be: you revoke it by this name.">
          {(named) => <input {...named} name="label" required maxLength={255} autoComplete="off" />}
        </Field>
        <Field label="Acts as">
          {(named) => (
            <select
              {...named}
              value={role}
              onChange={({ currentTarget }) => isRole(currentTarget.value) && setRole(currentTarget.value)}
            >
              {ROLES.map(([name, text]) => (
                <option key={name} value={name}>
                  {text}
                </option>
              ))}
            </select>
          )}
        </Field>
        {role === 'participant' && (
          <Field label="Participant" hint="Their id. Whoever has the key acts as them.">
            {(named) => <input {...named} name="participant" required spellcheck={false} autoComplete="off" />}
          </Field>
        )}
        <Field label="Good until" hint="Empty: until it is revoked.">
          {(named) => <input {...named} type="date" name="until" />}
        </Field>
        <ProblemMessage failure={failure} />
        <div class="actions">
          <button type="submit" class="main" aria-disabled={isBusy}>
            Make the key
          </button>
        </div>
      </form>
    </Dialog>
  )
}

function IssuedKey({ issued, onClose }: Readonly<{ issued: Issued }> & NewKeyProps) {
  const say = useToast()
  const secret = issued.secret ?? ''
  const copy = () => {
    navigator.clipboard.writeText(secret).then(
      () => say('The key is copied.'),
      () => say('This browser does not let pages copy. Select the key and copy it.'),
    )
  }
  return (
    <Dialog title="The key is made" onClose={onClose}>
      <p>It is shown this once. Put it where it belongs before you close this.</p>
      <Field label="Secret">
        {(named) => (
          <input {...named} readOnly value={secret} onFocus={({ currentTarget }) => currentTarget.select()} />
        )}
      </Field>
      <div class="actions">
        <button type="button" class="main" onClick={copy}>
          Copy the key
        </button>
      </div>
    </Dialog>
  )
}
