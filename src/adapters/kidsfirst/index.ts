// Kids First's study creator: a study's files with their versions, over GraphQL; downloads, signed URLs and developer
// tokens.
//
// Source: "Downloads" of the study creator's documents, and how its server and clients behave on the wire.
// Gaps: templates, extraction of a file's columns, events, projects, buckets and releases, a study's other records.
// By design: a study is a study, whatever its id looks like. Files made here are the study's own; those of participants
//   are there too for who may see them. A file's and a version's ids are their numbers, so each leads to its study. A
//   developer's token is an API key of role `download`. Who shows nothing good learns nothing of what there is.
// Client quirks: an Authorization header may be empty. URLs of files are written in several ways. A file's name is read
//   off `filename*` alone, and what it ends in says how it is read. The UI opens a signed URL in a window of its own.

import { type Handler, Hono } from 'hono'
import { routeNotFound } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { limitCallers } from '../../wire/rate-limits.ts'
import { authenticate, renderRefusal } from './access.ts'
import { allowBrowsers, neverCache, tell } from './answers.ts'
import { download } from './downloads.ts'
import { methodNotAllowed, renderFailure } from './errors.ts'
import { PATHS, POSTS } from './paths.ts'
import { signedUrl } from './signed-urls.ts'

/** What there is to run queries with is loaded by the first of them. */
const graphql: Handler<AppEnv> = async (c) => (await import('./graphql/server.ts')).answerGraphql(c)

/** In each of the ways in which clients and documents write them, of a file and of a version of it. */
const withVersions = (paths: readonly string[]) => paths.flatMap((path) => [path, `${path}/version/:version`])
const DOWNLOADS = withVersions([
  '/download/study/:study/file/:file',
  '/download/study/:study/files/:file',
  '/download/study_id/:study/file/:file',
  '/download/study_id/:study/files/:file',
])
const SIGNED_URLS = withVersions([
  '/signed-url/study/:study/file/:file',
  '/signed-url/study/:study/files/:file',
  '/study/:study/files/:file',
])

const ROUTES: readonly (readonly [
  path: string,
  handlers: Readonly<Partial<Record<'GET' | 'POST', Handler<AppEnv>>>>,
])[] = [
  ...DOWNLOADS.map((path) => [path, { GET: download }] as const),
  ...SIGNED_URLS.map((path) => [path, { GET: signedUrl }] as const),
  ['/graphql', { GET: graphql, POST: graphql }],
  ['/health_check', { GET: (c) => tell(c, 'ok') }],
]

const around = [neverCache, allowBrowsers, authenticate, limitCallers] as const

export function create(): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.on('ALL', PATHS, ...around)
  app.on(['POST', 'OPTIONS'], POSTS, ...around)
  for (const [path, handlers] of ROUTES) {
    for (const [method, handler] of Object.entries(handlers)) app.on(method, path, handler)
    app.all(path, (c) => {
      c.header('Allow', [...Object.keys(handlers), 'OPTIONS'].join(', '))
      return renderFailure(methodNotAllowed(c.req.method), c)
    })
  }
  for (const path of POSTS) app.post(path, graphql)
  return app.onError(renderRefusal)
}

export const renderNotFound: Handler<AppEnv> = (c) => renderFailure(routeNotFound(), c)
