import type { Context, MiddlewareHandler } from 'hono'
import type { Scope } from '../../domain/scope.ts'
import { studyNotFound, unauthenticated } from '../../model/errors.ts'
import type { StudyId } from '../../model/ids.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { bearerOf, credentialOfSecret } from '../../wire/credentials.ts'
import { StudyIdText } from '../../wire/shapes.ts'
import { studyOf } from '../../wire/studies.ts'

/** Nothing here is for who shows no token; a Carrel key does for one. */
export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const token = bearerOf(c.req.header('Authorization') ?? '')
  if (token === undefined) throw unauthenticated()
  c.set('credential', await credentialOfSecret(token))
  await next()
}

/** Where an operation is done, and for whom: a participant's own things, or a project's. */
export type Place = Readonly<{ scope: Scope; study: StudyId; isOwn: boolean }>

/** The participant whom the token acts for, in whichever study that is. */
export const delegated = async (c: Context<AppEnv>): Promise<Place> => ({
  scope: scopeOf(c, { admits: ['participant'] }),
  study: await studyOf(c),
  isOwn: true,
})

/** A service account, in the project that the path names. */
export const administration = (c: Context<AppEnv>): Place => {
  const study = StudyIdText.safeParse(c.req.param('projectID'))
  if (!study.success) throw studyNotFound()
  return { scope: scopeOf(c, { admits: ['worker', 'admin'] }), study: study.data, isOwn: false }
}
