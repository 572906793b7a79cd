import { z } from '@hono/zod-openapi'
import { getApiKey, type IssuedKey, issueApiKey, listApiKeys, revokeApiKey, rotateApiKey } from '../domain/api-keys.ts'
import type { ApiKey } from '../model/entities.ts'
import { mapPage } from '../model/page.ts'
import { STUDY_ROLES } from '../model/principal.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  Instant,
  instantOrNull,
  InstantOut,
  KeyIdText,
  MemberIdText,
  PageQuery,
  pageRequest,
  pageSchema,
  ParticipantIdText,
  StudyIdText,
  StudyPath,
  text,
} from './schemas.ts'

const tags = ['Keys']
const DAY_SECONDS = 86_400

const keyShape = {
  id: z.string(),
  role: z.enum(STUDY_ROLES),
  participant: z.string().nullable(),
  member: z.string().nullable(),
  label: z.string(),
  hint: z.string().nullable().openapi({ description: 'The last characters of the secret; null for a public key.' }),
  publicKey: z.string().nullable(),
  createdAt: InstantOut,
  expiresAt: InstantOut.nullable(),
  revokedAt: InstantOut.nullable().openapi({ description: 'From when on it lets nobody in; may lie ahead.' }),
  lastUsedAt: InstantOut.nullable().openapi({ description: 'To the hour.' }),
}
const exampleKey = {
  id: 'key_01k9z3m8qe5w7v2n4h6j8k0r2t',
  role: 'participant',
  participant: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10',
  member: null,
  label: "Ada's phone",
  hint: 'x3Qk',
  publicKey: null,
  createdAt: '2026-11-21T08:30:00.000Z',
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
} as const
const KeyOut = z.object(keyShape).openapi('Key', { example: exampleKey })
export const issuedKeyShape = {
  ...keyShape,
  secret: z
    .string()
    .nullable()
    .openapi({ description: 'Shown this once; null where the request was done before, and for a public key.' }),
}
export const exampleIssuedKey = { ...exampleKey, secret: 'crl_1_Zm9yLWRvY3VtZW50YXRpb24tb25seS1ub3QtYS1rZXk' }
const IssuedKeyOut = z.object(issuedKeyShape).openapi('IssuedKey', { example: exampleIssuedKey })

const presentKey = (key: ApiKey) => ({
  id: key.id,
  role: key.role,
  participant: key.participant,
  member: key.member,
  label: key.label,
  hint: key.hint,
  publicKey: key.publicKey,
  createdAt: key.createdAt.toISOString(),
  expiresAt: instantOrNull(key.expiresAt),
  revokedAt: instantOrNull(key.revokedAt),
  lastUsedAt: instantOrNull(key.lastUsedAt),
})
export const presentIssued = ({ key, secret }: IssuedKey) => ({ ...presentKey(key), secret })

const KeyRef = z
  .union([z.literal('self'), KeyIdText])
  .openapi({ description: "A key's id; `self` is the one that is shown.", example: 'self' })
const Path = z.object({ study: StudyIdText, key: KeyRef })

const Pem = z
  .string()
  .max(4096)
  .regex(/^-----BEGIN PUBLIC KEY-----\s[A-Za-z0-9+/=\s]+-----END PUBLIC KEY-----\s*$/, 'Must be a public key in PEM.')

const issue = operation(
  {
    method: 'post',
    path: '/studies/{study}/keys',
    operationId: 'issueKey',
    summary: 'Issue a key; its secret is shown this once',
    tags,
    request: {
      params: StudyPath,
      body: jsonBody(
        z.strictObject({
          role: z.enum(STUDY_ROLES),
          label: text(255),
          participant: ParticipantIdText.nullable().default(null),
          member: MemberIdText.nullable().default(null),
          expiresAt: Instant.nullable().default(null),
          publicKey: Pem.nullable().default(null).openapi({
            description: 'In place of a secret: its signed assertions are exchanged for sessions.',
          }),
        }),
        { role: 'participant', label: "Ada's phone", participant: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10' },
      ),
    },
    responses: { 201: answer('The key and its secret.', IssuedKeyOut) },
  },
  { problems: ['forbidden', 'study_not_found', 'participant_not_found', 'key_not_found'], creates: true },
)

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/keys',
    operationId: 'listKeys',
    summary: 'List keys, oldest first, revoked ones too',
    tags,
    request: {
      params: StudyPath,
      query: z.strictObject({ participant: ParticipantIdText.optional(), ...PageQuery }),
    },
    responses: { 200: answer('A page.', pageSchema('KeyPage', KeyOut)) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}/keys/{key}',
    operationId: 'getKey',
    summary: "Read a key, or one's own",
    tags,
    request: { params: Path },
    responses: { 200: answer('The key.', KeyOut) },
  },
  { problems: ['forbidden', 'study_not_found', 'key_not_found'] },
)

const revoke = operation(
  {
    method: 'delete',
    path: '/studies/{study}/keys/{key}',
    operationId: 'revokeKey',
    summary: "Revoke a key, or one's own; holds from the next request on",
    tags,
    request: { params: Path },
    responses: { 200: answer('The key as it ended.', KeyOut) },
  },
  { problems: ['forbidden', 'study_not_found', 'key_not_found'] },
)

const rotate = operation(
  {
    method: 'post',
    path: '/studies/{study}/keys/{key}/rotate',
    operationId: 'rotateKey',
    summary: "Exchange one's own key for a new one",
    tags,
    request: {
      params: Path,
      body: jsonBody(
        z.strictObject({
          graceSeconds: z
            .number()
            .int()
            .min(0)
            .max(7 * DAY_SECONDS)
            .default(DAY_SECONDS)
            .openapi({ description: 'How long the old one goes on, in case this answer is lost.' }),
        }),
        { graceSeconds: DAY_SECONDS },
      ),
    },
    responses: { 201: answer('The new key and its secret.', IssuedKeyOut) },
  },
  { problems: ['study_not_found', 'key_not_found', 'key_has_no_secret'], creates: true },
)

export const apiKeys = newRouter()
  .openapi(issue, async (c) => {
    const issued = await issueApiKey(scopeOf(c), c.req.valid('param').study, c.req.valid('json'))
    return c.json(presentIssued(issued), 201, { 'Cache-Control': 'no-store' })
  })
  .openapi(list, async (c) => {
    const { participant, ...page } = c.req.valid('query')
    const query = { participant, page: pageRequest(page) }
    return c.json(mapPage(await listApiKeys(scopeOf(c), c.req.valid('param').study, query), presentKey), 200)
  })
  .openapi(get, async (c) => {
    const { study, key } = c.req.valid('param')
    return c.json(presentKey(await getApiKey(scopeOf(c), study, key)), 200)
  })
  .openapi(revoke, async (c) => {
    const { study, key } = c.req.valid('param')
    return c.json(presentKey(await revokeApiKey(scopeOf(c), study, key)), 200)
  })
  .openapi(rotate, async (c) => {
    const { study, key } = c.req.valid('param')
    const issued = await rotateApiKey(scopeOf(c), study, { id: key, ...c.req.valid('json') })
    return c.json(presentIssued(issued), 201, { 'Cache-Control': 'no-store' })
  })
