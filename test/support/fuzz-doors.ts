import fc from 'fast-check'
import { ADAPTERS } from '../../src/app.ts'
import * as plans from './fuzz-plans.ts'
import { type Speech, SPEECHES } from './fuzz-speech.ts'

// Requests of the foreign protocols, made of the routes that their adapters have and of what their clients send there.

const BODILESS = ['GET', 'HEAD', 'DELETE', 'OPTIONS']

type Route = Readonly<{ method: string; path: string }>

/** Where somebody signs in with a name and a password in headers. */
const signingIn = ({ path }: Route): fc.Arbitrary<plans.Header[]> => {
  if (path !== '/users/access_token') return fc.constant([])
  return plans.key.map((password) => [
    ['username', 'bob'],
    ['password', password],
  ])
}

function plansOf(speech: Speech, route: Route): fc.Arbitrary<plans.Plan> {
  const { method, path } = route
  const parts = path
    .slice(1)
    .split('/')
    .map((part) => {
      if (part === '*') return plans.segment(['x', 'files', 'auth'])
      return part.startsWith(':') ? plans.segment(speech.names[part.slice(1)] ?? ['x']) : part
    })
  const [some, none] = BODILESS.includes(method) ? [1, 12] : [20, 1]
  return fc
    .record({
      method: method === 'ALL' ? fc.constantFrom('GET', 'POST', 'PUT', 'DELETE') : plans.methodOr(method),
      path: plans.pathOf(parts),
      query: plans.weighted([1, fc.constant('')], [2, plans.fieldsOf(speech.query)]),
      headers: plans.together(
        plans.credentials(speech.shown, plans.keyOr(...(speech.sessions ?? []))),
        signingIn(route),
        plans.oddHeaders,
      ),
      sent: plans.weighted<plans.Sent>([some, speech.sent(path)], [none, fc.constant(plans.NOTHING)]),
      where: plans.place,
    })
    .map((made) => plans.planOf(made, speech.atHosts === true))
}

/** By each route that an adapter has: those that are no more than a pattern, less often. */
export async function foreignPlans(): Promise<fc.Arbitrary<plans.Plan>[]> {
  return Promise.all(
    ADAPTERS.map(async ({ door, load }) => {
      const speech = SPEECHES[door]
      if (speech === undefined) throw new Error(`Nobody knows what is said to ${door}.`)
      const { routes } = (await load()).create()
      const named = new Map(routes.map((route) => [`${route.method} ${route.path}`, route]))
      return plans.weighted(
        ...[...named.values()].map((route) => {
          const weight = route.method === 'ALL' ? 1 : route.path === '/graphql' && route.method === 'POST' ? 40 : 6
          return [weight, plansOf(speech, route)] as const
        }),
      )
    }),
  )
}
