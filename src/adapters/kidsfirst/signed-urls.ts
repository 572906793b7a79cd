import type { Handler } from 'hono'
import { issueFileToken } from '../../domain/file-tokens.ts'
import type { Role } from '../../model/principal.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { askedFor, whyNot } from './access.ts'
import { isNotAuthorized, methodNotAllowed, noUrlFor } from './errors.ts'
import { downloadPath } from './ids.ts'

/** For so long a URL works, and only once. */
export const SIGNED_URL_SECONDS = 30

/** Whoever these are in the study; upstream asks for a permission, and forgets the study. */
export const SIGNERS: readonly Role[] = ['admin', 'staff']

/** A URL that downloads a version to whoever has it, once; without its host, as upstream tells it. */
export const signedUrl: Handler<AppEnv> = async (c) => {
  // It would make one that nobody gets to see.
  if (c.req.raw.method === 'HEAD') throw methodNotAllowed('HEAD')
  try {
    const { study, named } = askedFor(c)
    const wanted = { ...named, seconds: SIGNED_URL_SECONDS }
    const { token, file, version } = await issueFileToken(scopeOf(c, { admits: SIGNERS }), study, wanted)
    return c.json({ url: `${downloadPath(study, { file: file.number, version: version.number })}?token=${token}` })
  } catch (failure) {
    if (isNotAuthorized(failure)) throw noUrlFor(failure)
    throw await whyNot(c, askedFor(c), failure)
  }
}
