import type { Handler, Hono } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'
import { getPath } from 'hono/utils/url'
import type { Door } from '../model/principal.ts'
import { type AppEnv, comingBy } from '../wire/context.ts'

/** A foreign protocol: what paths are its own, and where what is answered there is loaded from. */
export type Adapter = Readonly<{
  door: Door
  /** Patterns of the paths that it claims. Nothing of the native API runs there, and nothing of it runs elsewhere. */
  paths: readonly string[]
  /** The same of paths where only what is POSTed is its own, and what browsers ask before that. */
  posts?: readonly string[]
  /** Whether its clients repeat slashes that mean nothing. Leading ones never do. */
  collapsesSlashes?: boolean
  /** Called at the first request to one of its paths. */
  load: () => Promise<Tongue>
}>

/** What a foreign protocol answers. */
export type Tongue = Readonly<{
  /** Its routes and what is around them, with an error handler of its own. */
  create: () => Hono<AppEnv>
  /** What it says of a path of its own where it has no route, and of one that has no such method. */
  renderNotFound: Handler<AppEnv>
}>

const ALL = 'ALL'

const POSTING = ['POST', 'OPTIONS']

type Claims = Pick<Adapter, 'paths' | 'posts'>

/** Whose a request is, by the same rules as it is routed: a pattern claims itself and whatever is more particular. */
export function claimantAmong<Claimant extends Claims>(
  adapters: readonly Claimant[],
): (method: string, path: string) => Claimant | undefined {
  const claims = new TrieRouter<Claimant>()
  for (const adapter of adapters) {
    for (const path of adapter.paths) claims.add(ALL, path, adapter)
    for (const path of adapter.posts ?? []) for (const method of POSTING) claims.add(method, path, adapter)
  }
  return (method, path) => claims.match(method, path)[0][0]?.[0]
}

export function claimsOf(adapter: Claims): (method: string, path: string) => boolean {
  const claimant = claimantAmong([adapter])
  return (method, path) => claimant(method, path) !== undefined
}

/**
 * Puts an adapter where its clients look for it.
 * @throws Error if it would answer, or be around, what it does not claim
 */
export async function mountAdapter(app: Hono<AppEnv>, adapter: Adapter): Promise<Hono<AppEnv>> {
  const { door, paths, posts = [], load } = adapter
  const { create, renderNotFound } = await load()
  const routes = create()
  const claims = claimsOf(adapter)
  const stray = routes.routes.find(({ method, path }) => !claims(method, path))
  if (stray !== undefined) throw new Error(`${door} has ${stray.path} and does not claim it.`)
  app.on(ALL, [...paths], comingBy(door))
  app.on(POSTING, [...posts], comingBy(door))
  return app.route('/', routes.on(ALL, [...paths], renderNotFound))
}

/**
 * The path that a request is routed by: its own, without the repeated slashes that an adapter's clients send. Natively an
 * empty segment is one: it never makes another path of it.
 */
export function pathAmong(adapters: readonly Adapter[]): (request: Request) => string {
  const claiming = adapters.map((adapter) => ({ ...adapter, claims: claimsOf(adapter) }))
  return (request) => {
    const path = getPath(request)
    const { method } = request
    if (!path.includes('//')) return path
    const trimmed = path.replace(/^\/+/, '/')
    const collapsed = path.replaceAll(/\/+/g, '/')
    if (claiming.some(({ collapsesSlashes, claims }) => collapsesSlashes === true && claims(method, collapsed)))
      return collapsed
    return claiming.some(({ claims }) => claims(method, trimmed)) ? trimmed : path
  }
}
