import { type Duty, type Health, latenessOf } from '../model/health.ts'
import type { DeadQueue } from '../storage/health.ts'
import type { Scope } from './scope.ts'

export type { DeadQueue } from '../storage/health.ts'

/** How late things are, and what of it is later than it may be. */
export type Lateness = Readonly<{ health: Health; late: readonly Duty[] }>

const judged = (health: Health, { now }: Scope): Lateness => ({ health, late: latenessOf(health, now) })

/** For the operator; undefined to everyone else, who is told nothing of it. */
export async function findLateness(scope: Scope): Promise<Lateness | undefined> {
  if (scope.credential.kind !== 'operator') return undefined
  return judged(await scope.stores.health.look(scope.now), scope)
}

/** The last thing that a run of the sweep does. `swept`: all of its parts ran to their end. */
export const endSweep = async (scope: Scope, swept: boolean): Promise<Lateness> =>
  judged(await scope.stores.health.look(scope.now, { swept }), scope)

/** Puts down that messages were given up by a queue. */
export const noteDeadLetters = async (scope: Scope, queue: DeadQueue, count: number): Promise<void> =>
  scope.stores.health.noteDead(queue, { count, now: scope.now })
