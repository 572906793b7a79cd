import type { Context } from 'hono'
import {
  type Account,
  type AccountName,
  beginApplicationSession,
  beginSession,
  getAccount,
} from '../../domain/sessions.ts'
import { accountNotFound } from '../../model/errors.ts'
import { runtimeOf } from '../../runtime.ts'
import type { AppEnv } from '../../wire/context.ts'
import { mayGuess } from '../../wire/rate-limits.ts'
import { text } from '../../wire/shapes.ts'
import { type Call, LIVES, open, operation, TOKEN_HEADER } from './access.ts'
import { tell } from './answers.ts'
import { badRequest, unsupported } from './errors.ts'
import { publicKeyOf, signToken } from './tokens.ts'

const PATH = '/users/access_token'

/** Whatever a file's source can be. */
const ApplicationName = text(255)

/** A header's value, which clients send as part of a URL; undefined for what is none, and where there is none. */
function headerOf(c: Context<AppEnv>, name: string): string | undefined {
  const value = c.req.header(name)
  try {
    return value === undefined || value === '' ? undefined : decodeURIComponent(value)
  } catch {
    throw accountNotFound()
  }
}

/** What a name may mean: whatever somebody goes by or, to the owner, the name of the HAT. */
function namesOf(username: string, { owner, host }: Call): AccountName[] {
  const [hat] = host.split('.', 1)
  return [
    { kind: 'email', email: username },
    { kind: 'phone', phone: username },
    { kind: 'externalId', externalId: username },
    { kind: 'id', id: username },
    ...(username === hat ? [{ kind: 'id', id: owner } as const] : []),
  ]
}

const userIdOf = ({ participant, member }: Account): string => {
  const person = participant ?? member
  // A key that acts for nobody has no name to sign in with.
  if (person === undefined) throw accountNotFound()
  return person.id
}

/** A token for a name and a password, which is an API key: of the owner, or of another user of the same study. */
export const accessToken = open(async (c, call) => {
  if (!(await mayGuess(c, 'sign-in'))) {
    const cause = 'Rate of requests from your IP exceeded'
    return tell(
      c,
      { message: 'Request rate exceeded', cause, details: [`Request to ${PATH}`] },
      { status: 400, headers: { 'Retry-After': '60' } },
    )
  }
  const [username, password] = [headerOf(c, 'username'), headerOf(c, 'password')]
  if (username === undefined || password === undefined) {
    const cause = 'No username or password provided to retrieve token'
    return tell(c, { message: 'Credentials required', cause }, { status: 401 })
  }
  const { scope, study, owner, host } = call
  const names = namesOf(username, call)
  const { account, session, token } = await beginSession(scope, study, { names, password, lives: LIVES })
  const userId = userIdOf(account)
  const signed = await signToken(runtimeOf(c.env).settings, {
    host,
    userId,
    accessScope: account.participant?.id === owner ? 'owner' : 'user',
    application: undefined,
    session: token,
    issuedAt: scope.now,
    endsAt: new Date(session.createdAt.getTime() + LIVES.seconds * 1000),
  })
  return tell(c, { accessToken: signed, userId }, { headers: { [TOKEN_HEADER]: signed } })
})

export const validate = operation(async (c, { scope, study }) => {
  await getAccount(scope, study)
  return tell(c, { message: 'Authenticated' })
})

/**
 * A token for an application that the owner names: it opens their files whose source is just that name. Upstream an
 * application that may manage one source can have the files of every other, too.
 */
const applicationTokenFor = (nameIn: (c: Context<AppEnv>) => string | undefined) =>
  operation(async (c, { scope, study, owner, host }) => {
    const name = ApplicationName.safeParse(nameIn(c))
    if (!name.success) throw badRequest('Parameter name has to be the name of an application: 1 to 255 characters.')
    const asked = { owner, source: name.data, lives: LIVES }
    const { session, token } = await beginApplicationSession(scope, study, asked)
    const signed = await signToken(runtimeOf(c.env).settings, {
      host,
      userId: owner,
      accessScope: 'application',
      application: name.data,
      session: token,
      issuedAt: scope.now,
      endsAt: new Date(session.createdAt.getTime() + LIVES.seconds * 1000),
    })
    return tell(c, { accessToken: signed })
  })

export const applicationToken = applicationTokenFor((c) => c.req.query('name'))
export const accessTokenOf = applicationTokenFor((c) => c.req.param('id'))

export const contract = open(() => {
  throw unsupported('There are no data debits or contracts here. Share the file with a user instead.')
})

export const publicKey = open(async (c) =>
  c.text(await publicKeyOf(runtimeOf(c.env).settings), 200, { 'Cache-Control': 'public, max-age=300' }),
)
