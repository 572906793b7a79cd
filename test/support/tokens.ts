import { base64url, SignJWT } from 'jose'
import { as } from './client.ts'
import { type CLINIC, LOGIN } from './issuers.ts'

export { CLINIC, LOGIN } from './issuers.ts'

/** A JWT as a provider would give it to one of its users; `claims` are instead of the usual ones. */
export async function aToken(
  subject: string,
  { issuer = LOGIN, claims = {} }: { issuer?: typeof LOGIN | typeof CLINIC; claims?: Record<string, unknown> } = {},
): Promise<string> {
  const payload = { iss: issuer.issuer, aud: issuer.audience, sub: subject, exp: Date.now() / 1000 + 300, ...claims }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: issuer.keys.algorithm })
    .sign(base64url.decode(issuer.keys.secret))
}

/** Somebody who signed in there. */
export const signedIn = async (...token: Parameters<typeof aToken>) => as(await aToken(...token))
