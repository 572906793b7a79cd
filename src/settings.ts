import { z } from 'zod'
import { misconfigured } from './model/errors.ts'

const Seconds = z.coerce.number().int().positive()
const Bytes = z.coerce.number().int().positive()
const Count = z.coerce.number().int().positive()
const List = z.string().transform((text) =>
  text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== ''),
)

const json = (text: string, context: z.RefinementCtx): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' })
    return z.NEVER
  }
}

const ClaimName = z.string().min(1).max(255)

/**
 * In which claims a provider says what its users are: those that are named here are believed. `roles` is a list in which
 * `ADMIN` makes an admin; `groups` a list of studies, in which one is staff or, where the claim `grantType` says
 * `client-credentials`, a worker.
 */
const ClaimRoles = z
  .strictObject({ roles: ClaimName.optional(), groups: ClaimName.optional(), grantType: ClaimName.optional() })
  .refine(({ roles, groups }) => roles !== undefined || groups !== undefined)
export type ClaimRoles = z.infer<typeof ClaimRoles>

/**
 * A provider whose JWTs are accepted. The algorithm is named here and never taken from a token's header.
 * `studies` limits where its users can have a place, whatever gives it to them; without it, anywhere they have one.
 * Without `claimRoles` that is where they are members: nothing else that a token says is believed.
 */
const Issuer = z.strictObject({
  issuer: z.string().min(1),
  audience: z.string().min(1),
  studies: z.array(z.string().min(1)).optional(),
  claimRoles: ClaimRoles.optional(),
  keys: z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('jwks'),
      url: z.url(),
      algorithms: z.array(z.enum(['RS256', 'ES256', 'EdDSA'])).min(1),
    }),
    /** `secret` is base64url of at least 32 bytes. */
    z.strictObject({ kind: z.literal('secret'), algorithm: z.literal('HS256'), secret: z.string().min(43) }),
  ]),
})
export type JwtIssuer = z.infer<typeof Issuer>

/** `<id>:<base64url of 32 bytes>`; the id, 0-255, is in every token that the key signs. */
const TokenKey = z
  .string()
  .regex(/^(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]):[A-Za-z0-9_-]{43}$/)
  .transform((text) => {
    const [id = '', secret = ''] = text.split(':')
    return { id: Number(id), secret }
  })
export type TokenKey = z.infer<typeof TokenKey>

const PEM_PRIVATE_KEY = /-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+?)-----END PRIVATE KEY-----/g

/** Private keys in PKCS #8, as `openssl genpkey` writes them, one after the other; line breaks may be gone, or `\n`. */
const SigningKeys = z
  .string()
  .transform((text) =>
    Array.from(
      text.replaceAll('\\n', '\n').matchAll(PEM_PRIVATE_KEY),
      ([, body = '']) => `-----BEGIN PRIVATE KEY-----\n${body.replaceAll(/\s/g, '')}\n-----END PRIVATE KEY-----`,
    ),
  )
  .pipe(z.array(z.string()).min(1))

const Variables = z.object({
  /** Where objects are reached by presigned URLs, path style; `local`: the bucket's endpoint of `wrangler dev`. */
  S3_ENDPOINT: z.union([
    z.literal('local'),
    z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/$/, '')),
  ]),
  S3_BUCKET: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
  S3_ACCESS_KEY_ID: z.string().min(1),
  S3_SECRET_ACCESS_KEY: z.string().min(1),
  /** Makes studies and their first admin keys: at least 32 characters. */
  OPERATOR_KEY: z.string().min(32),
  /** Comma-separated; the first signs new download tokens, the others still verify old ones. */
  TOKEN_KEYS: List.pipe(z.array(TokenKey).min(1)),
  /** The first RSA key signs the tokens that HAT's clients get, the others still verify old ones. */
  HAT_SIGNING_KEY: SigningKeys,
  /** Comma-separated origins of browser apps; `*` for any. */
  ALLOWED_ORIGINS: List,
  /** A JSON array of `Issuer`. */
  JWT_ISSUERS: z.string().transform(json).pipe(z.array(Issuer)),
  /** From this size on an upload is multipart unless the client says otherwise. */
  MULTIPART_THRESHOLD_BYTES: Bytes.max(5 * 1024 ** 3 - 1),
  /** Size of a part; larger where 10,000 of them would not be enough. R2 wants 5 MiB at least. */
  PART_BYTES: Bytes.min(5 * 1024 ** 2),
  MAX_FILE_BYTES: Bytes,
  /** A declared checksum that storage did not check is checked by reading, up to this size. */
  READ_VERIFY_BYTES: Bytes,
  /** How long an upload stays open. R2 gives a multipart upload up after seven days. */
  UPLOAD_SECONDS: Seconds.max(7 * 86_400),
  /** Whether callers are limited by the binding CALLER_RATE, whose figures are in wrangler.toml. */
  RATE_LIMITS: z.enum(['on', 'off']),
  /** `off`: nobody is served but the operator, while a database that was put back is seen to (docs/operations.md). */
  SERVING: z.enum(['on', 'off']),
  /** Whether GraphQL tells its schema, and has a page to try it. */
  GRAPHQL_INTROSPECTION: z.enum(['on', 'off']),
  /** Whether answers tell in `Server-Timing` what was waited for: for developers, since it may tell others what there is. */
  SERVER_TIMING: z.enum(['on', 'off']),
  UPLOAD_URL_SECONDS: Seconds.max(7 * 86_400),
  DOWNLOAD_URL_SECONDS: Seconds.max(7 * 86_400),
  DOWNLOAD_TOKEN_SECONDS: Seconds.max(7 * 86_400),
  /** How long a session lives that a foreign sign-in gave, and the secret that renews it. */
  SESSION_SECONDS: Seconds.max(7 * 86_400),
  SESSION_RENEWAL_SECONDS: Seconds.max(400 * 86_400),
  /** The same of a service account's token, and of one that it was given to act for a participant. */
  SERVICE_TOKEN_SECONDS: Seconds.max(86_400),
  DELEGATED_TOKEN_SECONDS: Seconds.max(86_400),
  /** Comma-separated: what a service account's assertion may have for its audience, besides the address it came to. */
  TOKEN_AUDIENCES: List,
  /** What MyDataHelps clients are told that they may ask in an hour: per project, and per participant. */
  PROJECT_REQUESTS_PER_HOUR: Count,
  PARTICIPANT_REQUESTS_PER_HOUR: Count,
  /** How long the audit is kept. */
  AUDIT_DAYS: z.coerce.number().int().positive().max(36_500),
})

/** Read and checked once per isolate; units are in the names. */
export type Settings = ReturnType<typeof readSettings>

/** @throws DomainError `misconfigured`, naming each variable that is missing or wrong, never its value. */
export function readSettings(env: object) {
  const parsed = Variables.safeParse(env)
  if (!parsed.success) {
    const names = new Set(parsed.error.issues.map((issue) => String(issue.path[0])))
    throw misconfigured(`These settings are missing or wrong: ${[...names].join(', ')}. See wrangler.toml.`)
  }
  const vars = parsed.data
  return {
    s3: {
      endpoint: vars.S3_ENDPOINT,
      bucket: vars.S3_BUCKET,
      accessKeyId: vars.S3_ACCESS_KEY_ID,
      secretAccessKey: vars.S3_SECRET_ACCESS_KEY,
    },
    operatorKey: vars.OPERATOR_KEY,
    tokenKeys: vars.TOKEN_KEYS,
    hatSigningKeys: vars.HAT_SIGNING_KEY,
    allowedOrigins: vars.ALLOWED_ORIGINS,
    jwtIssuers: vars.JWT_ISSUERS,
    multipartThresholdBytes: vars.MULTIPART_THRESHOLD_BYTES,
    partBytes: vars.PART_BYTES,
    maxFileBytes: vars.MAX_FILE_BYTES,
    readVerifyBytes: vars.READ_VERIFY_BYTES,
    limitsCallers: vars.RATE_LIMITS === 'on',
    serves: vars.SERVING === 'on',
    tellsWaits: vars.SERVER_TIMING === 'on',
    graphql: { introspection: vars.GRAPHQL_INTROSPECTION === 'on' },
    uploadSeconds: vars.UPLOAD_SECONDS,
    uploadUrlSeconds: vars.UPLOAD_URL_SECONDS,
    downloadUrlSeconds: vars.DOWNLOAD_URL_SECONDS,
    downloadTokenSeconds: vars.DOWNLOAD_TOKEN_SECONDS,
    sessionSeconds: vars.SESSION_SECONDS,
    sessionRenewalSeconds: vars.SESSION_RENEWAL_SECONDS,
    serviceTokenSeconds: vars.SERVICE_TOKEN_SECONDS,
    delegatedTokenSeconds: vars.DELEGATED_TOKEN_SECONDS,
    tokenAudiences: vars.TOKEN_AUDIENCES,
    projectRequestsPerHour: vars.PROJECT_REQUESTS_PER_HOUR,
    participantRequestsPerHour: vars.PARTICIPANT_REQUESTS_PER_HOUR,
    auditDays: vars.AUDIT_DAYS,
  } as const
}
