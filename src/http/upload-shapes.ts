import { z } from '@hono/zod-openapi'
import type { OpenUpload } from '../domain/uploads.ts'
import type { UploadPart } from '../model/entities.ts'
import { InstantOut } from './schemas.ts'

export const HeadersOut = z
  .record(z.string(), z.string())
  .openapi({ description: 'Send exactly these: they are part of what was signed.' })

const PartOut = z
  .object({ number: z.number().int(), bytes: z.number().int(), etag: z.string() })
  .openapi('Part', { description: 'A part that was sent and reported.' })

const SingleUpload = z
  .object({
    id: z.string(),
    kind: z.literal('single'),
    method: z.literal('PUT').optional(),
    url: z.string().optional().openapi({ description: 'Where the bytes go; left out where only the state was asked.' }),
    headers: HeadersOut.optional(),
    urlExpiresAt: InstantOut,
    expiresAt: InstantOut,
  })
  .openapi('SingleUpload')

const MultipartUpload = z
  .object({
    id: z.string(),
    kind: z.literal('multipart'),
    partBytes: z.number().int().openapi({ description: 'Of each part but the last.' }),
    partCount: z.number().int(),
    parts: z.array(PartOut),
    expiresAt: InstantOut,
  })
  .openapi('MultipartUpload')

export const UploadOut = z.union([SingleUpload, MultipartUpload]).openapi('Upload')

const presentPart = ({ number, bytes, etag }: UploadPart) => ({ number, bytes, etag })

export const presentUpload = ({ upload, put, parts }: OpenUpload): z.infer<typeof UploadOut> => {
  const { id, plan, expiresAt, urlExpiresAt } = upload
  return plan.kind === 'single'
    ? {
        id,
        kind: 'single',
        ...(put === undefined ? {} : { method: put.method, url: put.url, headers: { ...put.headers } }),
        urlExpiresAt: urlExpiresAt.toISOString(),
        expiresAt: expiresAt.toISOString(),
      }
    : {
        id,
        kind: 'multipart',
        partBytes: plan.partBytes,
        partCount: plan.partCount,
        parts: parts.map(presentPart),
        expiresAt: expiresAt.toISOString(),
      }
}
