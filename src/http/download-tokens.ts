import { z } from '@hono/zod-openapi'
import { issueDownloadToken, listDownloadTokens, revokeDownloadToken } from '../domain/downloads.ts'
import { DELIVERIES, type DownloadToken } from '../model/entities.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  DownloadTokenIdText,
  FileIdText,
  instantOrNull,
  InstantOut,
  PageQuery,
  pageRequest,
  pageSchema,
  StudyIdText,
  VersionIdText,
} from './schemas.ts'

const tags = ['Download links']
const MAX_SECONDS = 7 * 86_400

const params = z.object({ study: StudyIdText, file: FileIdText })

const exampleLink = {
  id: 'dlt_01k9z3m8qe5w7v2n4h6j8k0r2t',
  version: 'ver_01k9z3m8qe5w7v2n4h6j8k0r2t',
  delivery: 'redirect',
  confirm: true,
  createdAt: '2026-11-21T08:30:00.000Z',
  expiresAt: '2026-11-21T09:30:00.000Z',
  claimedAt: null,
  revokedAt: null,
} as const

const IssuedLinkOut = z
  .object({
    id: z.string(),
    url: z.string().nullable().openapi({ description: 'Shown this once; null where the request was done before.' }),
    version: z.string(),
    expiresAt: InstantOut,
    confirm: z.boolean(),
    delivery: z.enum(DELIVERIES),
  })
  .openapi('IssuedLink', {
    example: {
      id: exampleLink.id,
      url: 'https://carrel.example.org/d/Zm9yLWRvY3VtZW50YXRpb24tb25seQ',
      version: exampleLink.version,
      expiresAt: exampleLink.expiresAt,
      confirm: exampleLink.confirm,
      delivery: exampleLink.delivery,
    },
  })

const LinkOut = z
  .object({
    id: z.string(),
    version: z.string(),
    delivery: z.enum(DELIVERIES),
    confirm: z.boolean(),
    createdAt: InstantOut,
    expiresAt: InstantOut,
    claimedAt: InstantOut.nullable(),
    revokedAt: InstantOut.nullable(),
  })
  .openapi('Link', { example: exampleLink })

const presentLink = (link: DownloadToken) => ({
  id: link.id,
  version: link.version,
  delivery: link.delivery,
  confirm: link.confirm,
  createdAt: link.createdAt.toISOString(),
  expiresAt: link.expiresAt.toISOString(),
  claimedAt: instantOrNull(link.claimedAt),
  revokedAt: instantOrNull(link.revokedAt),
})

const issue = operation(
  {
    method: 'post',
    path: '/studies/{study}/files/{file}/download-tokens',
    operationId: 'issueDownloadToken',
    summary: 'Make a link that works once',
    description:
      "It gives one version's bytes to whoever has it, and ends with its file, its issuer's key or its revocation.",
    tags,
    request: {
      params,
      body: jsonBody(
        z.strictObject({
          version: VersionIdText.nullable().default(null).openapi({ description: 'Null: the current one.' }),
          delivery: z.enum(DELIVERIES).default('redirect').openapi({
            description:
              '`redirect`: to a URL that lives a minute and can be resumed; `stream`: the bytes themselves, once.',
          }),
          confirm: z.boolean().default(false).openapi({
            description:
              'A browser first sees a page with a button, so that mail scanners and previews use nothing up.',
          }),
          seconds: z.number().int().min(1).max(MAX_SECONDS).nullable().default(null).openapi({
            description:
              "How long it can be used. Null: the study's setting. An hour at most of who has a place by a token's claims alone.",
          }),
        }),
        { confirm: true, seconds: 3_600 },
      ),
    },
    responses: { 201: answer('The link.', IssuedLinkOut) },
  },
  {
    problems: [
      'forbidden',
      'study_not_found',
      'file_not_found',
      'version_not_found',
      'content_missing',
      'download_token_not_found',
    ],
    creates: true,
  },
)

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/files/{file}/download-tokens',
    operationId: 'listDownloadTokens',
    summary: "List a file's links, oldest first",
    tags,
    request: { params, query: z.strictObject(PageQuery) },
    responses: { 200: answer('A page; links are forgotten a day after their end.', pageSchema('LinkPage', LinkOut)) },
  },
  { problems: ['forbidden', 'study_not_found', 'file_not_found', 'cursor_invalid'] },
)

const revoke = operation(
  {
    method: 'delete',
    path: '/studies/{study}/files/{file}/download-tokens/{token}',
    operationId: 'revokeDownloadToken',
    summary: 'Withdraw a link',
    tags,
    request: { params: params.extend({ token: DownloadTokenIdText }) },
    responses: { 204: { description: 'It works no more.' } },
  },
  { problems: ['forbidden', 'study_not_found', 'file_not_found', 'download_token_not_found'] },
)

export const downloadTokens = newRouter()
  .openapi(issue, async (c) => {
    const { study, file } = c.req.valid('param')
    const { token, link } = await issueDownloadToken(scopeOf(c), study, { file, ...c.req.valid('json') })
    const { id, version, confirm, delivery, expiresAt } = link
    const url = token === null ? null : new URL(`/d/${token}`, c.req.url).href
    return c.json({ id, url, version, expiresAt: expiresAt.toISOString(), confirm, delivery }, 201, {
      'Cache-Control': 'no-store',
    })
  })
  .openapi(list, async (c) => {
    const { study, file } = c.req.valid('param')
    const page = await listDownloadTokens(scopeOf(c), study, { file, page: pageRequest(c.req.valid('query')) })
    return c.json(mapPage(page, presentLink), 200)
  })
  .openapi(revoke, async (c) => {
    const { study, ...named } = c.req.valid('param')
    await revokeDownloadToken(scopeOf(c), study, named)
    return c.body(null, 204)
  })
