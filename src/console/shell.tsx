/** @jsxImportSource preact */
import type { ComponentType } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { ConfirmDialog } from './parts/dialog.tsx'
import { countText } from './parts/format.ts'
import { ProblemMessage } from './parts/problem.tsx'
import { hrefOf, useRoute } from './route.ts'
import { useSession } from './session.ts'
import { DropZone } from './uploads/drop-zone.tsx'
import { giveUpAll, unfinished, useUploads } from './uploads/queue.ts'
import { UploadsInBrief } from './uploads/brief.tsx'
import { type View, type ViewProps, VIEWS } from './views.ts'

const ROLES = { participant: 'Participant', team: 'Study team', admin: 'Administrator' } as const

/** What is around every view: where one can go, who one is, and what is on its way. */
export function Shell({ onSignOut }: Readonly<{ onSignOut: () => void }>) {
  const { role, studyName } = useSession()
  const route = useRoute()
  const views = VIEWS.filter(({ roles }) => roles.includes(role))
  const view = views.find(({ name }) => name === route.view) ?? views[0]
  return (
    <DropZone>
      <a class="skip" href="#content" onClick={focusContent}>
        Skip to the content
      </a>
      <header class="top">
        <p class="study">
          <strong>{studyName}</strong> <span class="quiet">{ROLES[role]}</span>
        </p>
        <nav aria-label="Views">
          <ul>
            {views.map(({ name, label }) => (
              <li key={name}>
                <a href={hrefOf(name)} aria-current={name === view?.name ? 'page' : undefined}>
                  {label}
                </a>
              </li>
            ))}
          </ul>
        </nav>
        <SignOut onSignOut={onSignOut} />
      </header>
      <main id="content" tabIndex={-1}>
        {view === undefined ? (
          <p>There is nothing here for this key.</p>
        ) : (
          <Opened key={view.name} view={view} route={route} />
        )}
      </main>
      <UploadsInBrief />
    </DropZone>
  )
}

/** A fragment is where one is, so the link cannot be one. */
function focusContent(event: Event): void {
  event.preventDefault()
  document.querySelector<HTMLElement>('#content')?.focus()
}

function Opened({ view, route }: ViewProps & { view: View }) {
  const [Loaded, setLoaded] = useState<ComponentType<ViewProps>>()
  const [failure, setFailure] = useState<unknown>()
  useEffect(() => {
    document.title = `${view.label} · Carrel`
    view.load().then(
      (module) => setLoaded(() => module.View),
      (reason: unknown) => setFailure(reason),
    )
  }, [view])
  useFocusOnArrival(route.names.join('/'), Loaded !== undefined)
  if (failure !== undefined) return <ProblemMessage failure={failure} />
  return Loaded === undefined ? <p class="waiting">One moment…</p> : <Loaded route={route} />
}

let hasArrived = false

/** Whoever has followed a link is where it leads, with the keyboard and the screen reader too. */
function useFocusOnArrival(place: string, isThere: boolean): void {
  const known = useRef<string | undefined>(undefined)
  useEffect(() => {
    if (!isThere || known.current === place) return
    known.current = place
    if (hasArrived) document.querySelector<HTMLElement>('#content')?.focus()
    hasArrived = true
  }, [place, isThere])
}

function SignOut({ onSignOut }: Readonly<{ onSignOut: () => void }>) {
  const open = unfinished(useUploads())
  const [isAsking, setAsking] = useState(false)
  const end = () => {
    void giveUpAll().finally(onSignOut)
  }
  return (
    <>
      <button type="button" class="plain" onClick={() => (open.length === 0 ? onSignOut() : setAsking(true))}>
        Sign out
      </button>
      {isAsking && (
        <ConfirmDialog title="Sign out?" action="Give up and sign out" onConfirm={end} onClose={() => setAsking(false)}>
          <p>
            {countText(open.length, 'upload')} {open.length === 1 ? 'is' : 'are'} not finished and would be given up. To
            go on another time, close the window instead, and sign in with the same key.
          </p>
        </ConfirmDialog>
      )}
    </>
  )
}
