import type { Context } from 'hono'
import { type Named, witnessRefusal } from '../domain/audit.ts'
import { type IdPrefix, idPattern, type ParticipantId, type StudyId } from '../model/ids.ts'
import { type AppEnv, scopeOf } from './context.ts'
import { asDomainError } from './failures.ts'

/** Ids that Carrel makes and paths name, what is more particular first. */
const NAMED: readonly IdPrefix[] = ['ver', 'dlt', 'upl', 'enr', 'era', 'key', 'mem', 'fil']

/** What of a request's values may be kept: made ids. Handles and identifiers are the participants' words. */
function madeIdsIn(values: readonly string[]): Pick<Named, 'file' | 'object'> {
  const found = (prefix: IdPrefix) => values.find((value) => idPattern(prefix).test(value))
  const [object] = NAMED.flatMap((prefix) => found(prefix) ?? [])
  return { file: found('fil'), object }
}

/** What a request is about, as far as its tongue can tell; the study of a caller who is of one need not be told. */
type About = Readonly<{
  study?: StudyId | undefined
  participant?: ParticipantId | 'me' | undefined
  /** Whatever else it names. */
  values?: readonly string[]
}>

/** Puts on record that a known caller was refused. Every tongue's error handler says so, before it says why. */
export function recordRefusal(c: Context<AppEnv>, failure: unknown, about: About = {}): void {
  const { principal } = c.var
  if (principal === undefined) return
  const study = 'study' in principal ? principal.study : about.study
  if (study === undefined) return
  const named = { study, participant: about.participant, ...madeIdsIn(about.values ?? []) }
  witnessRefusal(scopeOf(c), principal, { code: asDomainError(failure).code, ...named })
}
