import type { Context } from 'hono'
import { studyOfNumber } from '../domain/studies.ts'
import { unauthenticated } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import { runtimeOf } from '../runtime.ts'
import { type AppEnv, scopeOf } from './context.ts'

/**
 * The study that the caller's key or session names, for protocols that name none themselves. It is looked up once: which
 * study a number is of never changes. Whether the credential stands is found out where it is used.
 * @throws DomainError `unauthenticated` for a credential that is of no study, or of one that is not there
 */
export async function studyOf(c: Context<AppEnv>): Promise<StudyId> {
  const { credential } = c.var
  if (!('studyNumber' in credential)) throw unauthenticated()
  const { studies } = runtimeOf(c.env)
  const known = studies.get(credential.studyNumber)
  if (known !== undefined) return known
  const found = await studyOfNumber(scopeOf(c), credential.studyNumber)
  if (found === undefined) throw unauthenticated()
  studies.set(credential.studyNumber, found)
  return found
}
