import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { type Context, Hono } from 'hono'
import { expect, test } from 'vitest'
import { type AppEnv, beginRequest, comingBy, scopeOf } from '../../src/wire/context.ts'

/** What a handler makes of a request that came by the door of its path. */
async function within<Made>(make: (c: Context<AppEnv>) => Made | Promise<Made>): Promise<Made> {
  const made: Made[] = []
  const app = new Hono<AppEnv>().use(beginRequest, comingBy('hat'))
  app.get('/', async (c) => {
    made.push(await make(c))
    return c.text('')
  })
  await app.request('/', {}, env, createExecutionContext())
  const [only] = made
  if (only === undefined) throw new Error('Nothing was made of the request.')
  return only
}

test('a scope says by which door the request came, and lets in whomever the rules let', async () => {
  const { door, admits, requiresActive, credential } = await within((c) => scopeOf(c))
  expect({ door, admits, requiresActive, credential }).toEqual({
    door: 'hat',
    admits: undefined,
    requiresActive: false,
    credential: { kind: 'anonymous' },
  })
})

test('a scope carries whom a foreign operation lets in', async () => {
  const { admits, requiresActive } = await within((c) => scopeOf(c, { admits: ['worker'], requiresActive: true }))
  expect({ admits, requiresActive }).toEqual({ admits: ['worker'], requiresActive: true })
})

test('all scopes of a request share a session with the database, and a link has none', async () => {
  const ask = async (c: Context<AppEnv>) => scopeOf(c).stores.studies.idOf(1)
  const sessions = await within(async (c) => {
    await ask(c)
    const first = c.var.sessions?.get(0)
    await ask(c)
    return { first, second: c.var.sessions?.get(0) }
  })
  expect(sessions.first).toBeDefined()
  expect(sessions.second).toBe(sessions.first)
  const ofLink = await within(async (c) => {
    c.set('door', 'link')
    await ask(c)
    return { sessions: c.var.sessions }
  })
  expect(ofLink.sessions).toBeUndefined()
})
