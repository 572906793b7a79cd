import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { type Carrel, CarrelError, createCarrel } from '../client/index.ts'

// Who is signed in. The key is in this tab's memory and its sessionStorage, and ends with the tab or by signing out.

/** As what one is here: what a key may do is the service's to say, and this only what is offered. */
export type Role = 'participant' | 'team' | 'admin'

export type Session = Readonly<{
  carrel: Carrel
  study: string
  studyName: string
  role: Role
  /** Their own id, of a participant. */
  participant: string | null
  /** Stands for the key where something is kept for whoever has it: says nothing of the key. */
  owner: string
}>

export type Credentials = Readonly<{ study: string; key: string }>

const KEPT = 'carrel-session'

const isCredentials = (kept: unknown): kept is Credentials =>
  typeof kept === 'object' &&
  kept !== null &&
  'study' in kept &&
  typeof kept.study === 'string' &&
  'key' in kept &&
  typeof kept.key === 'string'

export function keptCredentials(): Credentials | undefined {
  const kept: unknown = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null')
  return isCredentials(kept) ? kept : undefined
}
export const keepCredentials = (credentials: Credentials): void =>
  sessionStorage.setItem(KEPT, JSON.stringify(credentials))
export const forgetCredentials = (): void => sessionStorage.removeItem(KEPT)

async function ownerOf({ study, key }: Credentials): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(`console ${study} ${key}`))
  return Array.from(new Uint8Array(digest).subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

const DENIED: readonly string[] = ['forbidden', 'participant_not_found']
const unlessDenied = (failure: unknown): undefined => {
  if (failure instanceof CarrelError && DENIED.includes(failure.code)) return undefined
  throw failure
}

/** Asks the service who this is: a participant is told of themselves, the team of the study, an admin of its keys. */
async function whoIs(carrel: Carrel): Promise<Pick<Session, 'role' | 'participant' | 'studyName'> | undefined> {
  const self = await carrel.participants.get('me').catch(unlessDenied)
  if (self !== undefined) return { role: 'participant', participant: self.id, studyName: '' }
  const study = await carrel.studies.get().catch(unlessDenied)
  if (study === undefined) return undefined
  const keys = await firstOf(carrel.keys.list({ limit: 1 }).pages()).catch(unlessDenied)
  return { role: keys === undefined ? 'team' : 'admin', participant: null, studyName: study.name }
}

export async function firstOf<Page>(pages: AsyncIterable<Page>): Promise<Page | undefined> {
  for await (const page of pages) return page
  return undefined
}

/**
 * @param onEnded called when the key is no longer good
 * @throws CarrelError of the service, where the key is none of this study
 */
export async function openSession(credentials: Credentials, onEnded: () => void): Promise<Session> {
  const { study, key } = credentials
  let isOpen = false
  const carrel = createCarrel({
    url: location.origin,
    study,
    key,
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      if (isOpen && response.status === 401) onEnded()
      return response
    },
  })
  const who = await whoIs(carrel)
  if (who === undefined) {
    throw new CarrelError('This key opens files to programs only. Sign in with another.', { code: 'forbidden' })
  }
  isOpen = true
  return {
    ...who,
    studyName: who.studyName === '' ? study : who.studyName,
    carrel,
    study,
    owner: await ownerOf(credentials),
  }
}

export const SessionContext = createContext<Session | undefined>(undefined)

/** For views, which are shown to who is signed in. */
export function useSession(): Session {
  const session = useContext(SessionContext)
  if (session === undefined) throw new Error('Nobody is signed in.')
  return session
}
