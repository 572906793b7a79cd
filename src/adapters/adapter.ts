import type { Handler, Hono } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'
import { getPath } from 'hono/utils/url'
import type { Door } from '../model/principal.ts'
import { type AppEnv, comingBy } from '../wire/context.ts'

/** A foreign protocol: what paths are its own, and what is answered there. */
export type Adapter = Readonly<{
  door: Door
  /** Patterns of the paths that it claims. Nothing of the native API runs there, and nothing of it runs elsewhere. */
  paths: readonly string[]
  /** Whether its clients repeat slashes that mean nothing. Leading ones never do. */
  collapsesSlashes?: boolean
  /** Its routes and what is around them, with an error handler of its own. */
  create: () => Hono<AppEnv>
  /** What it says of a path of its own where it has no route, and of one that has no such method. */
  renderNotFound: Handler<AppEnv>
}>

const ALL = 'ALL'

/** By the same rules as requests are routed: a pattern claims itself and whatever is more particular. */
function claimsOf({ paths }: Adapter): (path: string) => boolean {
  const claims = new TrieRouter<true>()
  for (const path of paths) claims.add(ALL, path, true)
  return (path) => claims.match(ALL, path)[0].length > 0
}

/**
 * Puts an adapter where its clients look for it.
 * @throws Error if it would answer, or be around, what it does not claim
 */
export function mountAdapter(app: Hono<AppEnv>, adapter: Adapter): void {
  const { door, paths, create, renderNotFound } = adapter
  const routes = create()
  const claims = claimsOf(adapter)
  const stray = routes.routes.find(({ path }) => !claims(path))
  if (stray !== undefined) throw new Error(`${door} has ${stray.path} and does not claim it.`)
  app.on(ALL, [...paths], comingBy(door))
  app.route('/', routes.on(ALL, [...paths], renderNotFound))
}

/**
 * The path that a request is routed by: its own, without the repeated slashes that an adapter's clients send. Natively an
 * empty segment is one: it never makes another path of it.
 */
export function pathAmong(adapters: readonly Adapter[]): (request: Request) => string {
  const claiming = adapters.map((adapter) => ({ ...adapter, claims: claimsOf(adapter) }))
  return (request) => {
    const path = getPath(request)
    if (!path.includes('//')) return path
    const trimmed = path.replace(/^\/+/, '/')
    const collapsed = path.replaceAll(/\/+/g, '/')
    if (claiming.some(({ collapsesSlashes, claims }) => collapsesSlashes === true && claims(collapsed)))
      return collapsed
    return claiming.some(({ claims }) => claims(trimmed)) ? trimmed : path
  }
}
