// Open Humans: a project's members, their files, and the simple and the direct way of sending them ("direct sharing").
//
// Source: "Uploading and deleting data" of Open Humans' documents, and how its server and clients behave on the wire.
// Gaps: messages to members, other projects' files, lists of public data, a registry of types of data, signing in.
// By design: a project is a study, its master token a key of a worker or an admin; a member's token is a participant's
//   key, or a session that an app got for an enrolment code. Who has left is no member, and whatever opened their files
//   opens them no more. A list has a member's files in the order in which they were completed, so that its pages do not
//   move. A file that is complete is never changed by the URL that it was sent to.
// Client quirks: a PUT to `url` has no Content-Type and must be answered with just 200. `next` is followed as it stands,
//   with no header. Member ids are strings of digits, file ids numbers. Names are read off the end of URLs.

import { type Handler, Hono } from 'hono'
import { routeNotFound } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { receiving, renderRefusal } from './access.ts'
import { allowBrowsers, neverCache } from './answers.ts'
import { download, noneListed, publicFile } from './downloads.ts'
import { malformed, methodNotAllowed, renderFailure } from './errors.ts'
import { contentTypeOf, isMultipart } from './fields.ts'
import { exchangeMember, members } from './listing.ts'
import { project, removeMembers, sendMessage } from './membership.ts'
import { authorize, token } from './oauth.ts'
import { PATHS } from './paths.ts'
import { completeUpload, deleteFiles, directUpload, simpleUpload } from './uploads.ts'

const PROJECT = '/api/direct-sharing/project'

/** The documents' own address for a simple upload, and (by a slip) for deleting, which is elsewhere. */
const documentedUpload: Handler<AppEnv> = async (c, next) =>
  isMultipart(contentTypeOf(c)) ? simpleUpload(c, next) : elsewhere(c, next)

const elsewhere = receiving(async () => {
  throw malformed('Send data_file as multipart/form-data. Files are deleted at project/files/delete/.')
})

/** Each with a slash at its end, and without. */
const ROUTES: readonly (readonly [method: 'GET' | 'POST', path: string, handler: Handler<AppEnv>])[] = [
  ['GET', PROJECT, project],
  ['GET', `${PROJECT}/members`, members],
  ['GET', `${PROJECT}/exchange-member`, exchangeMember],
  ['POST', `${PROJECT}/files/upload`, simpleUpload],
  ['POST', `${PROJECT}/files/upload/direct`, directUpload],
  ['POST', `${PROJECT}/files/upload/complete`, completeUpload],
  ['POST', `${PROJECT}/files/delete`, deleteFiles],
  ['POST', `${PROJECT}/upload`, documentedUpload],
  ['POST', `${PROJECT}/message`, sendMessage],
  ['POST', `${PROJECT}/remove-members`, removeMembers],
  ['GET', '/data-management/datafile-download/:id', download],
  ['GET', '/direct-sharing/projects/oauth2/authorize', authorize],
  ['POST', '/oauth2/token', token],
  ['GET', '/api/public-data', noneListed],
  ['GET', '/api/public/datafile/:id', publicFile],
  ['GET', '/api/public/datafiles', noneListed],
  ['GET', '/api/public/datatypes', noneListed],
  ['GET', '/api/public/projects', noneListed],
  ['GET', '/api/public/members-by-source', noneListed],
  ['GET', '/api/public/sources-by-member', noneListed],
]

export function create(): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.on('ALL', PATHS, neverCache)
  app.on(
    'ALL',
    PATHS.filter((path) => path.startsWith('/api/')),
    allowBrowsers,
  )
  for (const [method, path, handler] of ROUTES) {
    const both = [path, `${path}/`]
    app.on(method, both, handler)
    app.on('ALL', both, (c) => {
      c.header('Allow', method === 'GET' ? 'GET, HEAD, OPTIONS' : 'POST, OPTIONS')
      return renderFailure(methodNotAllowed(c.req.method), c)
    })
  }
  return app.onError(renderRefusal)
}

export const renderNotFound: Handler<AppEnv> = (c) => renderFailure(routeNotFound(), c)
