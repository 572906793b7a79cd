/** @jsxImportSource preact */
import type { ComponentChildren, JSX } from 'preact'
import { useId } from 'preact/hooks'

type Described = Readonly<{ id: string; 'aria-describedby': string | undefined }>
type FieldProps = Readonly<{
  label: string
  hint?: ComponentChildren
  /** The control, which is to have these: `(named) => <input {...named} />`. */
  children: (named: Described) => JSX.Element
}>

/** A control of a form with its label, and what is to be known of it. */
export function Field({ label, hint, children }: FieldProps) {
  const id = useId()
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, 'aria-describedby': hint === undefined ? undefined : `${id}-hint` })}
      {hint !== undefined && (
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  )
}

/** What is filled in of a form, by the names of its controls. */
export function filledIn(form: HTMLFormElement): (name: string) => string {
  const data = new FormData(form)
  return (name) => {
    const value = data.get(name)
    return typeof value === 'string' ? value.trim() : ''
  }
}
