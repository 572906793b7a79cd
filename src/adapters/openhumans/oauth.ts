import type { Context, Handler } from 'hono'
import { getApiKey } from '../../domain/api-keys.ts'
import { credentialOfKey } from '../../domain/credentials.ts'
import { exchangeEnrolmentCode } from '../../domain/enrolment-codes.ts'
import type { SignedIn } from '../../domain/sessions.ts'
import { beginSession, rotateSession } from '../../domain/token-sessions.ts'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ApiKey } from '../../model/entities.ts'
import { DomainError, type ErrorCode } from '../../model/errors.ts'
import type { StudyId } from '../../model/ids.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { limitCallers, limitEnrolments } from '../../wire/rate-limits.ts'
import { studyOf } from '../../wire/studies.ts'
import { tell, tellHtml } from './answers.ts'
import { renderFailure } from './errors.ts'
import { type Fields, readFields, textOf } from './fields.ts'

// OAuth 2 (RFC 6749) as Open Humans' clients speak it. Nobody signs in here: the code that an app exchanges is one that
// the study has given to the participant, and the app is known by a key of the study's.

/** What upstream's tokens live, and its clients are written for. */
const TOKEN_SECONDS = 36_000

/** Of RFC 6749 section 5.2. */
type Fault = 'invalid_request' | 'invalid_client' | 'invalid_grant' | 'unsupported_grant_type'

class Denied extends Error {
  override readonly name = 'Denied'
  readonly fault: Fault
  constructor(fault: Fault, message: string) {
    super(message)
    this.fault = fault
  }
}

type Client = Readonly<{ study: StudyId; studyNumber: number; key: ApiKey; secret: string }>

function basicOf(c: Context<AppEnv>): { id: string; secret: string } | undefined {
  const [, encoded] = /^basic +([\w+/=-]+) *$/i.exec(c.req.header('Authorization') ?? '') ?? []
  if (encoded === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))
    const pair = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const colon = pair.indexOf(':')
    return colon === -1 ? undefined : { id: pair.slice(0, colon), secret: pair.slice(colon + 1) }
  } catch {
    return undefined
  }
}

/** As RFC 6749 section 2.3.1 has it encoded, and as most clients do not. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

const unknownClient = () =>
  new Denied('invalid_client', 'client_secret is a key of a worker or an admin of the study, client_id its label.')

/** The app that asks: a key of the team's, by its label or id. */
async function clientOf(c: Context<AppEnv>, fields: Fields): Promise<Client> {
  const { id, secret } = basicOf(c) ?? { id: textOf(fields, 'client_id'), secret: textOf(fields, 'client_secret') }
  const credential = await credentialOfKey(secret ?? '')
  if (credential === undefined || id === undefined || secret === undefined) throw unknownClient()
  c.set('credential', credential)
  await limitCallers(c, async () => undefined)
  const study = await studyOf(c)
  const key = await getApiKey(scopeOf(c, { admits: ['worker', 'admin'] }), study, 'self')
  if (![key.label, key.id].some((name) => name === id || name === decoded(id))) throw unknownClient()
  return { study, studyNumber: credential.studyNumber, key, secret }
}

/** The same for the same code by the same app: an exchange whose answer was lost is repeated. */
async function nonceOf({ key, secret }: Client, code: string): Promise<string> {
  const said = new TextEncoder().encode(`${key.id} ${secret} ${code}`)
  const digest = await crypto.subtle.digest('SHA-256', said)
  return new Uint8Array(digest).toHex()
}

async function exchange(c: Context<AppEnv>, client: Client, code: string): Promise<SignedIn> {
  await limitEnrolments(c, async () => undefined)
  const { study, studyNumber } = client
  const nonce = await nonceOf(client, code)
  const { secret } = await exchangeEnrolmentCode(scopeOf(c), { code, nonce, studyNumber })
  return beginSession(scopeOf(c), study, { key: secret ?? '', seconds: TOKEN_SECONDS })
}

async function grant(c: Context<AppEnv>, fields: Fields): Promise<SignedIn> {
  const kind = textOf(fields, 'grant_type')
  if (kind === undefined) throw new Denied('invalid_request', 'grant_type is missing.')
  const client = await clientOf(c, fields)
  const required = (name: string): string => {
    const said = textOf(fields, name)
    if (said === undefined) throw new Denied('invalid_request', `${name} is missing.`)
    return said
  }
  if (kind === 'authorization_code') return exchange(c, client, required('code'))
  if (kind !== 'refresh_token') {
    throw new Denied('unsupported_grant_type', 'grant_type is authorization_code or refresh_token.')
  }
  const scope = { ...scopeOf(c), door: 'openhumans' as const }
  return rotateSession(scope, client.study, { secret: required('refresh_token'), seconds: TOKEN_SECONDS })
}

/** What of Carrel's refusals are OAuth's. */
const FAULTS: Readonly<Partial<Record<ErrorCode, Fault>>> = {
  unauthenticated: 'invalid_client',
  forbidden: 'invalid_client',
  key_not_found: 'invalid_client',
  account_not_found: 'invalid_grant',
  enrolment_code_not_found: 'invalid_grant',
  enrolment_code_spent: 'invalid_grant',
  participant_withdrawn: 'invalid_grant',
  malformed_json: 'invalid_request',
  content_type_unsupported: 'invalid_request',
  body_too_large: 'invalid_request',
}

function faultOf(failure: unknown): { fault: Fault; why: string } | undefined {
  if (failure instanceof Denied) return { fault: failure.fault, why: failure.message }
  const fault = failure instanceof DomainError ? FAULTS[failure.code] : undefined
  return fault && { fault, why: fault === 'invalid_client' ? unknownClient().message : WHY[fault] }
}

const WHY: Readonly<Record<Exclude<Fault, 'invalid_client'>, string>> = {
  invalid_request: 'The body is not one that can be read.',
  invalid_grant: 'The code or token is unknown, was used, or has ended.',
  unsupported_grant_type: '',
}

function tellFault(c: Context<AppEnv>, { fault, why }: { fault: Fault; why: string }): Response {
  const status: ContentfulStatusCode = fault === 'invalid_client' ? 401 : 400
  if (status === 401) c.header('WWW-Authenticate', 'Basic realm="api"')
  return tell(c, { error: fault, error_description: why }, status)
}

/** A token for a code or for what renews one. */
export const token: Handler<AppEnv> = async (c) => {
  try {
    const { token: access, renewal } = await grant(c, await readFields(c))
    c.header('Pragma', 'no-cache')
    return tell(c, {
      access_token: access,
      expires_in: TOKEN_SECONDS,
      token_type: 'Bearer',
      scope: 'read write',
      refresh_token: renewal,
    })
  } catch (failure) {
    const fault = faultOf(failure)
    return fault === undefined ? renderFailure(failure, c) : tellFault(c, fault)
  }
}

/** Where a browser is sent to sign in, and cannot. */
export const authorize: Handler<AppEnv> = (c) =>
  tellHtml(
    c,
    '<!doctype html><meta charset="utf-8"><title>Connect an app</title><h1>Ask your study for a code</h1>' +
      '<p>There is no sign-in here. The study gives you a code; type it into the app, which exchanges it for access.</p>',
  )
