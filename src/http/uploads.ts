import { z } from '@hono/zod-openapi'
import { completeUpload } from '../domain/completions.ts'
import { type PartUrl, presignParts, reportParts } from '../domain/upload-parts.ts'
import { abandonUpload, getUpload, renewUploadUrl } from '../domain/uploads.ts'
import { scopeOf } from '../wire/context.ts'
import { FileOut, presentFile } from './file-shapes.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { InstantOut, Md5Hex, StudyIdText, UploadIdText } from './schemas.ts'
import { exampleUpload, HeadersOut, presentUpload, UploadOut } from './upload-shapes.ts'

const tags = ['Uploads']
const MAX_PARTS_AT_ONCE = 100
const MAX_REPORTED_AT_ONCE = 1_000

const params = z.object({ study: StudyIdText, upload: UploadIdText })
const PartNumber = z.number().int().min(1).max(10_000)
const uniqueParts = (parts: readonly { number: number }[]) =>
  new Set(parts.map((part) => part.number)).size === parts.length

const PartUrls = z
  .object({
    parts: z.array(
      z.object({
        number: z.number().int(),
        bytes: z.number().int(),
        method: z.literal('PUT'),
        url: z.string(),
        headers: HeadersOut,
        urlExpiresAt: InstantOut,
      }),
    ),
  })
  .openapi('PartUrls', {
    example: {
      parts: [
        {
          number: 1,
          bytes: 8_388_608,
          method: 'PUT',
          url: `${exampleUpload.url}&partNumber=1`,
          headers: { 'content-length': '8388608' },
          urlExpiresAt: exampleUpload.urlExpiresAt,
        },
      ],
    },
  })

const presentPartUrl = ({ number, bytes, method, url, headers, urlExpiresAt }: PartUrl) => ({
  number,
  bytes,
  method,
  url,
  headers: { ...headers },
  urlExpiresAt: urlExpiresAt.toISOString(),
})

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}/uploads/{upload}',
    operationId: 'getUpload',
    summary: 'What is known of an open upload, to go on with it',
    tags,
    request: { params },
    responses: { 200: answer('The upload; of a multipart one, the parts that were reported.', UploadOut) },
  },
  { problems: ['study_not_found', 'participant_withdrawn', 'upload_not_found'] },
)

const url = operation(
  {
    method: 'post',
    path: '/studies/{study}/uploads/{upload}/url',
    operationId: 'renewUploadUrl',
    summary: 'A fresh URL for a single PUT',
    description: 'What was sent stays. A PUT that is answered 412 says that the bytes are there: complete the upload.',
    tags,
    request: { params },
    responses: { 200: answer('The upload with its URL.', UploadOut) },
  },
  { problems: ['study_not_found', 'participant_withdrawn', 'upload_not_found', 'upload_not_multipart'] },
)

const presign = operation(
  {
    method: 'post',
    path: '/studies/{study}/uploads/{upload}/parts',
    operationId: 'presignParts',
    summary: 'URLs for parts, as often as asked',
    tags,
    request: {
      params,
      body: jsonBody(
        z.strictObject({
          parts: z
            .array(z.strictObject({ number: PartNumber, md5: Md5Hex.nullable().default(null) }))
            .min(1)
            .max(MAX_PARTS_AT_ONCE)
            .refine(uniqueParts, 'Each part once.'),
        }),
        { parts: [{ number: 1 }, { number: 2, md5: '5eb63bbbe01eeed093cb22bb8f5acdc3' }] },
      ),
    },
    responses: { 200: answer('A URL for each.', PartUrls) },
  },
  { problems: ['study_not_found', 'participant_withdrawn', 'upload_not_found', 'upload_not_multipart', 'upload_lost'] },
)

const report = operation(
  {
    method: 'put',
    path: '/studies/{study}/uploads/{upload}/parts',
    operationId: 'reportParts',
    summary: 'Say which parts were sent, by the ETags that storage gave',
    tags,
    request: {
      params,
      body: jsonBody(
        z.strictObject({
          parts: z
            .array(
              z.strictObject({
                number: PartNumber,
                etag: z
                  .string()
                  .min(1)
                  .max(200)
                  .transform((etag) => etag.replaceAll('"', '')),
              }),
            )
            .min(1)
            .max(MAX_REPORTED_AT_ONCE)
            .refine(uniqueParts, 'Each part once.'),
        }),
        { parts: [{ number: 1, etag: '"5eb63bbbe01eeed093cb22bb8f5acdc3"' }] },
      ),
    },
    responses: { 200: answer('The upload, with all parts reported so far.', UploadOut) },
  },
  { problems: ['study_not_found', 'participant_withdrawn', 'upload_not_found', 'upload_not_multipart'] },
)

const complete = operation(
  {
    method: 'post',
    path: '/studies/{study}/uploads/{upload}/complete',
    operationId: 'completeUpload',
    summary: "Make the bytes that were sent the file's content",
    description:
      'May be repeated. Wrong bytes are refused, and the next URL is for a fresh object. Of an upload that was begun in a ' +
      'protocol that declares no size, it turns out only now whether there is room for the bytes.',
    tags,
    request: { params },
    responses: { 200: answer('The file.', FileOut) },
  },
  {
    problems: [
      'study_not_found',
      'participant_withdrawn',
      'upload_not_found',
      'upload_incomplete',
      'upload_parts_missing',
      'upload_parts_rejected',
      'upload_lost',
      'upload_size_mismatch',
      'upload_checksum_mismatch',
      'file_too_large',
      'quota_exceeded',
    ],
    looksFirst: true,
  },
)

const abandon = operation(
  {
    method: 'delete',
    path: '/studies/{study}/uploads/{upload}',
    operationId: 'abandonUpload',
    summary: 'Give an upload up',
    description: 'A new file goes with its only upload; one that would have been replaced stays as it is.',
    tags,
    request: { params },
    responses: { 204: { description: 'It is given up; its bytes follow.' } },
  },
  { problems: ['study_not_found', 'participant_withdrawn', 'upload_not_found'] },
)

export const uploads = newRouter()
  .openapi(get, async (c) => {
    const { study, upload } = c.req.valid('param')
    return c.json(presentUpload(await getUpload(scopeOf(c), study, upload)), 200)
  })
  .openapi(url, async (c) => {
    const { study, upload } = c.req.valid('param')
    return c.json(presentUpload(await renewUploadUrl(scopeOf(c), study, upload)), 200)
  })
  .openapi(presign, async (c) => {
    const { study, upload } = c.req.valid('param')
    const urls = await presignParts(scopeOf(c), study, { id: upload, ...c.req.valid('json') })
    return c.json({ parts: urls.map(presentPartUrl) }, 200)
  })
  .openapi(report, async (c) => {
    const { study, upload } = c.req.valid('param')
    return c.json(presentUpload(await reportParts(scopeOf(c), study, { id: upload, ...c.req.valid('json') })), 200)
  })
  .openapi(complete, async (c) => {
    const { study, upload } = c.req.valid('param')
    return c.json(presentFile(await completeUpload(scopeOf(c), study, upload)), 200)
  })
  .openapi(abandon, async (c) => {
    const { study, upload } = c.req.valid('param')
    await abandonUpload(scopeOf(c), study, upload)
    return c.body(null, 204)
  })
