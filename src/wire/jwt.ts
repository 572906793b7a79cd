import { base64url, createLocalJWKSet, decodeJwt, errors, jwtVerify } from 'jose'
import type {
  CryptoKey,
  FlattenedJWSInput,
  JWTHeaderParameters,
  JWTVerifyGetKey,
  JWTVerifyOptions,
  LocalJWKSet,
} from 'jose'
import { DomainError, misconfigured, overloaded } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { Credential } from '../model/principal.ts'
import type { JwtIssuer } from '../settings.ts'
import { claimedIn } from './claimed-roles.ts'

type JwtCredential = Extract<Credential, { kind: 'jwt' }>
type FetchJwks = (url: string, init: RequestInit) => Promise<Response>

const SKEW_SECONDS = 60
const MAX_SUBJECT_LENGTH = 255
const KEYS_FRESH_MS = 3_600_000
/** Between two attempts while there are keys to go on with, whatever tokens ask for. */
const REFETCH_INTERVAL_MS = 30_000
const FETCH_TIMEOUT_MS = 5_000
const MAX_JWKS_BYTES = 256 * 1024

export type JwtVerifier = ReturnType<typeof createJwtVerifier>

/**
 * A function that verifies JWTs of the given issuers. Make one per isolate: it holds the issuers' keys, which are got
 * with `fetchJwks`.
 */
export function createJwtVerifier(issuers: readonly JwtIssuer[], fetchJwks: FetchJwks = fetch) {
  const sources = new Map<string, KeySource>()
  for (const { keys } of issuers) {
    if (keys.kind === 'jwks' && !sources.has(keys.url)) sources.set(keys.url, createKeySource(keys.url, fetchJwks))
  }

  /** Times are judged by `now`. Algorithms and keys are the settings' choice, whatever the token's header says. */
  const check = (token: string, { issuer, audience, keys }: JwtIssuer, now: Date) => {
    const claims = {
      issuer,
      audience,
      currentDate: now,
      clockTolerance: SKEW_SECONDS,
      requiredClaims: ['exp', 'sub'],
    }
    if (keys.kind === 'secret') {
      return jwtVerify(token, secretBytes(keys.secret), { ...claims, algorithms: [keys.algorithm] })
    }
    // RFC 9864 gives EdDSA with Ed25519, which is the only curve taken here, a name of its own.
    const algorithms = keys.algorithms.flatMap((name) => (name === 'EdDSA' ? [name, 'Ed25519'] : [name]))
    const source = sources.get(keys.url)
    if (!source) throw new Error('Every JWKS issuer has a key source.')
    return verifyWithAnyKey(token, (header, jws) => source.keyFor(header, jws, now.getTime()), {
      ...claims,
      algorithms,
    })
  }

  /**
   * Who the token says its bearer is; undefined for a token that is not to be believed, for whatever reason.
   *
   * @throws DomainError `overloaded` if the issuer's keys cannot be had and none are held from before;
   * `misconfigured` if its secret is not base64url.
   */
  return async (token: string, now: Date): Promise<JwtCredential | undefined> => {
    try {
      const claimed = decodeJwt(token)
      const audiences = [claimed.aud].flat()
      const issuer = issuers.find((entry) => entry.issuer === claimed.iss && audiences.includes(entry.audience))
      if (!issuer) return undefined
      const { payload } = await check(token, issuer, now)
      if (!isSubject(payload.sub)) return undefined
      // The operator's settings name the studies: ids from here on.
      const studies = issuer.studies as readonly StudyId[] | undefined
      const who = { issuer: issuer.issuer, subject: payload.sub }
      return { kind: 'jwt', ...who, studies, claimed: await claimedIn(payload, who, issuer.claimRoles) }
    } catch (error) {
      if (error instanceof DomainError) throw error
      // Besides jose's own errors, importing a provider's odd key throws a TypeError or a DOMException.
      return undefined
    }
  }
}

/** Lone surrogates are refused, since the database would store them all as the same character. */
const isSubject = (subject: unknown): subject is string =>
  typeof subject === 'string' && subject !== '' && subject.length <= MAX_SUBJECT_LENGTH && subject.isWellFormed()

function secretBytes(secret: string): Uint8Array {
  try {
    return base64url.decode(secret)
  } catch {
    throw misconfigured('A secret in JWT_ISSUERS is not base64url.')
  }
}

/** A token without a key id may fit several keys of the set, as it does while the provider changes them. */
async function verifyWithAnyKey(token: string, keyFor: JWTVerifyGetKey, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(token, keyFor, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options)
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure
      }
    }
    throw error
  }
}

type KeySource = ReturnType<typeof createKeySource>

/** A provider's keys: fetched when first needed, again when old or when one is unknown, and kept when it is down. */
function createKeySource(url: string, fetchJwks: FetchJwks) {
  let held: { keys: LocalJWKSet; fetchedAt: number } | undefined
  let inFlight: { startedAt: number; done: Promise<void> } | undefined
  let triedAt = Number.NEGATIVE_INFINITY

  const start = (startedAt: number) => {
    triedAt = startedAt
    const fetchOnce = async () => {
      const keys = await fetchKeySet(url, fetchJwks)
      if (inFlight?.startedAt === startedAt) inFlight = undefined
      // An attempt that was given up may still come in, after a later one.
      if (keys && (!held || held.fetchedAt <= startedAt)) held = { keys, fetchedAt: startedAt }
    }
    const attempt = { startedAt, done: fetchOnce() }
    inFlight = attempt
    return attempt
  }

  /** Leaves newer keys in `held` if they can be had now: joins a fetch under way, else starts one if it is time for it. */
  const refresh = async (now: number) => {
    // A request that is cancelled takes its fetch along, and the promise of it never settles: nobody joins an old one.
    const current = inFlight && now - inFlight.startedAt < FETCH_TIMEOUT_MS ? inFlight : undefined
    if (!current && held && now - triedAt < REFETCH_INTERVAL_MS) return
    await settledOrTimedOut((current ?? start(now)).done, FETCH_TIMEOUT_MS)
  }

  return {
    /** The key that a token's header asks for. Throws as `jwtVerify` expects, and `overloaded` if there are no keys. */
    async keyFor(header: JWTHeaderParameters, jws: FlattenedJWSInput, now: number): Promise<CryptoKey> {
      const isOld = held && now - held.fetchedAt >= KEYS_FRESH_MS
      // While one request refreshes old keys the others go on with them.
      if (!held || (isOld && now - triedAt >= REFETCH_INTERVAL_MS)) await refresh(now)
      if (!held) throw overloaded(new Error(`No keys could be fetched from ${url}`))
      const { keys } = held
      try {
        return await keys(header, jws)
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        await refresh(now)
        if (held.keys === keys) throw error
        return held.keys(header, jws)
      }
    },
  }
}

/** Undefined, and never an error, if the provider does not answer with keys. */
async function fetchKeySet(url: string, fetchJwks: FetchJwks): Promise<LocalJWKSet | undefined> {
  try {
    const response = await fetchJwks(url, {
      headers: { accept: 'application/jwk-set+json, application/json' },
      // Keys are only taken from the URL in the settings, and as they are now.
      redirect: 'manual',
      cache: 'no-store',
      signal: AbortSignal.timeout(FETCH_TIMEOUT_MS),
    })
    if (response.status !== 200) return undefined
    const keys = createLocalJWKSet(JSON.parse(await boundedText(response)))
    return keys.jwks().keys.length > 0 ? keys : undefined
  } catch {
    // Down, slow or not speaking JWKS: what is held stays, and the next attempt may fare better.
    return undefined
  }
}

async function boundedText(response: Response): Promise<string> {
  const decoder = new TextDecoder()
  let bytes = 0
  let text = ''
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    // Leaving the loop also cancels the body.
    if (bytes > MAX_JWKS_BYTES) throw new Error('The key set is too large.')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

/** Each waiter brings its own timer, so that none depends on the request whose fetch it joined. */
async function settledOrTimedOut(done: Promise<void>, milliseconds: number) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const timedOut = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([done, timedOut])
  clearTimeout(timer)
}
