import type { StudyId } from '../model/ids.ts'
import { invalidBody, overloaded, studyNotFound } from '../model/errors.ts'
import type { Move } from '../model/moves.ts'
import { isSuperseded } from '../storage/move-copies.ts'
import type { Moving } from '../storage/moves.ts'
import { identify } from './identity.ts'
import { requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// A study moves to another database in bounded steps, by whoever asks for the next: nothing of it is in the memory of
// anybody who could die.

const rule = rules.moveStudy
/** With what is replayed, and the end, some 900 of the 1,000 statements that one invocation has. */
const STEPS = 60
const AT_MOST_MS = 15_000

const NOTHING = { copied: 0, verified: 0, stoodStillMs: null, differs: null } as const

/**
 * Goes on with the move of a study to a database, and begins it where none is under way. Asked again until it is `here`.
 * One that is under way ends where it began if the study is asked to be where it is.
 * @throws DomainError `study_not_found`; `forbidden` to all but the operator; `invalid_body` where there is no such
 * database, or the study is on its way to another; `overloaded` where another driver has taken over
 */
export async function moveStudy(scope: Scope, study: StudyId, database: number): Promise<Move> {
  const { moves } = scope.stores
  // Nobody is let in before that: who may is asked where the study is.
  await settleMoves(scope, study)
  const found = moves.isOne ? undefined : await moves.find(study)
  const begins = found?.state === 'here' && found.database !== database && moves.exists(database)
  const principal = await moves.permit(callerIn(scope, study), { rule, begins })
  requirePermission(await identify(scope, principal), rule)
  await requireStudy(scope, study)
  if (!moves.exists(database)) throw invalidBody([{ pointer: '/database', message: 'There is no such database.' }])
  if (found === undefined) return { study, database: 0, state: 'here', ...NOTHING }
  if (found.state === 'clearing') return clear(scope, { study, database: found.database })
  if (begins) await moves.begin(study, database, scope.now)
  else if (found.state === 'here') return { study, database, state: 'here', ...NOTHING }
  else if (found.other !== database && found.database !== database) {
    throw invalidBody([{ pointer: '/database', message: `It is being moved to ${found.other}.` }])
  }
  return carry(scope, { study, database })
}

async function requireStudy({ stores, ...scope }: Scope, study: StudyId): Promise<void> {
  const found = await stores.studies.find(callerIn({ stores, ...scope }, study))
  if (found.study === undefined) throw studyNotFound()
}

async function clear({ stores }: Scope, { study, database }: Pick<Move, 'study' | 'database'>): Promise<Move> {
  const until = Date.now() + AT_MOST_MS
  for (let step = 0; step < CLEARINGS && Date.now() < until; step += 1) {
    if (await stores.moves.clear(study)) return { study, database, state: 'here', ...NOTHING }
  }
  return { study, database, state: 'clearing', ...NOTHING }
}
/** Each is a statement for each table at most, and twice as many at the end. */
const CLEARINGS = 8

async function carry(scope: Scope, { study, database }: Pick<Move, 'study' | 'database'>): Promise<Move> {
  const { moves } = scope.stores
  const moving = await moves.drive(study, crypto.randomUUID())
  if (moving === undefined) throw overloaded()
  try {
    if (moving.decided) return await settled(scope, moving)
    if (moving.source === database) return await giveUp(scope, moving)
    return await goOn(scope, moving)
  } catch (failure) {
    throw isSuperseded(failure) ? overloaded(failure) : failure
  }
}

type Went = Awaited<ReturnType<Scope['stores']['moves']['goOn']>>

async function goOn(scope: Scope, moving: Moving): Promise<Move> {
  const { moves } = scope.stores
  // What has changed meanwhile comes first, so that it does not pile up.
  const { caughtUp, differs } = await moves.catchUp(moving)
  const went = differs === undefined ? await walk(scope, moving) : { progress: moving.progress, over: false, differs }
  const told = toldOf(moving, went)
  if (!went.over || !caughtUp) return told
  const end = await moves.decide(moving)
  if (!end.decided) return { ...told, differs: end.differs ?? null }
  const { database, state } = await settled(scope, moving)
  return { ...told, database, state, stoodStillMs: end.stoodStillMs }
}

/** The next table that has rows, or the end of them all. */
function past(progress: Went['progress'], filled: ReadonlySet<number>): Went['progress'] {
  const next = [...filled].filter((table) => table >= progress.table)
  const table = next.length === 0 ? Infinity : Math.min(...next)
  return table === progress.table ? progress : { ...progress, table, after: null }
}

async function walk({ stores: { moves } }: Scope, moving: Moving): Promise<Went> {
  const until = Date.now() + AT_MOST_MS
  let went: Went = { progress: moving.progress, over: false }
  let filled: ReadonlySet<number> | undefined
  for (let step = 0; step < STEPS && Date.now() < until; step += 1) {
    const { phase } = went.progress
    filled ??= await moves.filled({ ...moving, progress: went.progress })
    went = await moves.goOn({ ...moving, progress: past(went.progress, filled) })
    if (went.over || went.differs !== undefined) return went
    if (went.progress.phase !== phase) filled = undefined
  }
  return went
}

function toldOf(moving: Moving, { progress, differs }: Went): Move {
  const isCopying = progress.phase === 'copy'
  return {
    study: moving.carrying.moved.study,
    database: moving.source,
    state: 'copying',
    copied: isCopying ? progress.rows : progress.copied,
    verified: isCopying ? 0 : progress.rows,
    stoodStillMs: null,
    differs: differs ?? null,
  }
}

async function settled({ stores, now }: Scope, moving: Moving): Promise<Move> {
  await stores.moves.settle(moving, now)
  return { study: moving.carrying.moved.study, database: moving.target, state: 'clearing', ...NOTHING }
}

async function giveUp(scope: Scope, moving: Moving): Promise<Move> {
  const { study } = moving.carrying.moved
  const stays = await scope.stores.moves.giveUp(moving, scope.now)
  return stays ? { study, database: moving.source, state: 'clearing', ...NOTHING } : settled(scope, moving)
}

/**
 * What was decided and whose driver died is finished: until then the study stands still. Whoever asks, since it is what
 * becomes of it in any case. Of all studies, or of one; answers how many there were.
 */
export async function settleMoves(scope: Scope, only?: StudyId): Promise<number> {
  const { moves } = scope.stores
  if (moves.isOne) return 0
  const unsettled = await moves.unsettled(only)
  for (const study of unsettled) {
    const moving = await moves.drive(study, crypto.randomUUID())
    if (moving?.decided === true) await moves.settle(moving, scope.now)
  }
  return unsettled.length
}
