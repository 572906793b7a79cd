import type { Context } from 'hono'
import { studyOfNumber } from '../domain/studies.ts'
import { unauthenticated } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import { runtimeOf } from '../runtime.ts'
import { type AppEnv, scopeOf } from './context.ts'

/**
 * The study of a number, which secrets and the ids of some protocols name; undefined: there is none. It is looked up
 * once: which study a number is of never changes.
 */
export async function studyNumbered(c: Context<AppEnv>, number: number): Promise<StudyId | undefined> {
  const { studies } = runtimeOf(c.env)
  const known = studies.get(number)
  if (known !== undefined) return known
  const found = await studyOfNumber(scopeOf(c), number)
  if (found !== undefined) studies.set(number, found)
  return found
}

/**
 * The study that the caller's key or session names, for protocols that name none themselves. Whether the credential
 * stands is found out where it is used.
 * @throws DomainError `unauthenticated` for a credential that is of no study, or of one that is not there
 */
export async function studyOf(c: Context<AppEnv>): Promise<StudyId> {
  const { credential } = c.var
  const study = 'studyNumber' in credential ? await studyNumbered(c, credential.studyNumber) : undefined
  if (study === undefined) throw unauthenticated()
  return study
}
