import type { StudyId } from '../model/ids.ts'
import type { Upload } from '../model/entities.ts'
import type { StagedOf } from '../storage/uploads.ts'
import { isAwaiting, settle } from './completions.ts'
import { identify } from './identity.ts'
import { rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** How many uploads are looked at; of more than these, the older ones are left to the event of storage and the sweep. */
const MAX_LOOKED_AT = 20
/** Who has sent more than are looked at finds them too: while all of a round had arrived, it looks again. */
const MAX_ROUNDS = 5

/**
 * Completes what has arrived, of the newest open uploads of an owner, of one of their files, or of everyone, so that what
 * is listed or read next has it. For protocols that have no call that says that the bytes are there; it tells nothing.
 * @throws DomainError what `identify` does, and `overloaded` rather than that something which is there seems not to be
 */
export async function settleArrived(scope: Scope, study: StudyId, of: StagedOf): Promise<void> {
  // Whoever reads need not be allowed to write: that the bytes are there is Carrel's to notice, as it is by the sweep.
  const own: Scope = { ...scope, credential: { kind: 'system' }, admits: undefined, idempotency: undefined }
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const found = await scope.stores.uploads.staged(callerIn(scope, study), of, {
      rule: rules.settleArrived,
      limit: MAX_LOOKED_AT,
    })
    await identify(scope, found.principal)
    const arrived = await Promise.all(found.uploads.map(async (upload) => settleIfArrived(own, upload)))
    if (found.uploads.length < MAX_LOOKED_AT || arrived.includes(false)) return
  }
}

/** Whether it had arrived, and is complete now. */
async function settleIfArrived(scope: Scope, upload: Upload): Promise<boolean> {
  try {
    return (await settle(scope, upload, [])) !== undefined
  } catch (failure) {
    if (!isAwaiting(failure)) throw failure
    return false
  }
}
