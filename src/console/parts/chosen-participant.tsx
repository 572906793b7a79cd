/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import { Field, filledIn } from './field.tsx'

type ChooseProps = Readonly<{ label: string; onChoose: (participant: string) => void }>

/** Asks whose things are to be shown: of many participants one knows the id. */
export function ChooseParticipant({ label, onChoose }: ChooseProps) {
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    onChoose(filledIn(event.currentTarget)('participant'))
  }
  return (
    <form class="search" onSubmit={submit}>
      <div class="words">
        <Field label={label} hint="Their id, as the list of participants has it.">
          {(named) => <input {...named} name="participant" required spellcheck={false} autoComplete="off" />}
        </Field>
        <button type="submit">Open</button>
      </div>
    </form>
  )
}
