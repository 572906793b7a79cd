import type { File } from '../model/entities.ts'
import type { StudyId, UploadId } from '../model/ids.ts'
import { parseObjectKey } from '../storage/objects.ts'
import { LANDING_SECONDS } from '../storage/begin.ts'
import type { DueUpload } from '../storage/completions.ts'
import { isAwaiting, settle, settleMade } from './completions.ts'
import { rules } from './policy.ts'
import { callerIn, type Scope, secondsFrom } from './scope.ts'

/** What became of an upload that a job looked at. */
export type Settled = 'completed' | 'waiting' | 'abandoned' | 'gone' | 'failed'

/**
 * Completes an upload whose bytes are there, whoever should have said so. Idempotent: of one that is settled already
 * nothing is left to do.
 */
async function settleUpload(
  scope: Scope,
  { study, id }: { study: StudyId; id: UploadId },
): Promise<'completed' | 'waiting' | 'gone'> {
  const { upload, parts } = await scope.stores.completions.find(callerIn(scope, study), id, rules.sweep)
  if (upload === undefined) return 'gone'
  const settled = await outcomeOf(settle(scope, upload, parts))
  return settled === 'completed' ? settled : outcomeOf(settleMade(scope, upload))
}

async function outcomeOf(settling: Promise<File | undefined>): Promise<'completed' | 'waiting'> {
  try {
    // Not settled by this hand: another was faster, or the owner has withdrawn and nothing of theirs is written.
    return (await settling) === undefined ? 'waiting' : 'completed'
  } catch (failure) {
    if (isAwaiting(failure)) return 'waiting'
    throw failure
  }
}

/** The same for the upload that an object's key tells of; `ignored`: the object is not Carrel's. */
export async function settleObject(
  scope: Scope,
  objectKey: string,
): Promise<'completed' | 'waiting' | 'gone' | 'ignored'> {
  const named = parseObjectKey(objectKey)
  return named === undefined ? 'ignored' : settleUpload(scope, { study: named.study, id: named.upload })
}

async function sweepUpload(scope: Scope, due: DueUpload): Promise<Settled> {
  const found = await scope.stores.completions.find(callerIn(scope, due.studyId), due.id, rules.sweep)
  if (found.upload === undefined) return 'gone'
  const settled = await settleUpload(scope, { study: due.studyId, id: due.id })
  if (settled !== 'waiting') return settled
  // What was seen is what is given up: a URL made meanwhile keeps the upload open.
  const landedBy = secondsFrom(found.upload.urlExpiresAt, LANDING_SECONDS)
  if (scope.now < found.upload.expiresAt || scope.now < landedBy) {
    await scope.stores.completions.postpone(found.upload, landedBy)
    return 'waiting'
  }
  const left = await scope.stores.uploads.drop(callerIn(scope, due.studyId), found.upload, {
    rule: rules.sweep,
    urlExpiresAt: found.upload.urlExpiresAt,
  })
  if (left === 'open') return 'waiting'
  return left === 'complete' ? 'gone' : 'abandoned'
}

export type Swept = Readonly<Record<Settled, number>>

/**
 * Completes what has arrived unseen and gives up what will not come: at most `limit` uploads, longest due first. One that
 * failed is tried again later, and keeps nothing from the others.
 */
export async function sweepUploads(
  scope: Scope,
  { limit, onFailure }: { limit: number; onFailure: (failure: unknown) => void },
): Promise<Swept> {
  const swept = { completed: 0, waiting: 0, abandoned: 0, gone: 0, failed: 0 }
  const failed: DueUpload[] = []
  for (const due of await scope.stores.completions.due(scope.now, limit)) {
    try {
      swept[await sweepUpload(scope, due)] += 1
    } catch (failure) {
      swept.failed += 1
      failed.push(due)
      onFailure(failure)
    }
  }
  if (failed.length > 0) await scope.stores.completions.putOff(scope.now, failed)
  return swept
}

/**
 * Deletes the bytes that the outbox says, at most `limit` objects; answers how many were deleted this time. One whose
 * parts could not be freed is tried again later, and keeps nothing from the others.
 */
export async function deleteDueObjects(
  scope: Scope,
  { limit, onFailure }: { limit: number; onFailure: (failure: unknown) => void },
): Promise<number> {
  const { objectDeletions, objects } = scope.stores
  const due = await objectDeletions.due(scope.now, limit)
  const aborted = await Promise.allSettled(
    due.map(async ({ objectKey, multipartId }) => {
      if (multipartId !== null) await objects.abortMultipart(objectKey, multipartId)
    }),
  )
  for (const each of aborted) if (each.status === 'rejected') onFailure(each.reason)
  const freed = due.filter((_, index) => aborted[index]?.status === 'fulfilled')
  const failed = due.filter((_, index) => aborted[index]?.status === 'rejected')
  if (failed.length > 0) await objectDeletions.postpone(scope.now, failed)
  if (freed.length === 0) return 0
  await objects.delete(freed.map((each) => each.objectKey))
  await objectDeletions.settle(scope.now, freed)
  return freed.length
}

/** Forgets links that ended a day ago. */
export const purgeDownloadTokens = async (scope: Scope, limit: number): Promise<number> =>
  scope.stores.downloadTokens.purge(scope.now, limit)
