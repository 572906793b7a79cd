import { Hono } from 'hono'
import { requestId } from 'hono/request-id'
import { TrieRouter } from 'hono/router/trie-router'
import { type Adapter, mountAdapter, pathAmong } from './adapters/adapter.ts'
import { bridge } from './adapters/bridge/index.ts'
import { hat } from './adapters/hat/index.ts'
import { myDataHelps } from './adapters/mydatahelps/index.ts'
import { openHumans } from './adapters/openhumans/index.ts'
import { createNative } from './http/native.ts'
import { renderNotFound, renderProblem } from './http/problem.ts'
import { type AppEnv, beginRequest } from './wire/context.ts'
import { logRequest } from './wire/log-request.ts'

/** The foreign protocols that are spoken, each at its own paths. */
const ADAPTERS: readonly Adapter[] = [bridge, myDataHelps, openHumans, hat]

/** The map of the service: every tongue at its paths, and native whatever none of the others claims. */
export function createApp(adapters = ADAPTERS) {
  const app = new Hono<AppEnv>({ router: new TrieRouter(), getPath: pathAmong(adapters) })
  app.use(requestId(), beginRequest, logRequest)
  for (const adapter of adapters) mountAdapter(app, adapter)
  app.route('/', createNative())
  return app.onError(renderProblem).notFound(renderNotFound)
}
