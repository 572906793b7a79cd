import { base64url, SignJWT } from 'jose'
import { as } from './client.ts'
import { LOGIN, REGISTRY, type TestIssuer } from './issuers.ts'

export { CLINIC, LOGIN, REGISTRY, WARD } from './issuers.ts'

/** A JWT as a provider would give it to one of its users; `claims` are instead of the usual ones. */
export async function aToken(
  subject: string,
  { issuer = LOGIN, claims = {} }: { issuer?: TestIssuer; claims?: Record<string, unknown> } = {},
): Promise<string> {
  const payload = { iss: issuer.issuer, aud: issuer.audience, sub: subject, exp: Date.now() / 1000 + 300, ...claims }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: issuer.keys.algorithm })
    .sign(base64url.decode(issuer.keys.secret))
}

/** Somebody who signed in there. */
export const signedIn = async (...token: Parameters<typeof aToken>) => as(await aToken(...token))

/** What a token says of its bearer, in the claims that the registry and the ward are believed in. */
export const claiming = ({ roles, groups, gty }: { roles?: unknown; groups?: unknown; gty?: unknown }) => ({
  [REGISTRY.claimRoles.roles]: roles,
  [REGISTRY.claimRoles.groups]: groups,
  [REGISTRY.claimRoles.grantType]: gty,
})

/** Somebody of whom a provider says what they are. */
export const saidToBe = async (subject: string, said: Parameters<typeof claiming>[0], issuer: TestIssuer = REGISTRY) =>
  signedIn(subject, { issuer, claims: claiming(said) })
