/** @jsxImportSource preact */
import type { ComponentChildren, TargetedSubmitEvent } from 'preact'
import { Field, filledIn } from './parts/field.tsx'
import { ProblemMessage } from './parts/problem.tsx'
import { useTask } from './parts/task.ts'
import { useRoute } from './route.ts'
import type { Credentials } from './session.ts'

type SignInProps = Readonly<{ onSignIn: (credentials: Credentials) => Promise<void>; children: ComponentChildren }>

/** What is shown to whoever has not signed in. A link may name the study (`#/?study=…`), and never the key. */
export function SignIn({ onSignIn, children }: SignInProps) {
  const { query } = useRoute()
  const { failure, isBusy, run } = useTask()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const said = filledIn(event.currentTarget)
    run(async () => onSignIn({ study: said('study'), key: said('key') }))
  }
  return (
    <main class="sign-in">
      <h1>Carrel</h1>
      <p>
        Sign in with the key that you were given for your study. It stays in this tab, until you sign out or close it.
      </p>
      {failure === undefined ? children : <ProblemMessage failure={failure} />}
      <form onSubmit={submit}>
        <Field label="Study" hint="Its id, such as SD_DEM0DEM0.">
          {(named) => (
            <input
              {...named}
              name="study"
              required
              autoComplete="off"
              spellcheck={false}
              defaultValue={query.get('study') ?? ''}
            />
          )}
        </Field>
        <Field label="Key" hint="It begins with crl_.">
          {(named) => <input {...named} name="key" type="password" required autoComplete="off" spellcheck={false} />}
        </Field>
        <button type="submit" class="main" aria-disabled={isBusy}>
          {isBusy ? 'One moment…' : 'Sign in'}
        </button>
      </form>
    </main>
  )
}
