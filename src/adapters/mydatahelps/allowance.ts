import type { Context, MiddlewareHandler } from 'hono'
import { rateLimited } from '../../model/errors.ts'
import { runtimeOf } from '../../runtime.ts'
import type { AppEnv } from '../../wire/context.ts'
import { renderFailure } from './errors.ts'
import { isDelegated } from './queries.ts'

const HOUR_MS = 3_600_000
/** Of those that are counted at a time; of more, whoever was counted first is forgotten. */
const MAX_COUNTED = 10_000

/** Who a request is counted for, by a name that no other has. */
type Account = Readonly<{ name: string; limit: number }>

function keep<Value>(map: Map<string, Value>, key: string, value: Value) {
  const [oldest] = map.keys()
  if (!map.has(key) && map.size >= MAX_COUNTED && oldest !== undefined) map.delete(oldest)
  map.set(key, value)
}

/** A caller's requests about one project, or as a participant; undefined for who shows nothing. */
function callerOf(c: Context<AppEnv>): string | undefined {
  const { credential } = c.var
  if (!('hash' in credential)) return undefined
  const [, , , , , project = ''] = c.req.path.split('/')
  return isDelegated(c) ? credential.hash : `${credential.hash} ${project}`
}

const limitsOf = (c: Context<AppEnv>) => runtimeOf(c.env).settings

/** Only who has a place in the study is counted: strangers use nobody's allowance up. */
function accountOf(c: Context<AppEnv>): Account | undefined {
  const { principal } = c.var
  if (principal === undefined || !('study' in principal)) return undefined
  const { study } = principal
  return principal.role === 'participant'
    ? { name: JSON.stringify([study, principal.participant]), limit: limitsOf(c).participantRequestsPerHour }
    : { name: JSON.stringify([study]), limit: limitsOf(c).projectRequestsPerHour }
}

/**
 * What the platform lets a project and a participant ask in an hour of the clock, and what each answer tells of it. Each
 * isolate counts for itself, so more may come through than the limit says: it tells clients where they are, and keeps a
 * runaway one in check. Who a caller is counted for is known once a first request of theirs was answered.
 */
export function createAllowance() {
  let hour = -1
  const spent = new Map<string, number>()
  const accounts = new Map<string, Account>()

  const turn = (now: Date) => {
    const current = Math.floor(now.getTime() / HOUR_MS)
    if (current === hour) return
    hour = current
    spent.clear()
    accounts.clear()
  }
  const secondsLeft = (now: Date) => Math.ceil(((hour + 1) * HOUR_MS - now.getTime()) / 1000)
  const knownTo = (caller: string | undefined) => (caller === undefined ? undefined : accounts.get(caller))

  /** Around everything: counts what was asked, and tells what is left. */
  const tell: MiddlewareHandler<AppEnv> = async (c, next) => {
    turn(c.var.now)
    await next()
    const { participantRequestsPerHour, projectRequestsPerHour } = limitsOf(c)
    const caller = callerOf(c)
    // A token that no longer stands counts for nobody.
    if (caller !== undefined && c.res.status === 401) accounts.delete(caller)
    // What is wrong with a request may be told before it is asked whose it is.
    const account = accountOf(c) ?? knownTo(caller)
    if (account !== undefined) {
      keep(spent, account.name, (spent.get(account.name) ?? 0) + 1)
      if (caller !== undefined) keep(accounts, caller, account)
    }
    const limit = account?.limit ?? (isDelegated(c) ? participantRequestsPerHour : projectRequestsPerHour)
    const used = account === undefined ? 0 : (spent.get(account.name) ?? 0)
    c.res.headers.set('RateLimit-Limit', String(limit))
    c.res.headers.set('RateLimit-Remaining', String(Math.max(limit - used, 0)))
    c.res.headers.set('RateLimit-Reset', String(secondsLeft(c.var.now)))
  }

  /** Right after who asks was read: refuses whose hour is used up. */
  const hold: MiddlewareHandler<AppEnv> = async (c, next) => {
    const account = knownTo(callerOf(c))
    if (account === undefined || (spent.get(account.name) ?? 0) < account.limit) return next()
    const answer = renderFailure(rateLimited(), c)
    answer.headers.set('Retry-After', String(secondsLeft(c.var.now)))
    return answer
  }

  return { tell, hold }
}
