import { chmod, mkdir, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { notSignedIn, usage } from './failures.ts'
import { readIfThere, writePrivately } from './private-files.ts'
import { shown } from './shown.ts'
import type { Terminal } from './terminal.ts'

// Who one is, at which service: a file for each profile, so that two logins at once lose nothing of each other's.

const Profile = z.object({ url: z.string(), study: z.string(), key: z.string() })
export type Profile = z.infer<typeof Profile>

type Env = Terminal['env']

/** As the XDG base directory specification has it: what is not absolute is ignored. */
function homeOf(env: Env, variable: string, fallback: string): string {
  const said = env[variable]
  return join(said !== undefined && isAbsolute(said) ? said : join(env['HOME'] ?? homedir(), fallback), 'carrel')
}
const configHome = (env: Env) => homeOf(env, 'XDG_CONFIG_HOME', '.config')
/** What can be lost: it saves sending twice. */
export const stateHome = (env: Env) => homeOf(env, 'XDG_STATE_HOME', '.local/state')

const pathOf = (env: Env, name: string) => {
  if (!/^[A-Za-z0-9][\w.-]{0,63}$/.test(name)) throw usage(`'${shown(name)}' is no name of a profile.`)
  return join(configHome(env), 'profiles', `${name}.json`)
}

export async function saveProfile(env: Env, name: string, profile: Profile): Promise<void> {
  const path = pathOf(env, name)
  await mkdir(configHome(env), { recursive: true, mode: 0o700 })
  // It may be there from before, for more people.
  await chmod(configHome(env), 0o700)
  await writePrivately(path, `${JSON.stringify(profile, null, 2)}\n`)
}

export async function removeProfile(env: Env, name: string): Promise<void> {
  await rm(pathOf(env, name), { force: true })
}

async function savedProfile(env: Env, name: string): Promise<Profile | undefined> {
  const text = await readIfThere(pathOf(env, name))
  if (text === undefined) return undefined
  const read = Profile.safeParse(jsonOr(text))
  if (!read.success) throw notSignedIn(`The profile '${name}' cannot be read. Sign in again: carrel login`)
  return read.data
}

/** Undefined for what is none: what it says is not repeated, for a key may be in it. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** What is set to nothing is not set. */
export const setIn = (env: Env, name: `CARREL_${string}`): string | undefined =>
  env[name] === '' ? undefined : env[name]

export const profileName = (env: Env, asked: string | undefined): string =>
  asked ?? setIn(env, 'CARREL_PROFILE') ?? 'default'

type Said = Readonly<{ url: string | undefined; study: string | undefined }>

/** The environment's key, or that of a profile; a profile's key goes to that profile's service only. */
export async function findProfile(
  env: Env,
  asked: { profile?: string | undefined; study?: string | undefined },
): Promise<Profile> {
  const name = profileName(env, asked.profile)
  const saved = await savedProfile(env, name)
  const said = {
    url: setIn(env, 'CARREL_URL') ?? saved?.url,
    study: asked.study ?? setIn(env, 'CARREL_STUDY') ?? saved?.study,
  }
  const key = setIn(env, 'CARREL_KEY')
  if (key !== undefined) return profileOf(key, said)
  if (saved === undefined) throw notSignedIn(`Nobody is signed in as '${name}'. Sign in: carrel login`)
  const profile = profileOf(saved.key, said)
  if (profile.url === checkedUrl(saved.url)) return profile
  throw notSignedIn('CARREL_URL is not where the profile signed in, and its key goes nowhere else: set CARREL_KEY too.')
}

function profileOf(key: string, { url, study }: Said): Profile {
  if (url === undefined) throw notSignedIn('CARREL_KEY is set; say where the service is in CARREL_URL.')
  return { key, url: checkedUrl(url), study: mustStudy(study) }
}

function mustStudy(study: string | undefined): string {
  if (study === undefined || study === '') throw usage('Say the study: --study, or CARREL_STUDY.')
  return study
}

const LOCAL = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/

/** A key is sent to no place where others can read along. */
export function checkedUrl(text: string): string {
  if (!URL.canParse(text)) throw usage(`'${shown(text)}' is no URL, such as https://carrel.example.org.`)
  const { protocol, hostname, username, password, search, hash, href } = new URL(text)
  if (username !== '' || password !== '' || search !== '' || hash !== '') {
    throw usage('The URL of the service has neither a user, nor a query, nor a fragment.')
  }
  if (protocol !== 'https:' && !(protocol === 'http:' && LOCAL.test(hostname))) {
    throw usage('The service is at an https: URL; http: is for this machine only.')
  }
  return href.replace(/\/+$/, '')
}
