import { z } from '@hono/zod-openapi'
import type { OpenUpload, SettledUpload } from '../domain/uploads.ts'
import type { UploadPart } from '../model/entities.ts'
import { InstantOut } from './schemas.ts'

export const HeadersOut = z
  .record(z.string(), z.string())
  .openapi({ description: 'Send exactly these: they are part of what was signed.' })

const examplePart = { number: 1, bytes: 8_388_608, etag: '5eb63bbbe01eeed093cb22bb8f5acdc3' }
const PartOut = z
  .object({ number: z.number().int(), bytes: z.number().int(), etag: z.string() })
  .openapi('Part', { description: 'A part that was sent and reported.', example: examplePart })

export const exampleUpload = {
  id: 'upl_01k9z3m8qe5w7v2n4h6j8k0r2t',
  kind: 'single',
  method: 'PUT',
  url: 'https://storage.example.org/carrel/SD_DEM0DEM0/ver_01k9z3m8qe5w7v2n4h6j8k0r2t?X-Amz-Signature=…',
  headers: {
    'content-type': 'text/plain',
    'content-length': '11',
    'content-disposition': 'inline; filename="notes.txt"',
    'if-none-match': '*',
  },
  urlExpiresAt: '2026-11-21T09:30:00.000Z',
  expiresAt: '2026-11-27T08:30:00.000Z',
} as const

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
  .openapi('SingleUpload', { example: exampleUpload })

const MultipartUpload = z
  .object({
    id: z.string(),
    kind: z.literal('multipart'),
    partBytes: z.number().int().openapi({ description: 'Of each part but the last.' }),
    partCount: z.number().int(),
    parts: z.array(PartOut),
    expiresAt: InstantOut,
  })
  .openapi('MultipartUpload', {
    example: {
      id: exampleUpload.id,
      kind: 'multipart',
      partBytes: 8_388_608,
      partCount: 13,
      parts: [examplePart],
      expiresAt: exampleUpload.expiresAt,
    },
  })

const SettledUploadOut = z.object({ id: z.string(), kind: z.literal('settled') }).openapi('SettledUpload', {
  description: 'It is open no longer, but complete or given up; told only where beginning a file is repeated.',
  example: { id: exampleUpload.id, kind: 'settled' },
})

export const UploadOut = z
  .discriminatedUnion('kind', [SingleUpload, MultipartUpload, SettledUploadOut])
  .openapi('Upload', { example: exampleUpload })

const presentPart = ({ number, bytes, etag }: UploadPart) => ({ number, bytes, etag })

export function presentUpload(told: OpenUpload | SettledUpload): z.infer<typeof UploadOut> {
  if ('settled' in told) return { id: told.settled, kind: 'settled' }
  const { upload, put, parts } = told
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
