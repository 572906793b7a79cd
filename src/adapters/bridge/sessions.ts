import { type Context, Hono } from 'hono'
import { z } from 'zod'
import type { AccountName, SignedIn } from '../../domain/sessions.ts'
import { renewSession, signIn, signOut } from '../../domain/sessions.ts'
import { accountNotFound, DomainError } from '../../model/errors.ts'
import type { StudyId } from '../../model/ids.ts'
import type { Role } from '../../model/principal.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { StudyIdText } from '../../wire/shapes.ts'
import { studyOf } from '../../wire/studies.ts'
import { tell, tellMessage } from './answers.ts'
import { fieldsOf, isBlank, readBody, Text } from './bodies.ts'
import { badRequest, type Faults, InvalidEntity, Unsupported } from './errors.ts'
import { deprecated } from './headers.ts'
import { isConsented, presentSession } from './session-info.ts'

const Phone = z
  .object({ number: Text, regionCode: Text })
  .nullish()
  .transform((phone) => phone ?? undefined)

const SignIn = z
  .object({
    appId: Text,
    study: Text,
    email: Text,
    username: Text,
    phone: Phone,
    externalId: Text,
    password: Text,
    reauthToken: Text,
  })
  .transform(({ study, username, ...fields }) => ({
    ...fields,
    appId: fields.appId ?? study,
    email: fields.email ?? username,
  }))
type SignIn = z.infer<typeof SignIn>

/** What an account goes by; upstream has it that there is one of them. */
function namesIn({ email, phone, externalId }: SignIn): AccountName[] {
  return [
    ...(isBlank(email) ? [] : [{ kind: 'email', email } as const]),
    ...(phone === undefined ? [] : [{ kind: 'phone', phone: phone.number ?? '' } as const]),
    ...(isBlank(externalId) ? [] : [{ kind: 'externalId', externalId } as const]),
  ]
}

/** How many names, and what they look like. */
function faultsOfNames(names: readonly AccountName[]): Faults {
  const badPhone = names.some((name) => name.kind === 'phone' && !/\d/.test(name.phone))
  return {
    ...(names.length === 0 && { SignIn: ['email, phone, or external ID is required'] }),
    ...(names.length > 1 && { SignIn: ['only provide one of email, phone, or external ID'] }),
    ...(badPhone && { phone: ['does not appear to be a phone number'] }),
  }
}

/** What was understood is told again, but for what is secret. */
const entityOf = ({ appId, email, phone, externalId }: SignIn) =>
  JSON.stringify({ appId, email, phone, externalId, type: 'SignIn' })

/** @throws InvalidEntity in Bridge's words; DomainError `account_not_found` for what is no app's id */
function credentialsIn(
  asked: SignIn,
  secret: 'password' | 'reauthToken',
): { study: StudyId; name: AccountName; secret: string } {
  const names = namesIn(asked)
  const [name] = names
  const shown = asked[secret]
  const faults = {
    ...faultsOfNames(names),
    ...(isBlank(asked.appId) && { appId: ['is required'] }),
    ...(isBlank(shown) && { [secret]: ['is required'] }),
  }
  if (Object.keys(faults).length > 0 || name === undefined || isBlank(shown)) {
    throw new InvalidEntity('SignIn', faults, entityOf(asked))
  }
  const study = StudyIdText.safeParse(asked.appId)
  if (!study.success) throw accountNotFound()
  return { study: study.data, name, secret: shown }
}

/** A session that was just given. Of who has no role, it is told that the consent is missing; the session is good. */
function tellSignedIn(c: Context<AppEnv>, { account, token, renewal }: SignedIn): Response {
  const isLetIn = account.principal.role !== 'participant' || isConsented(account)
  return tell(c, presentSession(account, { token, renewal, origin: c.req.url }), { status: isLetIn ? 200 : 412 })
}

/** `admits`: to whom a session is given at all. */
async function tellSignIn(c: Context<AppEnv>, admits: readonly Role[]): Promise<Response> {
  const asked = fieldsOf(await readBody(c), SignIn)
  const { study, name, secret } = credentialsIn(asked, 'password')
  return tellSignedIn(c, await signIn(scopeOf(c, { admits }), study, { name, password: secret }))
}

const ACCOUNTS = ['participant', 'staff', 'worker', 'admin'] as const

async function tellReauth(c: Context<AppEnv>): Promise<Response> {
  const asked = fieldsOf(await readBody(c), SignIn)
  if (isBlank(asked.appId)) throw badRequest('App ID is required.')
  const { study, name, secret } = credentialsIn(asked, 'reauthToken')
  const scope = { ...scopeOf(c, { admits: ACCOUNTS }), door: 'bridge' } as const
  return tellSignedIn(c, await renewSession(scope, study, { name, secret }))
}

/** Whether there was somebody to sign out. */
async function endSession(c: Context<AppEnv>): Promise<boolean> {
  try {
    await signOut(scopeOf(c), await studyOf(c))
    return true
  } catch (failure) {
    if (failure instanceof DomainError && failure.code === 'unauthenticated') return false
    throw failure
  }
}

async function tellSignOut(c: Context<AppEnv>): Promise<Response> {
  c.header('Clear-Site-Data', '"cache", "cookies", "storage", "executionContexts"')
  if (!(await endSession(c))) throw badRequest('Not signed in')
  return tellMessage(c, 'Signed out.')
}

async function tellSignOutAlways(c: Context<AppEnv>): Promise<Response> {
  await endSession(c)
  return tellMessage(c, 'Signed out.')
}

/** Upstream refuses in this way what an app has not switched on. */
const UNSUPPORTED = {
  '/v3/auth/email': 'Email-based sign in is not enabled. Sign in with a password, which is a key of the account.',
  '/v3/auth/email/signIn':
    'Email-based sign in is not enabled. Sign in with a password, which is a key of the account.',
  '/v3/auth/phone': 'Phone-based sign in is not enabled. Sign in with a password, which is a key of the account.',
  '/v3/auth/phone/signIn':
    'Phone-based sign in is not enabled. Sign in with a password, which is a key of the account.',
  '/v3/auth/oauth/signIn': 'OAuth sign in is not enabled. Sign in with a password, which is a key of the account.',
  '/v3/auth/app': 'An account is of one app. Sign in to the other one with a key of it.',
  '/v3/auth/study': 'An account is of one app. Sign in to the other one with a key of it.',
} as const

export const sessions = new Hono<AppEnv>()
  .post('/v4/auth/signIn', async (c) => tellSignIn(c, ACCOUNTS))
  .post('/v3/auth/signIn', deprecated, async (c) => tellSignIn(c, ACCOUNTS))
  .post('/api/v1/auth/signIn', deprecated, async (c) => tellSignIn(c, ACCOUNTS))
  .post('/v3/auth/admin/signIn', async (c) => tellSignIn(c, ['admin']))
  .post('/v3/auth/reauth', async (c) => tellReauth(c))
  .post('/v4/auth/signOut', async (c) => tellSignOut(c))
  .post('/v3/auth/signOut', deprecated, async (c) => tellSignOutAlways(c))
  .get('/api/v1/auth/signOut', deprecated, async (c) => tellSignOutAlways(c))

for (const [path, message] of Object.entries(UNSUPPORTED)) {
  sessions.post(path, () => {
    throw new Unsupported(message)
  })
}
