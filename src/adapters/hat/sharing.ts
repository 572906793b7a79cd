import type { Context } from 'hono'
import { viewFiles } from '../../domain/file-views.ts'
import { getFile, updateFile } from '../../domain/files.ts'
import { applyGrants, revokeGrants } from '../../domain/grant-templates.ts'
import { grantAccess, revokeAccess } from '../../domain/grants.ts'
import type { GrantLevel, Visibility } from '../../model/entities.ts'
import { DomainError, type ErrorCode, forbidden } from '../../model/errors.ts'
import type { PrincipalName } from '../../model/principal.ts'
import type { AppEnv } from '../../wire/context.ts'
import { PrincipalNameText } from '../../wire/shapes.ts'
import { type Call, operation } from './access.ts'
import { tell } from './answers.ts'
import { readBody, Template } from './bodies.ts'
import { badRequest, HatRefusal, noSuchUser } from './errors.ts'
import { fileInPath, onFile, view } from './files.ts'
import { presentFile } from './present.ts'
import { findFiles, MAX_FOUND } from './search.ts'

/** Whom a path names: a participant, or a member of the team. */
type User = Readonly<{ id: string; principal: PrincipalName; isOwner: boolean }>

/** @throws DomainError HAT's word for nobody, where it is nobody's id */
function userInPath(c: Context<AppEnv>, { owner }: Call): User {
  const id = c.req.param('userId') ?? ''
  const member = PrincipalNameText.safeParse(`member:${id}`)
  const principal = member.success ? member : PrincipalNameText.safeParse(`participant:${id}`)
  if (!principal.success) throw noSuchUser(id)
  return { id, principal: principal.data, isOwner: id === owner }
}

const LEVELS: ReadonlyMap<string, GrantLevel> = new Map([
  ['true', 'content'],
  ['1', 'content'],
  ['false', 'metadata'],
  ['0', 'metadata'],
])

/** Documented as false where it is not said; upstream refuses that. */
function levelAsked(c: Context<AppEnv>): GrantLevel {
  const level = LEVELS.get(c.req.query('content') ?? 'false')
  if (level !== undefined) return level
  throw badRequest('Cannot parse parameter content as Boolean: should be true, false, 0 or 1')
}

/** Changes with whom one file is shared. With its owner it is for good: that changes nothing. */
const sharing = (change: (call: Call, asked: { file: Shared; user: User; level: GrantLevel }) => Promise<unknown>) =>
  operation(async (c, call) => {
    const name = fileInPath(c, call)
    const [user, level] = [userInPath(c, call), levelAsked(c)]
    const file = await onFile(name, getFile(call.scope, call.study, name))
    if (!user.isOwner) await onFile(name, change(call, { file, user, level }))
    const viewed = await view(call, file)
    if (viewed.grants === undefined) throw forbidden()
    return tell(c, presentFile(viewed))
  })
type Shared = Awaited<ReturnType<typeof getFile>>

const refusedAs = (failure: unknown, ...codes: readonly ErrorCode[]) =>
  failure instanceof DomainError && codes.includes(failure.code)

export const allowAccess = sharing(async ({ scope, study }, { file, user, level }) => {
  try {
    await grantAccess(scope, study, { file: file.id, principal: user.principal, level, expiresAt: null })
  } catch (failure) {
    // Nobody goes by that name, as far as the caller may know.
    throw refusedAs(failure, 'invalid_request') ? noSuchUser(user.id) : failure
  }
})

export const restrictAccess = sharing(async ({ scope, study }, { file, user }) => {
  try {
    await revokeAccess(scope, study, { file: file.id, principal: user.principal })
  } catch (failure) {
    // It is as it was asked for.
    if (!refusedAs(failure, 'grant_not_found')) throw failure
  }
})

type Change = (call: Call, asked: { ids: Shared['id'][]; user: User; level: GrantLevel }) => Promise<unknown>

/** The same of all files that a template means and that are there now. */
const sharingMany = (change: Change) =>
  operation(async (c, call) => {
    const [user, level] = [userInPath(c, call), levelAsked(c)]
    const { files, isAll } = await findFiles(call, await readBody(c, Template))
    if (!isAll) throw notAllOfThem()
    if (!user.isOwner) await allOrNothing(change(call, { ids: files.map(({ id }) => id), user, level }))
    const views = await viewFiles(call.scope, call.study, { files })
    if (views.some(({ grants }) => grants === undefined)) throw forbidden()
    return tell(
      c,
      views.map((each) => presentFile(each)),
    )
  })

async function allOrNothing(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (failure) {
    if (!refusedAs(failure, 'invalid_body', 'grants_exhausted')) throw failure
    throw couldNotGrant('No such user or unexpected error while granting access')
  }
}

const couldNotGrant = (cause: string) =>
  new HatRefusal('invalid_request', { status: 400, title: 'Could not grant access', cause })

/** Who is told that it was done must not find that it was done to some. */
const notAllOfThem = () =>
  couldNotGrant(`A template is applied to ${MAX_FOUND} files at most, and this one may mean more.`)

export const allowAccessToMany = sharingMany(async ({ scope, study }, { ids, user, level }) =>
  applyGrants(scope, study, { query: { ids }, principal: user.principal, level, expiresAt: null }),
)

export const restrictAccessToMany = sharingMany(async ({ scope, study }, { ids, user }) =>
  revokeGrants(scope, study, { query: { ids }, principal: user.principal }),
)

const publishing = (visibility: Visibility) =>
  operation(async (c, call) => {
    const { scope, study } = call
    const name = fileInPath(c, call)
    const file = await onFile(name, updateFile(scope, study, { name, changes: { visibility }, revision: undefined }))
    return tell(c, presentFile(await view(call, file)))
  })

export const allowAccessPublic = publishing('public')
/** Upstream makes it public too: its route has the argument of the other call. */
export const restrictAccessPublic = publishing('private')
