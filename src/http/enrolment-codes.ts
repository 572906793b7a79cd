import { z } from '@hono/zod-openapi'
import {
  exchangeEnrolmentCode,
  issueEnrolmentCode,
  listEnrolmentCodes,
  revokeEnrolmentCode,
} from '../domain/enrolment-codes.ts'
import type { EnrolmentCode } from '../model/enrolment-codes.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { limitEnrolments } from '../wire/rate-limits.ts'
import { exampleIssuedKey, issuedKeyShape, presentIssued } from './api-keys.ts'
import { keyHeader } from './idempotency.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  EnrolmentCodeIdText,
  instantOrNull,
  InstantOut,
  PageQuery,
  pageRequest,
  pageSchema,
  ParticipantIdText,
  StudyIdText,
  text,
} from './schemas.ts'

const tags = ['Enrolment']
const DAY_SECONDS = 86_400

const params = z.object({ study: StudyIdText, participant: ParticipantIdText })

const codeShape = {
  id: z.string(),
  label: z.string(),
  createdAt: InstantOut,
  expiresAt: InstantOut,
  claimedAt: InstantOut.nullable(),
  revokedAt: InstantOut.nullable(),
}
const exampleCode = {
  id: 'enr_01k9z3m8qe5w7v2n4h6j8k0r2t',
  label: "Ada's phone",
  createdAt: '2026-11-21T08:30:00.000Z',
  expiresAt: '2026-11-22T08:30:00.000Z',
  claimedAt: null,
  revokedAt: null,
}
const CodeOut = z.object(codeShape).openapi('EnrolmentCode', { example: exampleCode })
const IssuedCodeOut = z
  .object({
    ...codeShape,
    code: z.string().nullable().openapi({
      description: 'Shown this once, and null where the request was done before; case and hyphens do not matter.',
    }),
  })
  .openapi('IssuedEnrolmentCode', { example: { ...exampleCode, code: '0001-7K3M-9QXT-2VHD' } })
const EnrolledOut = z
  .object({ study: z.string(), ...issuedKeyShape })
  .openapi('Enrolled', { example: { study: 'SD_DEM0DEM0', ...exampleIssuedKey } })

const presentCode = (code: EnrolmentCode) => ({
  id: code.id,
  label: code.label,
  createdAt: code.createdAt.toISOString(),
  expiresAt: code.expiresAt.toISOString(),
  claimedAt: instantOrNull(code.claimedAt),
  revokedAt: instantOrNull(code.revokedAt),
})

const path = '/studies/{study}/participants/{participant}/enrolment-codes'

const issue = operation(
  {
    method: 'post',
    path,
    operationId: 'issueEnrolmentCode',
    summary: 'Make a code that a phone exchanges for its first key, once',
    tags,
    request: {
      params,
      body: jsonBody(
        z.strictObject({
          label: text(255).openapi({ description: 'Of the key that it becomes.' }),
          seconds: z
            .number()
            .int()
            .min(60)
            .max(7 * DAY_SECONDS)
            .default(DAY_SECONDS)
            .openapi({ description: 'How long it can be exchanged.' }),
        }),
        { label: "Ada's phone", seconds: 3_600 },
      ),
    },
    responses: { 201: answer('The code.', IssuedCodeOut) },
  },
  {
    problems: [
      'forbidden',
      'study_not_found',
      'participant_not_found',
      'participant_withdrawn',
      'enrolment_code_not_found',
    ],
    creates: true,
  },
)

const list = operation(
  {
    method: 'get',
    path,
    operationId: 'listEnrolmentCodes',
    summary: "List a participant's codes, oldest first",
    tags,
    request: { params, query: z.strictObject(PageQuery) },
    responses: {
      200: answer('A page; codes are forgotten a day after their end.', pageSchema('EnrolmentCodePage', CodeOut)),
    },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const revoke = operation(
  {
    method: 'delete',
    path: `${path}/{code}`,
    operationId: 'revokeEnrolmentCode',
    summary: 'Withdraw a code',
    tags,
    request: { params: params.extend({ code: EnrolmentCodeIdText }) },
    responses: { 204: { description: 'It works no more; a key that it became goes on.' } },
  },
  { problems: ['forbidden', 'study_not_found', 'enrolment_code_not_found'] },
)

const exchange = operation(
  {
    method: 'post',
    path: '/enrolments',
    operationId: 'exchangeEnrolmentCode',
    summary: "Exchange a code for the participant's key",
    description:
      'Works once. Send an `Idempotency-Key`: with the same one the exchange may be repeated for ten minutes, in case ' +
      'an answer is lost, until the key is used.',
    tags,
    middleware: limitEnrolments,
    request: {
      headers: keyHeader('Chosen by the client, at random, for this exchange.'),
      body: jsonBody(z.strictObject({ code: z.string().max(64).openapi({ example: '0001-7K3M-9QXT-2VHD' }) }), {
        code: '0001-7K3M-9QXT-2VHD',
      }),
    },
    responses: { 201: answer('The key and its secret.', EnrolledOut) },
  },
  { problems: ['enrolment_code_not_found', 'enrolment_code_spent'], door: 'anyone' },
)

export const enrolmentCodes = newRouter()
  .openapi(issue, async (c) => {
    const { study, participant } = c.req.valid('param')
    const { issued, code } = await issueEnrolmentCode(scopeOf(c), study, { participant, ...c.req.valid('json') })
    return c.json({ ...presentCode(issued), code }, 201, { 'Cache-Control': 'no-store' })
  })
  .openapi(list, async (c) => {
    const { study, participant } = c.req.valid('param')
    const page = pageRequest(c.req.valid('query'))
    return c.json(mapPage(await listEnrolmentCodes(scopeOf(c), study, { participant, page }), presentCode), 200)
  })
  .openapi(revoke, async (c) => {
    const { study, participant, code } = c.req.valid('param')
    await revokeEnrolmentCode(scopeOf(c), study, { participant, code })
    return c.body(null, 204)
  })
  .openapi(exchange, async (c) => {
    const nonce = c.req.valid('header')['idempotency-key'] ?? crypto.randomUUID()
    const issued = await exchangeEnrolmentCode(scopeOf(c), { code: c.req.valid('json').code, nonce })
    return c.json({ study: issued.key.study, ...presentIssued(issued) }, 201, { 'Cache-Control': 'no-store' })
  })
