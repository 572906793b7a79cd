import { type Context, Hono } from 'hono'
import { actForParticipant, exchangeAssertion } from '../../domain/service-accounts.ts'
import { participantNotFound } from '../../model/errors.ts'
import { runtimeOf } from '../../runtime.ts'
import { limitBytes } from '../../wire/body.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { credentialOfSecret } from '../../wire/credentials.ts'
import { limitCallers } from '../../wire/rate-limits.ts'
import { OAuthRefusal, type OAuthToken, renderOAuthRefusal, tellToken } from './oauth.ts'
import { TOKEN } from './paths.ts'
import { participantOf } from './queries.ts'
import { delegatedScope, serviceScope } from './scopes.ts'

const MAX_FORM_BYTES = 64 * 1024
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const DELEGATED_CLIENTS = ['MyDataHelps.DelegatedParticipant', 'RKStudio.DelegatedParticipant']
/** As every client sends it: it is no secret. */
const DELEGATED_CLIENT_SECRET = 'secret'

type Form = Readonly<Record<string, string>>

/** RFC 6749 sections 3.2 and 5.2: what is said twice is refused, and what is said with nothing is not said. */
async function formOf(c: Context<AppEnv>): Promise<Form> {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    throw new OAuthRefusal('invalid_request', 'Send a form, as `application/x-www-form-urlencoded`.')
  }
  // The platform warns of a form that is asked for as text.
  const fields = [...new URLSearchParams(new TextDecoder().decode(await c.req.arrayBuffer()))]
  const form = Object.fromEntries(fields.filter(([, value]) => value !== ''))
  if (new Set(fields.map(([name]) => name)).size < fields.length) {
    throw new OAuthRefusal('invalid_request', 'A field is there more than once.')
  }
  return form
}

function required(form: Form, name: string): string {
  const value = form[name]
  if (value === undefined) throw new OAuthRefusal('invalid_request', `\`${name}\` must be there.`)
  return value
}

/** A service account's own token, for what it has signed. */
async function giveServiceToken(c: Context<AppEnv>, form: Form): Promise<OAuthToken> {
  if (required(form, 'client_assertion_type') !== ASSERTION_TYPE) {
    throw new OAuthRefusal('invalid_request', `\`client_assertion_type\` must be \`${ASSERTION_TYPE}\`.`)
  }
  const assertion = required(form, 'client_assertion')
  const scope = serviceScope(form['scope'])
  const audiences = [...runtimeOf(c.env).settings.tokenAudiences, new URL(c.req.url).origin + TOKEN]
  const given = await exchangeAssertion({ ...scopeOf(c), door: 'mydatahelps' }, { assertion, audiences })
  return { ...given, scope }
}

/** A token that acts for a participant, for a service account's own. */
async function giveDelegatedToken(c: Context<AppEnv>, form: Form): Promise<OAuthToken> {
  const client = required(form, 'client_id')
  if (!DELEGATED_CLIENTS.includes(client) || required(form, 'client_secret') !== DELEGATED_CLIENT_SECRET) {
    throw new OAuthRefusal(
      'invalid_client',
      `\`client_id\` must be \`${DELEGATED_CLIENTS[0]}\`, and \`client_secret\` the word \`secret\`.`,
    )
  }
  const { scope, reach } = delegatedScope(form['scope'])
  const id = required(form, 'participant_id')
  c.set('credential', await credentialOfSecret(required(form, 'token')))
  const participant = participantOf(id)
  if (participant === undefined) throw participantNotFound()
  const given = await actForParticipant(scopeOf(c), { participant, reach })
  return { ...given, scope }
}

async function give(c: Context<AppEnv>): Promise<OAuthToken> {
  const form = await formOf(c)
  const grant = required(form, 'grant_type')
  switch (grant) {
    case 'client_credentials':
      return giveServiceToken(c, form)
    case 'delegated_participant':
      return giveDelegatedToken(c, form)
    default:
      throw new OAuthRefusal(
        'unsupported_grant_type',
        '`grant_type` must be `client_credentials` or `delegated_participant`.',
      )
  }
}

export const token = new Hono<AppEnv>()
  .post(TOKEN, limitCallers, limitBytes(MAX_FORM_BYTES), async (c) => tellToken(c, await give(c)))
  .onError(renderOAuthRefusal)
