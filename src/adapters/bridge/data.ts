import { type Context, Hono } from 'hono'
import {
  deleteDocument,
  deleteDocuments,
  type DocumentName,
  getDocument,
  listDocuments,
  type Precondition,
  putDocument,
} from '../../domain/documents.ts'
import { getParticipant } from '../../domain/participants.ts'
import type { Scope } from '../../domain/scope.ts'
import { memberOf } from '../../json-text.ts'
import { DomainError, participantWithdrawn } from '../../model/errors.ts'
import type { Identifier, ParticipantId, StudyId } from '../../model/ids.ts'
import { mapPage } from '../../model/page.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { IdentifierText } from '../../wire/shapes.ts'
import { accountInPath, type Caller, CONSENTED, forRoles, operation } from './access.ts'
import { tell, tellMessage, tellText } from './answers.ts'
import { readBody } from './bodies.ts'
import { badRequest } from './errors.ts'
import { pageAsked, presentPage } from './paging.ts'

// Participant data: a JSON value under an identifier, a document to Carrel.

type Owner = ParticipantId | 'me'
type Answering = (c: Context<AppEnv>, caller: Caller, owner: Owner) => Promise<Response>

/** A call on one's own data. */
const own = (answer: Answering) => operation(CONSENTED, async (c, caller) => answer(c, caller, 'me'))
/** The same on a participant's. Of somebody who is not there, that is all that is told. */
const by = (
  role: 'worker' | 'admin',
  answer: (c: Context<AppEnv>, caller: Caller, owner: ParticipantId) => Promise<Response>,
) =>
  operation(forRoles(role), async (c, caller) => {
    const participant = accountInPath(c)
    try {
      return await answer(c, caller, participant)
    } catch (failure) {
      if (isMissing(failure)) await getParticipant(caller.scope, caller.study, participant)
      throw failure
    }
  })

const isMissing = (failure: unknown) => failure instanceof DomainError && failure.code === 'document_not_found'

function identifierInPath(c: Context<AppEnv>): Identifier {
  const identifier = IdentifierText.safeParse(c.req.param('identifier'))
  if (!identifier.success) throw badRequest('identifier may have 255 characters at most, and no control characters.')
  return identifier.data
}

const nameOf = (c: Context<AppEnv>, participant: Owner): DocumentName => ({
  participant,
  identifier: identifierInPath(c),
})

/** 32 lower-case hex digits without quotes, as upstream has it: clients send back just what they were given. */
async function etagOf(etag: string): Promise<string> {
  const digest = await crypto.subtle.digest('MD5', new TextEncoder().encode(etag))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Also what clients make of an ETag that know that it has quotes. */
const names = (header: string | undefined, etag: string) =>
  header !== undefined && [etag, `"${etag}"`, `W/"${etag}"`].includes(header.trim())

async function tellList(c: Context<AppEnv>, { scope, study }: Caller, participant: Owner): Promise<Response> {
  const { page } = pageAsked(c)
  const found = await listDocuments(scope, study, { participant, prefix: '', page })
  const identifiers = mapPage(found, ({ identifier }) => identifier)
  if (identifiers.items.length === 0 && participant !== 'me') await getParticipant(scope, study, participant)
  return tell(c, {
    ...presentPage(identifiers),
    // What current clients read is above; these are what it was called before.
    offsetKey: identifiers.nextCursor,
    total: identifiers.items.length === 0 ? null : identifiers.items.length,
  })
}

/** The value as it was put: parsing it and writing it again would not give the same digits. */
function tellData(c: Context<AppEnv>, identifier: string, { data, etag }: { data: string; etag: string }): Response {
  const value = data.trim() === 'null' ? '' : `"data":${data},`
  return tellText(c, `{"identifier":${JSON.stringify(identifier)},${value}"type":"ParticipantData"}`, {
    headers: { ETag: etag, 'Cache-Control': 'private, no-cache' },
  })
}

async function tellOne(c: Context<AppEnv>, { scope, study }: Caller, participant: Owner): Promise<Response> {
  const name = nameOf(c, participant)
  const { document, data } = await getDocument(scope, study, name)
  const etag = await etagOf(document.etag)
  return names(c.req.header('If-None-Match'), etag)
    ? c.body(null, 304, { ETag: etag, 'Cache-Control': 'private, no-cache' })
    : tellData(c, name.identifier, { data, etag })
}

/** Whoever has the data as it is need not have consented to be told so: that is looked at first. */
async function tellOwn(c: Context<AppEnv>, caller: Caller): Promise<Response> {
  if (c.req.header('If-None-Match') === undefined) return tellOne(c, caller, 'me')
  const { admits } = caller.scope
  const answer = await tellOne(c, { ...caller, scope: scopeOf(c, { admits }) }, 'me')
  const { principal } = c.var
  const isWithdrawn = principal?.role === 'participant' && principal.status === 'withdrawn'
  if (answer.status !== 304 && isWithdrawn) throw participantWithdrawn()
  return answer
}

/** The ETag is a digest of the document's own, which is what a write can be conditional on. */
async function preconditionOf(c: Context<AppEnv>, { scope, study }: Caller, name: DocumentName): Promise<Precondition> {
  const header = c.req.header('If-Match')
  if (header === undefined) return { kind: 'none' }
  if (header.trim() === '*') return { kind: 'present' }
  const current = await etagNow(scope, study, name)
  return { kind: 'etag', etag: current !== undefined && names(header, await etagOf(current)) ? current : '' }
}

async function etagNow(scope: Scope, study: StudyId, name: DocumentName): Promise<string | undefined> {
  try {
    return (await getDocument(scope, study, name)).document.etag
  } catch (failure) {
    if (isMissing(failure)) return undefined
    throw failure
  }
}

async function save(c: Context<AppEnv>, caller: Caller, participant: Owner): Promise<Response> {
  const name = nameOf(c, participant)
  const { text } = await readBody(c)
  const precondition = await preconditionOf(c, caller, name)
  const data = memberOf(text, 'data') ?? 'null'
  const { etag } = await putDocument(caller.scope, caller.study, { name, data, precondition })
  c.header('ETag', await etagOf(etag))
  return tellMessage(c, 'Participant data saved.', 201)
}

const remove =
  (message: string): Answering =>
  async (c, { scope, study }, participant) => {
    await deleteDocument(scope, study, { name: nameOf(c, participant), precondition: { kind: 'none' } })
    return tellMessage(c, message)
  }

async function removeAll(c: Context<AppEnv>, { scope, study }: Caller, participant: ParticipantId): Promise<Response> {
  await deleteDocuments(scope, study, participant)
  return tellMessage(c, 'Participant data deleted.')
}

const OWN = '/v3/users/self/data'
const OTHERS = '/v1/apps/:appId/participants/:userId/data'

export const data = new Hono<AppEnv>()
  .get(OWN, own(tellList))
  .get(`${OWN}/:identifier`, own(tellOwn))
  .post(`${OWN}/:identifier`, own(save))
  .delete(`${OWN}/:identifier`, own(remove('Participant data record deleted.')))
  .get(OTHERS, by('worker', tellList))
  .delete(OTHERS, by('admin', removeAll))
  .get(`${OTHERS}/:identifier`, by('worker', tellOne))
  .post(`${OTHERS}/:identifier`, by('worker', save))
  .delete(`${OTHERS}/:identifier`, by('admin', remove('Participant data deleted.')))
