// MyDataHelps (CareEvolution): files that participants upload, and service accounts that fetch them.
//
// Source: the platform's documents of its API and SDK (files, authentication, service accounts, limits, exports), the
//   published SDK `@careevolution/mydatahelps-js` 5.7.0, and the REST quickstarts for Python, Node and Java. The server is
//   closed: what it answers beside what its clients read is not known.
// Gaps: of the participant API all but files; of administration all but files and, for reading, participants as far as
//   the quickstarts go. Everything else is 404, in this adapter's words.
// By design: a service account is an API key of role `worker` or `admin` whose label is the account's name and which has a
//   public key in place of a secret; one that several studies know opens each of them. A Carrel key does wherever a token
//   does: of a worker or admin for administration, and as `token` in the delegated grant; of a participant for the
//   delegated API. A project's files can be listed by category without naming a participant, deleted, and told of in a
//   table. Lists say size, type and MD5. Errors have a body that says why. Names are kept as they came; in keys, what would
//   break a query is replaced or escaped. `limit` above 100 is 100; `pageSize` above 1,000 is refused, for who counts pages
//   would miss the last ones.
// Client quirks: the Python quickstart doubles the slash before `api`, and signs an `exp` with a fraction. The SDK sends a
//   category and a key unencoded, declares neither size nor type, looks for what it has sent at once, and shows a
//   failure's reason phrase and nothing of its body. URLSearchParams makes words of undefined and null: both mean that
//   nothing was said.

import { Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { secureHeaders } from 'hono/secure-headers'
import { limitBytes, MAX_BODY_BYTES } from '../../wire/body.ts'
import { SECURE_HEADERS } from '../../wire/browsers.ts'
import type { AppEnv } from '../../wire/context.ts'
import { limitCallers } from '../../wire/rate-limits.ts'
import { createAllowance } from './allowance.ts'
import { authenticate } from './callers.ts'
import { refuseMethod, renderRefusal } from './errors.ts'
import { files } from './files.ts'
import { participants } from './participants.ts'
import { API } from './paths.ts'
import { token } from './token.ts'

export { renderNotFound } from './errors.ts'

/** The SDK runs in browsers, on origins that nobody knows beforehand. Nothing goes by cookies. */
const CORS = {
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
  allowHeaders: ['Accept-Language', 'Authorization', 'Content-Type'],
  exposeHeaders: [
    'Content-Disposition',
    'RateLimit-Limit',
    'RateLimit-Remaining',
    'RateLimit-Reset',
    'Retry-After',
    'X-Request-Id',
  ],
  maxAge: 3_600,
} satisfies Parameters<typeof cors>[0]

/** Answers hold links, and whose they are. */
const noStore: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  c.res.headers.set('Cache-Control', 'no-store')
}

export function create(): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  const { tell, hold } = createAllowance()
  app.on('ALL', API, secureHeaders(SECURE_HEADERS), cors(CORS), noStore, tell)
  app.on('ALL', API, methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }))
  app.on('ALL', API, authenticate, hold, limitCallers, limitBytes(MAX_BODY_BYTES))
  app.route('/', token)
  app.route('/', files)
  app.route('/', participants)
  return app.onError(renderRefusal)
}
