// HAT (Hub of All Things): file storage, search and sharing of one person's files.
//
// Source: "HAT File Storage" of HAT's API documents (v2), and how HAT 2.0 answers where that says nothing.
// Gaps: contracts, data debits, records and everything else of HAT that is no file.
// By design: a host is the HAT of one participant, whose study the host leads to; a password is an API key of the
//   person, and a key does wherever a token does. Another user is a participant or a member of the same study. A
//   deleted file is gone, and its id may be given again. An application's token opens the files whose source is its
//   name. Sharing with a name that the owner cannot know of waits for whoever has it.
// Client quirks: clients read their token: its `iss` is their base URL, and `iat` and three days their time to sign in
//   again, so it is renewed in a header of the answer. Bytes are sent with `x-amz-server-side-encryption: AES256`; the
//   answer to that PUT must be empty or JSON. Templates have `name` and `source`, empty where they don't matter. Some of
//   the calls that change things are GETs.

import { type Handler, Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import { routeNotFound } from '../../model/errors.ts'
import { limitBytes, MAX_BODY_BYTES } from '../../wire/body.ts'
import { allowBrowsers, SECURE_HEADERS } from '../../wire/browsers.ts'
import type { AppEnv } from '../../wire/context.ts'
import { limitCallers } from '../../wire/rate-limits.ts'
import { placesNotUtf8 } from '../../wire/utf8.ts'
import { authenticate, deliberate, TOKEN_HEADER } from './access.ts'
import { badRequest, renderFailure, renderRefusal } from './errors.ts'
import * as files from './files.ts'
import { PATHS, PREFIXES } from './paths.ts'
import * as sharing from './sharing.ts'
import * as signIn from './sign-in.ts'

const cors = allowBrowsers({
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
  allowHeaders: [TOKEN_HEADER, 'Content-Type', 'Accept', 'username', 'password'],
  exposeHeaders: [TOKEN_HEADER],
  maxAge: 3_600,
})

export function create(): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.on('ALL', PATHS, secureHeaders(SECURE_HEADERS), cors, authenticate, limitCallers, async (c, next) => {
    if (placesNotUtf8(c.req.url).length > 0) throw badRequest('The path and the query must be percent-encoded UTF-8.')
    await next()
  })
  app.on('ALL', PATHS, limitBytes(MAX_BODY_BYTES))

  for (const prefix of PREFIXES) {
    const at = `${prefix}/files`
    app.post(`${at}/upload`, files.upload)
    app.put(`${at}/file/:fileId/complete`, files.complete)
    app.post(`${at}/search`, files.search)
    app.get(`${at}/file/:fileId`, files.get)
    app.put(`${at}/file/:fileId`, files.update)
    app.delete(`${at}/file/:fileId`, files.remove)
    app.get(`${at}/content/:fileId`, files.content)
    app.get(`${at}/allowAccess/:fileId/:userId`, deliberate, sharing.allowAccess)
    app.get(`${at}/restrictAccess/:fileId/:userId`, deliberate, sharing.restrictAccess)
    app.post(`${at}/allowAccess/:userId`, sharing.allowAccessToMany)
    app.post(`${at}/restrictAccess/:userId`, sharing.restrictAccessToMany)
    app.get(`${at}/allowAccessPublic/:fileId`, deliberate, sharing.allowAccessPublic)
    app.get(`${at}/restrictAccessPublic/:fileId`, deliberate, sharing.restrictAccessPublic)
  }
  app.on(['POST', 'PUT', 'DELETE'], '/api/v2.6/contract/*', signIn.contract)
  app.get('/api/v2.6/applications/:id/access-token', deliberate, signIn.accessTokenOf)
  app.get('/users/access_token', signIn.accessToken)
  app.get('/users/access_token/validate', signIn.validate)
  app.get('/users/application_token', deliberate, signIn.applicationToken)
  app.get('/publickey', signIn.publicKey)
  return app.onError(renderRefusal)
}

export const renderNotFound: Handler<AppEnv> = (c) => renderFailure(routeNotFound(), c)
