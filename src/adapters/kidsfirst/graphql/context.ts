import DataLoader from 'dataloader'
import type { GraphQLResolveInfo } from 'graphql'
import type { Context } from 'hono'
import type { Scope } from '../../../domain/scope.ts'
import { getStudy } from '../../../domain/studies.ts'
import type { Study } from '../../../model/entities.ts'
import { failedWith, unauthenticated } from '../../../model/errors.ts'
import type { StudyId } from '../../../model/ids.ts'
import { type AppEnv, scopeOf } from '../../../wire/context.ts'
import { askedWrongly } from './errors.ts'
import { createVersionLoader, type VersionLoader } from './version-loader.ts'

/**
 * How often one request may have the database asked. Each listing is a trip, as is each node that is named by its id: the
 * UI's list of studies, with their files, takes two for each. A trip has four statements at most, and an invocation may
 * make a thousand (docs: D1, "Limits").
 */
const MAX_TRIPS = 250

/** What the fields of one request share. */
export type GraphqlContext = Readonly<{
  c: Context<AppEnv>
  /** Who asks. What an operation is for some roles only, it asks in a scope of its own. */
  scope: Scope
  /** Where this service is reached, as the client has it. */
  origin: string
  /** @throws Refused to a request that wants more of the database than one may */
  trip: () => void
  studies: DataLoader<StudyId, Study | undefined>
  versions: VersionLoader
}>

/** For which request a field is asked, and where in it. */
export type Asking = Readonly<{ context: GraphqlContext; info: GraphQLResolveInfo }>

/** The host that the client has asked, by the scheme that it has used. */
function originOf(c: Context<AppEnv>): string {
  const { protocol, host } = new URL(c.req.url)
  return `${protocol}//${c.req.header('Host') ?? host}`
}

/** What of a study the caller may be told; undefined: nothing. */
async function studyOrNothing(scope: Scope, id: StudyId): Promise<Study | undefined> {
  try {
    return await getStudy(scope, id)
  } catch (failure) {
    if (failedWith(failure, 'study_not_found', 'forbidden')) return undefined
    throw failure
  }
}

/** Made anew for each request, which it counts the trips of. */
export function contextOf(c: Context<AppEnv>): GraphqlContext {
  const scope = scopeOf(c)
  let trips = 0
  const trip = () => {
    trips += 1
    if (trips > MAX_TRIPS) throw askedWrongly('This asks for too many things at once. Ask in several requests.')
  }
  return {
    c,
    scope,
    origin: originOf(c),
    trip,
    studies: new DataLoader(async (ids) =>
      Promise.all(
        ids.map(async (id) => {
          trip()
          return studyOrNothing(scope, id)
        }),
      ),
    ),
    versions: createVersionLoader(scope, trip),
  }
}

/** Nobody is told anything who shows nothing, also not what everyone may read. @throws DomainError `unauthenticated` */
export function requireCaller({ scope }: GraphqlContext): void {
  if (scope.credential.kind === 'anonymous') throw unauthenticated()
}
