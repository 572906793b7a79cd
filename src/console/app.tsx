/** @jsxImportSource preact */
import { useCallback, useEffect, useState } from 'preact/hooks'
import { ProblemMessage } from './parts/problem.tsx'
import { Toasts } from './parts/toasts.tsx'
import { hrefOf, replaceRoute } from './route.ts'
import {
  type Credentials,
  forgetCredentials,
  keepCredentials,
  keptCredentials,
  openSession,
  type Session,
  SessionContext,
} from './session.ts'
import { Shell } from './shell.tsx'
import { SignIn } from './sign-in.tsx'
import { closeUploads, openUploads } from './uploads/queue.ts'

type Signed = 'no' | 'asking' | Session

/** Signed in, or about to be. A tab that is loaded anew is still signed in. */
export function App() {
  const [signed, setSigned] = useState<Signed>(() => (keptCredentials() === undefined ? 'no' : 'asking'))
  const [failure, setFailure] = useState<unknown>()

  const signOut = useCallback(() => {
    // The address may tell whom or what was looked at.
    replaceRoute(hrefOf('', [], { study: keptCredentials()?.study }))
    forgetCredentials()
    closeUploads()
    setSigned('no')
  }, [])
  const open = useCallback(
    async (credentials: Credentials) => {
      const session = await openSession(credentials, signOut)
      keepCredentials(credentials)
      await openUploads(session)
      setFailure(undefined)
      setSigned(session)
    },
    [signOut],
  )
  useEffect(() => {
    const kept = keptCredentials()
    if (kept === undefined) return
    open(kept).catch((reason: unknown) => {
      setFailure(reason)
      setSigned('no')
    })
  }, [open])

  if (signed === 'asking')
    return (
      <p class="waiting" role="status">
        One moment…
      </p>
    )
  if (signed === 'no') {
    return (
      <SignIn onSignIn={open}>
        <ProblemMessage failure={failure} />
      </SignIn>
    )
  }
  return (
    <SessionContext.Provider value={signed}>
      <Toasts>
        <Shell onSignOut={signOut} />
      </Toasts>
    </SessionContext.Provider>
  )
}
