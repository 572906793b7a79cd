import { invalidBody, uploadNotMultipart } from '../model/errors.ts'
import type { StudyId, UploadId } from '../model/ids.ts'
import type { PresignedPut } from '../storage/presign.ts'
import { bytesOfPart } from '../storage/upload-rows.ts'
import { identify } from './identity.ts'
import { rules, uploadDenial } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'
import { extendUrl, openMultipart, type OpenUpload, type PartSizes, urlExpiry } from './uploads.ts'

export type PartUrl = PresignedPut & { number: number; bytes: number; urlExpiresAt: Date }

function requireWithin(plan: PartSizes, numbers: readonly number[]): void {
  const errors = numbers.flatMap((number, index) =>
    number > plan.partCount
      ? [{ pointer: `/parts/${index}/number`, message: `This upload has ${plan.partCount} parts.` }]
      : [],
  )
  if (errors.length > 0) throw invalidBody(errors)
}

/**
 * URLs for parts, each bound to its length and, where it is given, its MD5; in one trip, as often as asked.
 * @throws DomainError `upload_not_found`, `upload_not_multipart`, `invalid_body` past the last part
 */
export async function presignParts(
  scope: Scope,
  study: StudyId,
  { id, parts }: { id: UploadId; parts: readonly { number: number; md5: string | null }[] },
): Promise<PartUrl[]> {
  const upload = await extendUrl(scope, study, id)
  const { plan, objectKey } = upload
  if (plan.kind === 'single') throw uploadNotMultipart('single')
  requireWithin(
    plan,
    parts.map((part) => part.number),
  )
  const multipartId = await openMultipart(scope, upload)
  const urlExpiresAt = urlExpiry(scope)
  return Promise.all(
    parts.map(async ({ number, md5 }) => {
      const bytes = bytesOfPart(upload, plan, number)
      const put = await scope.stores.presigner.part({
        objectKey,
        multipartId,
        partNumber: number,
        now: scope.now,
        expiresAt: urlExpiresAt,
        bytes,
        md5,
      })
      return { ...put, number, bytes, urlExpiresAt }
    }),
  )
}

/**
 * Keeps the ETags that storage gave for parts; a later one of the same number counts.
 * @throws DomainError `upload_not_found`, `upload_not_multipart`, `invalid_body` past the last part
 */
export async function reportParts(
  scope: Scope,
  study: StudyId,
  { id, parts }: { id: UploadId; parts: readonly { number: number; etag: string }[] },
): Promise<OpenUpload> {
  const found = await scope.stores.uploads.reportParts(callerIn(scope, study), id, {
    rule: rules.continueUpload,
    parts,
  })
  const principal = await identify(scope, found.principal)
  if (found.upload === undefined) throw uploadDenial(principal)
  if (found.upload.plan.kind === 'single') throw uploadNotMultipart('single')
  requireWithin(
    found.upload.plan,
    parts.map((part) => part.number),
  )
  return { upload: found.upload, put: undefined, parts: found.parts }
}
