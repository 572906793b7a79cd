import type { Context, Handler } from 'hono'
import { credentialOfKey } from '../../domain/credentials.ts'
import { findBytes, getContent } from '../../domain/content.ts'
import { claimFileToken, openFileToken } from '../../domain/file-tokens.ts'
import type { Scope } from '../../domain/scope.ts'
import type { Version } from '../../model/entities.ts'
import { contentMissing, fileNotFound, prefetchDeclined, rangeNotSatisfiable } from '../../model/errors.ts'
import type { Credential } from '../../model/principal.ts'
import { isPrefetch } from '../../wire/browsers.ts'
import { byteRange, rangeHeaders } from '../../wire/byte-range.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { type Asked, askedFor, renderRefusal, whyNot } from './access.ts'
import { isNotAuthorized } from './errors.ts'
import { versionIdOf } from './ids.ts'

type Range = Readonly<{ offset: number; length: number }>

/** What is downloaded; nothing of it is given, or used up, before it is opened. */
type Download = Readonly<{
  version: Version
  open: (range: Range | undefined) => Promise<ReadableStream>
}>

const TOKEN = /^token +(\S+) *$/i

/** A token in the query counts before one in the header. */
function tokenOf(c: Context<AppEnv>): string | undefined {
  const inQuery = c.req.query('token')
  return inQuery === undefined || inQuery === '' ? TOKEN.exec(c.req.header('Authorization') ?? '')?.[1] : inQuery
}

/** With what a token may be read, or the caller; of a draft nobody has made a file yet. */
async function byRights(scope: Scope, { study, named }: Asked): Promise<Download> {
  const version = named.version === undefined ? undefined : { number: named.version }
  const content = await getContent(scope, study, { file: { number: named.file }, version })
  if (content.file.draft) throw fileNotFound()
  return {
    version: content.version,
    open: async (range) => {
      const body = await findBytes(scope, content, range)
      if (body === undefined) throw contentMissing()
      return body
    },
  }
}

async function byFileToken(c: Context<AppEnv>, { study, named }: Asked, token: string): Promise<Download> {
  if (isPrefetch(c.req.raw.headers)) throw prefetchDeclined()
  const scope = scopeOf(c)
  const shown = await openFileToken(scope, study, { ...named, token })
  return { version: shown.version, open: async (range) => claimFileToken(scope, shown, range) }
}

/** As Python's `quote` has it: nothing of the name is in the header as it is, but letters, digits, `-._~` and `/`. */
const quoted = (name: string) =>
  encodeURIComponent(name.toWellFormed())
    .replaceAll(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%2F', '/')

const headersOf = ({ number, name, etag }: Version) => ({
  'Content-Type': 'application/octet-stream',
  'Content-Disposition': `attachment; filename*=UTF-8''${versionIdOf(number)}_${quoted(name)}`,
  'Content-Security-Policy': "sandbox; default-src 'none'",
  ETag: `"${etag}"`,
})

async function deliver(c: Context<AppEnv>, { version, open }: Download): Promise<Response> {
  const range = byteRange(c.req.raw, { etag: `"${version.etag}"`, size: version.size })
  const headers = { ...headersOf(version), ...rangeHeaders(range, version.size) }
  if (range.kind === 'notModified') return c.body(null, 304, headers)
  if (range.kind === 'unsatisfiable') {
    const refusal = renderRefusal(rangeNotSatisfiable(), c)
    refusal.headers.set('Content-Range', `bytes */${version.size}`)
    return refusal
  }
  const status = range.kind === 'part' ? 206 : 200
  if (c.req.raw.method === 'HEAD') return c.body(null, status, headers)
  return c.body(await open(range.kind === 'part' ? range : undefined), status, headers)
}

type Way = () => Promise<Download>

/**
 * In which order the caller is let in: by a token, which is a developer's key or good for one download; as whoever they
 * are; and as anybody.
 */
async function waysOf(c: Context<AppEnv>, asked: Asked): Promise<Way[]> {
  const token = tokenOf(c)
  const { credential } = c.var
  const as =
    (shown: Credential, scoped: Parameters<typeof scopeOf>[1] = {}): Way =>
    async () => {
      c.set('credential', shown)
      return byRights(scopeOf(c, scoped), asked)
    }
  const key = token === undefined ? undefined : await credentialOfKey(token)
  return [
    ...(key === undefined ? [] : [as(key, { admits: ['download'] })]),
    ...(token === undefined || key !== undefined ? [] : [async () => byFileToken(c, asked, token)]),
    ...(credential.kind === 'anonymous' ? [] : [as(credential)]),
    as({ kind: 'anonymous' }),
  ]
}

/**
 * By the first way that lets the caller in. Where none does, whoever is known by one of them is refused, and not the
 * nobody that they come as last: so it is on record.
 */
async function deliverBy(c: Context<AppEnv>, [way, ...others]: readonly Way[]): Promise<Response> {
  try {
    if (way === undefined) throw fileNotFound()
    return await deliver(c, await way())
  } catch (failure) {
    if (others.length === 0 || !isNotAuthorized(failure)) throw failure
    const { principal } = c.var
    return deliverBy(c, others).catch((last: unknown) => {
      if (principal === undefined || !isNotAuthorized(last)) throw last
      c.set('principal', principal)
      throw failure
    })
  }
}

/** A file's current version, or the one that is named. */
export const download: Handler<AppEnv> = async (c) => {
  const asked = askedFor(c)
  try {
    return await deliverBy(c, await waysOf(c, asked))
  } catch (failure) {
    throw await whyNot(c, asked, failure)
  }
}
