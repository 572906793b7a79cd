import type { Context, Handler } from 'hono'
import { findMember } from '../../domain/member-files.ts'
import { hasExpired } from '../../domain/identity.ts'
import type { Scope } from '../../domain/scope.ts'
import type { Participant } from '../../model/entities.ts'
import { DomainError } from '../../model/errors.ts'
import type { StudyId } from '../../model/ids.ts'
import type { Principal, Role } from '../../model/principal.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { credentialOfSecret } from '../../wire/credentials.ts'
import { limitCallers } from '../../wire/rate-limits.ts'
import { recordRefusal } from '../../wire/refusals.ts'
import { studyOf } from '../../wire/studies.ts'
import {
  expiredToken,
  type Faults,
  invalidHeader,
  invalidToken,
  noSuchMember,
  noToken,
  renderFailure,
  requireFaultless,
} from './errors.ts'
import { type Fields, readFields, textOf } from './fields.ts'
import { REQUIRED } from './metadata.ts'

/** Whose token a call takes: a project's own, which is a key of a worker or an admin, or also a member's. */
const MASTER: readonly Role[] = ['worker', 'admin']
const EITHER: readonly Role[] = ['participant', ...MASTER]

/** Who calls, and what they have sent. */
export type Caller = Readonly<{ scope: Scope; study: StudyId; fields: Fields }>
type Verb = (c: Context<AppEnv>, caller: Caller) => Promise<Response>

/** A token, from where clients put it; of several, the first counts. @throws Refused where there is none */
function tokenOf(c: Context<AppEnv>, fields: Fields): string {
  const inQuery = c.req.query('access_token')
  if (inQuery !== undefined && inQuery !== '') return inQuery
  const [scheme = '', token, ...more] = (c.req.header('Authorization') ?? '').trim().split(/\s+/)
  if (scheme.toLowerCase() === 'bearer') {
    if (token === undefined) throw invalidHeader('No credentials provided.')
    if (more.length > 0) throw invalidHeader('Token string should not contain spaces.')
    return token
  }
  const inBody = textOf(fields, 'access_token')
  if (inBody === undefined) throw noToken()
  return inBody
}

/** Who calls, by their token; what it opens is found out where it is used. */
async function callerOf(c: Context<AppEnv>, fields: Fields, admits: readonly Role[]): Promise<Caller> {
  c.set('credential', await credentialOfSecret(tokenOf(c, fields)))
  await limitCallers(c, async () => undefined)
  const study = await studyOf(c)
  return { scope: scopeOf(c, { admits, requiresActive: true }), study, fields }
}

/** The token was good until its time was over, or is of nobody whom the call lets in. */
async function asRefusal(c: Context<AppEnv>, failure: unknown, admits: readonly Role[]): Promise<unknown> {
  if (!(failure instanceof DomainError)) return failure
  const { principal } = c.var
  if (failure.code === 'forbidden' && principal !== undefined && !admits.includes(principal.role)) return invalidToken()
  if (failure.code === 'unauthenticated' && (await hasExpired(scopeOf(c)))) return expiredToken()
  return failure
}

const operation =
  (admits: readonly Role[], fieldsOf: (c: Context<AppEnv>) => Promise<Fields>) =>
  (verb: Verb): Handler<AppEnv> =>
  async (c) => {
    try {
      return await verb(c, await callerOf(c, await fieldsOf(c), admits))
    } catch (failure) {
      throw await asRefusal(c, failure, admits)
    }
  }

const nothing = async (): Promise<Fields> => new Map<string, unknown>()

/** What is read, by the project alone or by a member too. */
export const readingAsProject = operation(MASTER, nothing)
export const reading = operation(EITHER, nothing)
/** What is asked for in a body. */
export const posting = operation(EITHER, readFields)

/** The same for a call that reads its body itself, and then says what it found in front of it. */
export const receiving =
  (verb: (c: Context<AppEnv>, callerBy: (fields: Fields) => Promise<Caller>) => Promise<Response>): Handler<AppEnv> =>
  async (c) => {
    try {
      return await verb(c, async (fields) => callerOf(c, fields, EITHER))
    } catch (failure) {
      throw await asRefusal(c, failure, EITHER)
    }
  }

/** Eight digits, as every member has; undefined: nobody's. */
export const memberNumber = (said: string | undefined): number | undefined =>
  said !== undefined && /^\d{8}$/.test(said) ? Number(said) : undefined

export type Asked = Readonly<{ principal: Principal; member: Participant }>

/**
 * The member that a call is about: with a member's own token that one, whatever else is said.
 * @throws Refused for a field that is wrong, all of them at once; then for somebody who is no member
 */
export async function memberFor({ scope, study, fields }: Caller, faults: Faults): Promise<Asked> {
  const said = textOf(fields, 'project_member_id')
  const { principal, member } = await findMember(scope, study, memberNumber(said))
  const isMissing = principal.role !== 'participant' && said === undefined
  requireFaultless({ ...(isMissing ? { project_member_id: [REQUIRED] } : {}), ...faults })
  if (member === undefined) throw noSuchMember()
  return { principal, member }
}

/** In Open Humans' words; that a known caller was refused goes on record. */
export function renderRefusal(failure: unknown, c: Context<AppEnv>): Response {
  recordRefusal(c, failure)
  return renderFailure(failure, c)
}
