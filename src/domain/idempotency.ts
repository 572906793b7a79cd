import { idempotencyKeyReused, overloaded } from '../model/errors.ts'
import type { MadeIds } from '../model/idempotency.ts'
import type { StudyId } from '../model/ids.ts'
import { isKeyTaken } from '../storage/idempotency.ts'
import { callerIn, type Scope } from './scope.ts'

/**
 * Does what a request asks for, once for each of the caller's Idempotency-Keys. Whatever keeps a second attempt from
 * it (the key first of all, but also the very thing that the first has made, or a rule that has changed since), the
 * first is looked for: if it has made something, `again` tells of that, as far as the caller may still see it. So an
 * attempt that died after it took effect is finished by the next.
 * @throws DomainError `idempotency_key_reused` where the first request was another one
 */
export async function once<Told>(
  scope: Scope,
  study: StudyId,
  { attempt, again }: { attempt: () => Promise<Told>; again: (made: MadeIds) => Promise<Told> },
): Promise<Told> {
  const { idempotency } = scope
  if (idempotency === undefined) return attempt()
  try {
    return await attempt()
  } catch (failure) {
    const earlier = await scope.stores.idempotency.find(callerIn(scope, study))
    // One that has just been forgotten may be repeated as if it had never been.
    if (earlier === undefined) throw isKeyTaken(failure) ? overloaded(failure) : failure
    if (!idempotency.fingerprints.includes(earlier.fingerprint)) throw idempotencyKeyReused()
    // The fingerprint says which operation it was: these are the ids that it keeps.
    const told = await again(earlier.ids)
    idempotency.onReplay()
    return told
  }
}

/** Forgets keys after a day. */
export const purgeIdempotencyKeys = async (scope: Scope, limit: number): Promise<number> =>
  scope.stores.idempotency.purge(scope.now, limit)
