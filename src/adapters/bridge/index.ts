// Sage Bridge: participant data, participant files, reports, and the sessions that they are reached by.
//
// Source: "Participant Data Storage" of Bridge's documents, and how BridgeServer2 answers where that says nothing.
// Gaps: signing in by e-mail, phone or OAuth, switching apps, accounts, consents, schedules, uploads of study data.
// By design: an app is a study, a password is an API key of the account, and a key does wherever a session does.
//   Whoever takes part has consented. A replaced file keeps its bytes until the new ones are there; a file that nothing
//   was sent to goes with its upload. Nothing is written of a participant who has left, whoever asks.
// Client quirks: a 412 is no failure: its body is a session. A missing session is exactly three fields. ETags have no
//   quotes. The Java client and Python's resend `Bridge-Session` to wherever a redirect leads, so nothing there reads it.

import { type Handler, Hono } from 'hono'
import { MAX_DOCUMENT_BYTES } from '../../domain/documents.ts'
import { routeNotFound } from '../../model/errors.ts'
import { limitBytes, MAX_BODY_BYTES } from '../../wire/body.ts'
import type { AppEnv } from '../../wire/context.ts'
import { limitCallers } from '../../wire/rate-limits.ts'
import { placesNotUtf8 } from '../../wire/utf8.ts'
import { authenticate, renderRefusal } from './access.ts'
import { data } from './data.ts'
import { badRequest, renderFailure } from './errors.ts'
import { files } from './files.ts'
import { allowBrowsers, secure } from './headers.ts'
import { PATHS } from './paths.ts'
import { reports } from './reports.ts'
import { sessions } from './sessions.ts'

/** A value of the longest kind, and what is said around it. */
const limitBody = limitBytes(MAX_DOCUMENT_BYTES + MAX_BODY_BYTES)

export function create(): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.on('ALL', PATHS, secure, allowBrowsers, authenticate, limitCallers, async (c, next) => {
    if (placesNotUtf8(c.req.url).length > 0) throw badRequest('Path and query must be percent-encoded UTF-8.')
    await next()
  })
  app.on('ALL', PATHS, limitBody)
  for (const routes of [sessions, data, files, reports]) app.route('/', routes)
  return app.onError(renderRefusal)
}

export const renderNotFound: Handler<AppEnv> = (c) => renderFailure(routeNotFound(), c)
