import type { Credential } from '../model/principal.ts'
import type { Settings } from '../settings.ts'
import { hashSecret, parseApiKey, parseSessionSecret, sameSecret } from '../storage/secrets.ts'

/** The credential that an API key's text makes; undefined for text that is no key. Whether it stands is not asked. */
export async function credentialOfKey(text: string): Promise<Extract<Credential, { kind: 'key' }> | undefined> {
  const key = parseApiKey(text)
  return key && { kind: 'key', studyNumber: key.studyNumber, hash: await hashSecret(key.secret) }
}

/** The same for what opens a session, of whatever protocol. */
export async function credentialOfSession(text: string): Promise<Extract<Credential, { kind: 'session' }> | undefined> {
  const parsed = parseSessionSecret(text)
  if (parsed?.kind !== 'access') return undefined
  return { kind: 'session', studyNumber: parsed.studyNumber, hash: await hashSecret(text) }
}

/** Compared in constant time. */
export const isOperatorKey = async (text: string, { operatorKey }: Settings): Promise<boolean> =>
  sameSecret(text, operatorKey)
