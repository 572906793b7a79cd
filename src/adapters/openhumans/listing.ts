import type { Context } from 'hono'
import { fileKeysFor } from '../../domain/file-keys.ts'
import { type ListedFile, listMemberFiles, listMembers, type Stretch } from '../../domain/member-files.ts'
import type { Participant } from '../../model/entities.ts'
import type { Principal } from '../../model/principal.ts'
import type { AppEnv } from '../../wire/context.ts'
import { type Caller, memberFor, reading, readingAsProject } from './access.ts'
import { tell } from './answers.ts'
import { presentFile, presentMember, presentTime } from './present.ts'

/** How long what a list says of where files are is good. */
const FILE_KEY_SECONDS = 3_600

const DEFAULT_LIMIT = 100
/** What upstream says that it enforces. */
const MAX_LIMIT = 200
/** Each is told with the first of their files. */
const MAX_MEMBERS = 100

const wholeNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined

function stretchOf(c: Context<AppEnv>, maxLimit: number): Stretch {
  const limit = wholeNumber(c.req.query('limit')) ?? 0
  return {
    limit: Math.min(limit === 0 ? DEFAULT_LIMIT : limit, maxLimit),
    offset: wholeNumber(c.req.query('offset')) ?? 0,
  }
}

/** The next list and the one before, with all that was said in the URL of this one, the token too. */
function neighbours(c: Context<AppEnv>, { limit, offset }: Stretch, count: number) {
  const at = (other: number | undefined): string | null => {
    if (other === undefined) return null
    const url = new URL(c.req.url)
    url.searchParams.set('limit', String(limit))
    if (other > 0) url.searchParams.set('offset', String(other))
    else url.searchParams.delete('offset')
    return url.href
  }
  return {
    next: at(offset + limit < count ? offset + limit : undefined),
    previous: at(offset > 0 ? Math.max(0, offset - limit) : undefined),
  }
}

/** Tells files, each with a URL that opens it to whoever has it. */
function presenterFor(c: Context<AppEnv>, { scope }: Caller, principal: Principal) {
  const { origin } = new URL(c.req.url)
  const keyFor = fileKeysFor(scope, principal, FILE_KEY_SECONDS)
  return async (files: readonly ListedFile[]) =>
    Promise.all(files.map(async (listed) => presentFile(listed, { origin, key: await keyFor(listed.file.number) })))
}

const told = (participant: Participant) => ({
  created: presentTime(participant.createdAt),
  project_member_id: presentMember(participant),
  sources_shared: [],
})

/** A member, and what files there are of theirs. */
export const exchangeMember = reading(async (c, caller) => {
  // Not said is as wrong as nobody's, here.
  const number = c.req.query('project_member_id')?.trim() ?? ''
  const fields = new Map([['project_member_id', number === '' ? 'nobody' : number]])
  const { member } = await memberFor({ ...caller, fields }, {})
  const stretch = stretchOf(c, MAX_LIMIT)
  const { principal, items, count } = await listMemberFiles(caller.scope, caller.study, { owner: member.id, stretch })
  const present = presenterFor(c, caller, principal)
  return tell(c, { count, ...neighbours(c, stretch, count), ...told(member), data: await present(items) })
})

/** Everyone who takes part, each with the first of their files. */
export const members = readingAsProject(async (c, caller) => {
  const stretch = stretchOf(c, MAX_MEMBERS)
  const { principal, items, count } = await listMembers(caller.scope, caller.study, stretch)
  const present = presenterFor(c, caller, principal)
  const results = await Promise.all(
    items.map(async ({ participant, fileCount, files }) => ({
      ...told(participant),
      file_count: fileCount,
      exchange_member: exchangeUrl(c, participant),
      data: await present(files),
    })),
  )
  return tell(c, { count, ...neighbours(c, stretch, count), results })
})

/** With the token that was in the URL of this call; one that was shown in a header is put into none. */
function exchangeUrl(c: Context<AppEnv>, participant: Participant): string {
  const url = new URL('/api/direct-sharing/project/exchange-member/', c.req.url)
  url.searchParams.set('project_member_id', presentMember(participant))
  const token = c.req.query('access_token')
  if (token !== undefined && token !== '') url.searchParams.set('access_token', token)
  return url.href
}
