import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import type { Caller } from './callers.ts'

// What MyDataHelps clients do before they ask for anything, wherever the Worker runs.

export const TOKEN = '/identityserver/connect/token'
export const TOKEN_URL = 'https://mydatahelps.org/identityserver/connect/token'

/** Keys of a service account: what the study is given, and what only the account has. */
export async function aKeyPair() {
  const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
  return { pem: await exportSPKI(publicKey), privateKey }
}
export type KeyPair = Awaited<ReturnType<typeof aKeyPair>>

let assertions = 0

/** What a service account signs; `claims` are instead of the usual ones. */
export const signed = async ({ privateKey }: Pick<KeyPair, 'privateKey'>, name: string, claims: object = {}) =>
  new SignJWT({
    iss: name,
    sub: name,
    aud: TOKEN_URL,
    exp: Date.now() / 1000 + 200,
    jti: `${crypto.randomUUID()}-${(assertions += 1)}`,
    ...claims,
  })
    .setProtectedHeader({ alg: 'RS256', typ: 'JWT' })
    .sign(privateKey)

/** A form, as the quickstarts send it; a field that is undefined is left out. */
export const asking =
  (anonymous: Caller) =>
  async (form: Record<string, string | undefined>, headers: object = {}) => {
    const fields = Object.entries(form).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
    return anonymous.post(TOKEN, new URLSearchParams(fields).toString(), {
      'Content-Type': 'application/x-www-form-urlencoded',
      ...headers,
    })
  }

export const clientCredentials = (assertion: string) => ({
  scope: 'api',
  grant_type: 'client_credentials',
  client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: assertion,
})

export const delegatedParticipant = (token: string, participant: string) => ({
  scope: 'api',
  grant_type: 'delegated_participant',
  participant_id: participant,
  client_id: 'MyDataHelps.DelegatedParticipant',
  client_secret: 'secret',
  token,
})

/** A service account that a study knows. */
export async function aServiceAccount(study: { path: string; admin: Caller }, name: string, keys: KeyPair, key = {}) {
  const answer = await study.admin.post(`${study.path}/keys`, {
    role: 'worker',
    label: name,
    publicKey: keys.pem,
    ...key,
  })
  if (answer.status !== 201) throw new Error(answer.text)
  return answer.body.id as string
}
