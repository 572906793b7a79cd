import { Hono } from 'hono'
import { requestId } from 'hono/request-id'
import { TrieRouter } from 'hono/router/trie-router'
import { type Adapter, claimantAmong, mountAdapter, pathAmong } from './adapters/adapter.ts'
import * as bridge from './adapters/bridge/paths.ts'
import * as hat from './adapters/hat/paths.ts'
import * as kidsFirst from './adapters/kidsfirst/paths.ts'
import * as myDataHelps from './adapters/mydatahelps/paths.ts'
import * as openHumans from './adapters/openhumans/paths.ts'
import { renderNotFound, renderProblem } from './http/problem.ts'
import { loadOnce } from './load-once.ts'
import { refuseWhileClosed } from './wire/closed.ts'
import { type AppEnv, beginRequest } from './wire/context.ts'
import { logRequest } from './wire/log-request.ts'
import { tellWaits } from './wire/server-timing.ts'

/** The foreign protocols that are spoken, each at its own paths. */
export const ADAPTERS: readonly Adapter[] = [
  { door: 'bridge', paths: bridge.PATHS, load: async () => import('./adapters/bridge/index.ts') },
  {
    door: 'mydatahelps',
    paths: myDataHelps.PATHS,
    collapsesSlashes: true,
    load: async () => import('./adapters/mydatahelps/index.ts'),
  },
  { door: 'openhumans', paths: openHumans.PATHS, load: async () => import('./adapters/openhumans/index.ts') },
  {
    door: 'kidsfirst',
    paths: kidsFirst.PATHS,
    posts: kidsFirst.POSTS,
    load: async () => import('./adapters/kidsfirst/index.ts'),
  },
  { door: 'hat', paths: hat.PATHS, load: async () => import('./adapters/hat/index.ts') },
]

/**
 * The map of the service: every tongue at its paths, and native whatever none of the others claims. Each is loaded by the
 * first request that is for it, so that nobody waits for what is not asked for.
 */
export function createApp(adapters = ADAPTERS) {
  const getPath = pathAmong(adapters)
  const begin = () =>
    new Hono<AppEnv>({ router: new TrieRouter(), getPath })
      .use(requestId(), beginRequest, tellWaits, logRequest, refuseWhileClosed)
      .onError(renderProblem)
      .notFound(renderNotFound)
  const native = loadOnce(async () => begin().route('/', (await import('./http/native.ts')).createNative()))
  const claimant = claimantAmong(
    adapters.map((adapter) => ({ ...adapter, open: loadOnce(async () => mountAdapter(begin(), adapter)) })),
  )
  const failing = (failure: unknown) =>
    begin().all('*', () => {
      throw failure
    })
  const fetch = async (request: Request, env: Env, context: ExecutionContext): Promise<Response> => {
    const open = claimant(request.method, getPath(request))?.open ?? native
    const app = await open().catch(failing)
    return app.fetch(request, env, context)
  }
  return { fetch }
}
