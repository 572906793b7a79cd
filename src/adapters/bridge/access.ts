import type { Context, Handler, MiddlewareHandler } from 'hono'
import type { Scope } from '../../domain/scope.ts'
import { getAccount } from '../../domain/sessions.ts'
import { accountNotFound, DomainError, type ErrorCode } from '../../model/errors.ts'
import type { ParticipantId, StudyId } from '../../model/ids.ts'
import type { Principal, Role } from '../../model/principal.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { credentialIn } from '../../wire/credentials.ts'
import { recordRefusal } from '../../wire/refusals.ts'
import { ParticipantIdText, StudyIdText } from '../../wire/shapes.ts'
import { studyOf } from '../../wire/studies.ts'
import { tell } from './answers.ts'
import { renderFailure } from './errors.ts'
import { presentSession } from './session-info.ts'

export type BridgeRole =
  | 'worker'
  | 'admin'
  | 'developer'
  | 'researcher'
  | 'study_coordinator'
  | 'study_designer'
  | 'org_admin'

/** What each role passes for: an admin for all of the team, but not for a worker. */
const PASSES_AS: Readonly<Partial<Record<Role, readonly BridgeRole[]>>> = {
  worker: ['worker'],
  admin: ['admin', 'developer', 'researcher', 'study_coordinator', 'study_designer', 'org_admin'],
  staff: ['researcher', 'study_coordinator', 'study_designer'],
}

/** Whom an operation is for: the roles, and whether a consent is asked for. */
export type Audience = Readonly<{ admits: readonly Role[] | undefined; needsConsent: boolean }>

/** Whoever has an account. */
export const SIGNED_IN: Audience = { admits: ['participant', 'staff', 'worker', 'admin'], needsConsent: false }
/** A participant who takes part. */
export const CONSENTED: Audience = { admits: ['participant'], needsConsent: true }
/** Also who shows nothing; the app is the one in the path, and what is shown is not looked at. */
export const ANYONE: Audience = { admits: undefined, needsConsent: false }
/** Whoever passes for one of these. */
export const forRoles = (...roles: readonly BridgeRole[]): Audience => ({
  admits: (['staff', 'worker', 'admin'] as const).filter((role) =>
    PASSES_AS[role]?.some((passed) => roles.includes(passed)),
  ),
  needsConsent: false,
})

const SESSION_HEADER = 'Bridge-Session'

/** A session, or a key in place of one. Anything else is nobody: sign-ins are made with what has long expired. */
export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const credential = await credentialIn(shownBy(c))
  if (credential !== undefined) c.set('credential', credential)
  await next()
}

const shownBy = (c: Context<AppEnv>): string => c.req.header(SESSION_HEADER)?.trim() ?? ''

/** An operation's caller, judged where the scope is first used. */
export type Caller = Readonly<{ scope: Scope; study: StudyId }>
type Verb = (c: Context<AppEnv>, caller: Caller) => Promise<Response>

/**
 * A call that is for an audience. Who makes it is judged before what they say: a caller who is not let in is told that,
 * whatever else is wrong.
 */
export const operation =
  (audience: Audience, verb: Verb): Handler<AppEnv> =>
  async (c) => {
    if (audience === ANYONE) c.set('credential', { kind: 'anonymous' })
    const scope = scopeOf(c, { admits: audience.admits, requiresActive: audience.needsConsent })
    const study = audience === ANYONE ? studyInPath(c) : await studyOf(c)
    try {
      const app = c.req.param('appId')
      if (app !== undefined && app !== study) throw accountNotFound()
      return await verb(c, { scope, study })
    } catch (failure) {
      return refuse(c, { scope, study }, { audience, failure })
    }
  }

/** @throws DomainError `account_not_found` for what is no app's id */
function studyInPath(c: Context<AppEnv>): StudyId {
  const app = StudyIdText.safeParse(c.req.param('appId'))
  if (!app.success) throw accountNotFound()
  return app.data
}

/** Not the caller's doing, whoever they are; and what is known of nobody. */
const REGARDLESS: readonly ErrorCode[] = ['internal', 'misconfigured', 'overloaded', 'unauthenticated']

const hasConsent = (principal: Principal | undefined) =>
  principal?.role === 'participant' && principal.status === 'active'

/** Whether it is for want of a consent: the operation asks for one, or what it writes does, of one who has left. */
const lacksConsent = ({ needsConsent }: Audience, { code }: DomainError, principal: Principal | undefined): boolean =>
  !hasConsent(principal) && (needsConsent || (code === 'participant_withdrawn' && principal?.role === 'participant'))

async function refuse(
  c: Context<AppEnv>,
  { scope, study }: Caller,
  { audience, failure }: { audience: Audience; failure: unknown },
): Promise<Response> {
  if (!(failure instanceof DomainError) || REGARDLESS.includes(failure.code) || audience === ANYONE) throw failure
  const why = c.var.principal === undefined ? await whyNotLetIn(scope, study) : undefined
  if (!lacksConsent(audience, failure, c.var.principal)) throw why ?? failure
  // Clients take this for a session, and ask the person for their consent. A key for downloads is nobody's account.
  const account = await getAccount(scopeOf(c, { admits: SIGNED_IN.admits }), study)
  noteRefusal(c, why ?? failure)
  return tell(c, presentSession(account, { token: shownBy(c), origin: c.req.url }), { status: 412 })
}

/** Whether the caller would have been let in at all, where something was refused before anyone asked. */
async function whyNotLetIn(scope: Scope, study: StudyId): Promise<DomainError | undefined> {
  try {
    await getAccount(scope, study)
    return undefined
  } catch (failure) {
    if (failure instanceof DomainError && !REGARDLESS.includes(failure.code)) return failure
    throw failure
  }
}

/** What the path names goes on record, as far as Carrel made or knows the name. */
function noteRefusal(c: Context<AppEnv>, failure: unknown): void {
  const { userId, ...others } = c.req.param() as Record<string, string | undefined> // the route's own
  recordRefusal(c, failure, {
    participant: /\/self(\/|$)/.test(c.req.path) ? 'me' : ParticipantIdText.safeParse(userId).data,
    values: Object.values(others).flatMap((value) => value ?? []),
  })
}

/** Bridge's envelope for anything that was thrown; that a known caller was refused goes on record. */
export function renderRefusal(failure: unknown, c: Context<AppEnv>): Response {
  noteRefusal(c, failure)
  return renderFailure(failure, c)
}

/**
 * The account that a path names.
 * @throws DomainError `account_not_found` for what is nobody's id
 */
export function accountInPath(c: Context<AppEnv>): ParticipantId {
  const id = ParticipantIdText.safeParse(c.req.param('userId'))
  if (!id.success) throw accountNotFound()
  return id.data
}
