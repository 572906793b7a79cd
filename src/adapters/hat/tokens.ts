import { exportJWK, exportSPKI, importJWK, importPKCS8, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import { misconfigured } from '../../model/errors.ts'
import type { HostName } from '../../model/ids.ts'
import type { Settings } from '../../settings.ts'

// HAT's clients read their token without verifying it: they take its issuer for the host that they talk to, and its time
// of issue for when they have to sign in again.

const ALGORITHM = 'RS256'

/** What a token says. What its session opens, the session's row decides. */
export type Token = Readonly<{
  host: HostName
  /** Whom it was given to. */
  userId: string
  accessScope: string
  /** The application that it was given to; clients and its owner read it, and the session's row has its limit. */
  application: string | undefined
  /** The secret of a session. */
  session: string
  issuedAt: Date
  /** When it ends however much it is used: a renewed one ends with the first. */
  endsAt: Date
}>

const Claims = z.object({
  sub: z.string(),
  accessScope: z.string(),
  application: z.string().optional(),
  session: z.string(),
  iat: z.number(),
  exp: z.number(),
})

type Keys = Readonly<{ signing: CryptoKey; verifying: readonly CryptoKey[]; publicPem: string }>

/** Imported once per isolate: as values, since a promise may end with the request that it was made in. */
const imported = new WeakMap<Settings, Keys>()

async function keysOf(settings: Settings): Promise<Keys> {
  const known = imported.get(settings)
  if (known !== undefined) return known
  const pairs = await Promise.all(settings.hatSigningKeys.map(pairOf))
  const [first] = pairs
  if (first === undefined) throw misconfigured('HAT_SIGNING_KEY has no key. See wrangler.toml.')
  const keys = {
    signing: first.signing,
    verifying: pairs.map(({ verifying }) => verifying),
    publicPem: await exportSPKI(first.verifying),
  }
  imported.set(settings, keys)
  return keys
}

/** A key with its public half, which can be worked out from it. */
async function pairOf(pem: string) {
  try {
    const signing = await importPKCS8(pem, ALGORITHM, { extractable: true })
    const { n = '', e = '' } = await exportJWK(signing)
    const verifying = await importJWK({ kty: 'RSA', n, e }, ALGORITHM, { extractable: true })
    if (verifying instanceof Uint8Array) throw new Error('a public key is not bytes')
    return { signing, verifying }
  } catch {
    throw misconfigured('HAT_SIGNING_KEY is no RSA private key in PKCS #8. See wrangler.toml.')
  }
}

/** The public half of the key that signs, as PEM. */
export const publicKeyOf = async (settings: Settings): Promise<string> => (await keysOf(settings)).publicPem

export async function signToken(settings: Settings, token: Token): Promise<string> {
  const { host, accessScope, application, session, userId, issuedAt, endsAt } = token
  return new SignJWT({ resource: host, accessScope, session, ...(application !== undefined && { application }) })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setIssuer(host)
    .setSubject(userId)
    .setJti(crypto.randomUUID())
    .setIssuedAt(issuedAt)
    .setExpirationTime(endsAt)
    .sign((await keysOf(settings)).signing)
}

const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** What a token says that one of the keys has signed for this host, and that has not ended; undefined for any other text. */
export async function openToken(
  settings: Settings,
  text: string,
  { host, now }: { host: string; now: Date },
): Promise<Token | undefined> {
  if (!COMPACT.test(text)) return undefined
  const payload = await verified(text, await keysOf(settings), { issuer: host, currentDate: now })
  const claims = Claims.safeParse(payload)
  if (!claims.success) return undefined
  const { sub, accessScope, application, session, iat, exp } = claims.data
  return {
    host: host as HostName, // signed for it
    userId: sub,
    accessScope,
    application,
    session,
    issuedAt: new Date(iat * 1000),
    endsAt: new Date(exp * 1000),
  }
}

async function verified(
  text: string,
  { verifying }: Keys,
  expected: { issuer: string; currentDate: Date },
): Promise<JWTPayload | undefined> {
  for (const key of verifying) {
    try {
      return (await jwtVerify(text, key, { algorithms: [ALGORITHM], ...expected })).payload
    } catch {
      // Another key's, or not to be taken: then no key takes it.
    }
  }
  return undefined
}
