// What holds for every adapter, tried with one that is as small as can be: where a foreign protocol ends and the native
// API begins. What an adapter says is its own test's.

import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { Hono, type MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type Adapter, mountAdapter, type Tongue } from '../../src/adapters/adapter.ts'
import { createApp } from '../../src/app.ts'
import { getStudy } from '../../src/domain/studies.ts'
import type { StudyId } from '../../src/model/ids.ts'
import { type AppEnv, scopeOf } from '../../src/wire/context.ts'
import { credentialOfToken } from '../../src/wire/credentials.ts'
import { judgeFailure } from '../../src/wire/failures.ts'
import { recordRefusal } from '../../src/wire/refusals.ts'
import { aQueue, recorded } from '../support/audit.ts'
import { callersOf } from '../support/callers.ts'
import { ORIGIN } from '../support/client.ts'
import { expectProblem } from '../support/problems.ts'
import { aParticipant, aStudy } from '../support/world.ts'

const PATHS = ['/v1/apps/*', '/tiny/token'] as const

const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const key = c.req.header('Tiny-Key')
  if (key !== undefined) c.set('credential', await credentialOfToken(key, c.env, c.var.now))
  await next()
}

/** Says what went wrong in one word, and asks for its key in a header of its own. */
function createTiny(): Hono<AppEnv> {
  const tiny = new Hono<AppEnv>()
  tiny.on('ALL', [...PATHS], cors({ allowHeaders: ['Tiny-Key'], maxAge: 7 }), authenticate)
  tiny.get('/v1/apps/:app/things/:thing', (c) => c.text(`${c.req.param('thing')} by ${scopeOf(c).door}`))
  tiny.get('/v1/apps/:app', async (c) => {
    const study = await getStudy(scopeOf(c), c.req.param('app') as StudyId)
    return c.text(study.name)
  })
  tiny.post('/tiny/token', (c) => c.text('here'))
  return tiny.onError((failure, c) => {
    recordRefusal(c, failure)
    return c.text(`tiny: ${judgeFailure(failure, c).code}`, 418)
  })
}

const TONGUE: Tongue = { create: createTiny, renderNotFound: (c) => c.text('tiny: nothing here', 404) }
const TINY: Adapter = { door: 'bridge', paths: PATHS, load: async () => TONGUE }

const callersTo = (adapters: readonly Adapter[], other: Partial<Env> = {}) => {
  const app = createApp(adapters)
  return callersOf(
    async (request) => {
      const context = createExecutionContext()
      const response = await app.fetch(request, { ...env, ...other }, context)
      await waitOnExecutionContext(context)
      return response
    },
    () => ORIGIN,
  )
}
const as = callersTo([TINY])
const anonymous = as()

describe('a path that an adapter claims', () => {
  test('is answered by it, through its own door', async () => {
    expect((await anonymous.get('/v1/apps/a/things/one')).text).toBe('one by bridge')
    expect((await anonymous.post('/tiny/token', {})).text).toBe('here')
  })

  test('has a request id, and none of what the native API puts around its answers', async () => {
    const { headers } = await anonymous.get('/v1/apps/a/things/one', { Origin: 'https://any.example.org' })
    expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
    expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
    expect(headers.get('Access-Control-Expose-Headers')).toBeNull()
    expect(headers.get('X-Frame-Options')).toBeNull()
  })

  test.each(['/v1/apps', '/v1/apps/', '/v1/apps/a/nothing', '/v1/apps/a/things/one/more'])(
    '%s is not found in its own words',
    async (path) => {
      const { status, text } = await anonymous.get(path)
      expect([status, text]).toEqual([404, 'tiny: nothing here'])
    },
  )

  test('is not found by another method either, in its own words', async () => {
    for (const { status, text, headers } of [
      await anonymous.delete('/v1/apps/a/things/one'),
      await anonymous.get('/tiny/token'),
    ]) {
      expect([status, text]).toEqual([404, 'tiny: nothing here'])
      expect(headers.get('Allow')).toBeNull()
    }
  })

  test('has preflights of its own', async () => {
    const asked = { Origin: 'https://any.example.org', 'Access-Control-Request-Method': 'GET' }
    const { status, headers } = await anonymous.options('/v1/apps/a/things/one', asked)
    expect(status).toBe(204)
    expect(headers.get('Access-Control-Allow-Headers')).toBe('Tiny-Key')
    expect(headers.get('Access-Control-Max-Age')).toBe('7')
  })

  test('is not asked for a bearer, and takes no native credential that the adapter did not look for', async () => {
    const { status, text } = await as('garbage').get('/v1/apps/a/things/one')
    expect([status, text]).toEqual([200, 'one by bridge'])
  })

  test('fails in its own words', async () => {
    const garbage = await anonymous.get('/v1/apps/a', { 'Tiny-Key': 'garbage' })
    expect([garbage.status, garbage.text]).toEqual([418, 'tiny: unauthenticated'])
    expect((await anonymous.get('/v1/apps/a')).text).toBe('tiny: unauthenticated')
  })

  test('has refusals put on record by its door', async () => {
    const study = await aStudy()
    const { key = '' } = await aParticipant(study)
    const { JOBS, bring } = aQueue()
    const caller = callersTo([TINY], { JOBS })()
    const events = await recorded(study, async () => {
      const refused = await caller.get(`/v1/apps/${study.id}`, { 'Tiny-Key': key })
      expect(refused.text).toBe('tiny: forbidden')
      await bring()
    })
    expect(events).toEqual([expect.objectContaining({ door: 'bridge', action: 'access.deny', outcome: 'denied' })])
  })
})

describe('a path that no adapter claims', () => {
  test('is native, and so are its refusals', async () => {
    const study = await aStudy()
    expect((await as(study.admin.key).get(study.path)).body.id).toBe(study.id)
    expectProblem(await anonymous.get(study.path, { 'Tiny-Key': study.admin.key ?? '' }), 'unauthenticated')
    for (const path of ['/v1/app/a/things/one', '/v1', '/tiny', '/tiny/token/more', '/v2/apps/a']) {
      expectProblem(await anonymous.get(path), 'route_not_found', path)
    }
    expectProblem(await as(study.admin.key).put(study.path, {}), 'method_not_allowed')
  })

  test('has the native preflights and headers', async () => {
    const { headers } = await anonymous.options('/v1/studies', {
      Origin: 'http://localhost:5173',
      'Access-Control-Request-Method': 'GET',
    })
    expect(headers.get('Access-Control-Max-Age')).toBe('3600')
    expect((await anonymous.get('/nope')).headers.get('X-Frame-Options')).toBe('DENY')
  })
})

describe('repeated slashes', () => {
  const lax = callersTo([{ ...TINY, collapsesSlashes: true }])()

  test('before a path of an adapter are one', async () => {
    expect((await anonymous.get(`${ORIGIN}//v1/apps/a/things/one`)).text).toBe('one by bridge')
    expect((await anonymous.post(`${ORIGIN}///tiny/token`, {})).text).toBe('here')
  })

  test('within it are one where the adapter says so', async () => {
    const path = `${ORIGIN}//v1///apps/a//things/one`
    expect((await lax.get(path)).text).toBe('one by bridge')
    expectProblem(await anonymous.get(path), 'route_not_found')
    expect((await anonymous.get('/v1/apps/a//things/one')).text).toBe('tiny: nothing here')
  })

  test('never make another path of a native one', async () => {
    const study = await aStudy()
    const native = callersTo([{ ...TINY, collapsesSlashes: true }])(study.admin.key)
    for (const path of [`${study.path}/participants//documents`, `/v1//studies/${study.id}`, `${study.path}/`]) {
      expectProblem(await native.get(path), 'route_not_found', path)
    }
    expectProblem(await native.get(`${ORIGIN}/${study.path}`), 'route_not_found')
  })
})

describe('the log', () => {
  const printed = vi.spyOn(console, 'log')
  beforeEach(() => printed.mockClear())
  const routes = () => printed.mock.calls.map(([line]) => JSON.parse(String(line)).route as string)

  test('has the template of an adapter’s route, or the pattern that was claimed', async () => {
    await anonymous.get('/v1/apps/a/things/one')
    await anonymous.get('/v1/apps/a', { 'Tiny-Key': 'garbage' })
    await anonymous.get('/v1/apps/a/nothing')
    await anonymous.options('/v1/apps/a/things/one')
    await anonymous.get('/tiny/token')
    await anonymous.get('/v1/nothing')
    expect(routes()).toEqual([
      '/v1/apps/:app/things/:thing',
      '/v1/apps/:app',
      '/v1/apps/*',
      '/v1/apps/*',
      '/tiny/token',
      '/v1/*',
    ])
  })
})

describe('an adapter is not mounted', () => {
  test.each(['/v1/studies/:study', '/v1/*', '*'])('with a route at %s, which it does not claim', async (path) => {
    const greedy = { ...TONGUE, create: () => createTiny().get(path, (c) => c.text('mine')) }
    const mounted = mountAdapter(new Hono<AppEnv>(), { ...TINY, load: async () => greedy })
    await expect(mounted).rejects.toThrow('does not claim')
  })
})

describe('where an adapter claims only what is POSTed', () => {
  const posting: Tongue = { ...TONGUE, create: () => createTiny().post('/', (c) => c.text(`posted by ${c.var.door}`)) }
  const POSTING: Adapter = { ...TINY, posts: ['/'], load: async () => posting }

  test('the rest of that path is native', async () => {
    const caller = callersTo([POSTING])()
    expect((await caller.post('/', {})).text).toBe('posted by bridge')
    expect((await caller.get('/')).text).toContain('Carrel')
    expectProblem(await caller.put('/', {}), 'method_not_allowed')
  })

  test('it is not mounted with a route for something else', async () => {
    const greedy = { ...posting, create: () => createTiny().get('/', (c) => c.text('mine')) }
    await expect(mountAdapter(new Hono<AppEnv>(), { ...POSTING, load: async () => greedy })).rejects.toThrow('/')
  })
})

describe('an adapter is loaded', () => {
  test('by the first request to one of its paths, and once', async () => {
    const load = vi.fn(TINY.load)
    const caller = callersTo([{ ...TINY, load }])()
    expectProblem(await caller.get('/v1/nothing'), 'route_not_found')
    expect(load).not.toHaveBeenCalled()
    expect((await caller.get('/v1/apps/a/things/one')).text).toBe('one by bridge')
    expect((await caller.post('/tiny/token', {})).text).toBe('here')
    expect(load).toHaveBeenCalledOnce()
  })

  test('again after it could not be: nobody is refused for what failed before', async () => {
    const load = vi.fn(TINY.load).mockRejectedValueOnce(new Error('No such module.'))
    const caller = callersTo([{ ...TINY, load }])()
    expectProblem(await caller.get('/v1/apps/a/things/one'), 'internal')
    expect((await caller.get('/v1/apps/a/things/one')).text).toBe('one by bridge')
  })

  test('for each of two requests at once that come before it is', async () => {
    const caller = callersTo([TINY])()
    const answers = await Promise.all(['one', 'two'].map(async (thing) => caller.get(`/v1/apps/a/things/${thing}`)))
    expect(answers.map(({ text }) => text)).toEqual(['one by bridge', 'two by bridge'])
  })
})
