// Who may call what of Bridge's reports, and whom a path names.

import { beforeAll, describe, expect, test } from 'vitest'
import { bridgeAs } from '../support/bridge-client.ts'
import { aBridgeApp, type BridgeApp, missing, told } from '../support/bridge-world.ts'
import type { Caller } from '../support/client.ts'
import { aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

const NOT_SIGNED_IN = { statusCode: 401, message: 'Not signed in.', type: 'NotAuthenticatedException' }

let study: Study
let other: Study
let ada: Participant
let bob: Participant
let callers: BridgeApp['callers']

beforeAll(async () => {
  ;({ study, ada, callers } = await aBridgeApp())
  other = await aStudy()
  bob = await aParticipant(study)
})

const RECORD = { date: '2026-11-21', data: { steps: 8211 } }
const DAYS = 'startDate=2026-11-01&endDate=2026-11-30'
const TIMES = 'startTime=2026-11-01T00:00:00.000Z&endTime=2026-11-30T00:00:00.000Z'

const EVERYONE = ['participant', 'withdrawn', 'staff', 'worker', 'admin']
const TEAM = ['staff', 'worker', 'admin']
const WRITERS = ['staff', 'admin']
const REMOVERS = ['worker', 'admin']
const OWN = '/users/self/reports/x'
const THEIRS = '/participants/USER/reports/x'
const PART = '/v5/studies/arm-a/participants'

type Call = readonly [method: 'get' | 'post' | 'delete', path: string, letIn: readonly string[]]
const CALLS: readonly Call[] = [
  ['get', `/v3${OWN}`, EVERYONE],
  ['get', `/v4${OWN}`, EVERYONE],
  ['get', '/v3/participants/reports', EVERYONE],
  ['get', '/v3/participants/reports/x/index', EVERYONE],
  ['post', '/v3/participants/reports/x', ['worker']],
  ['delete', '/v3/participants/reports/none', ['admin']],
  ['get', `/v3${THEIRS}`, TEAM],
  ['get', `/v4${THEIRS}`, [...TEAM, 'participant', 'withdrawn']],
  ['post', `/v3${THEIRS}`, WRITERS],
  ['post', `/v4${THEIRS}`, WRITERS],
  ['delete', '/v3/participants/USER/reports/none', REMOVERS],
  ['delete', '/v4/participants/USER/reports/none', REMOVERS],
  ['delete', `/v3${THEIRS}/1999-01-01`, REMOVERS],
  ['get', `/v1/apps/APP${THEIRS}`, ['worker']],
  ['get', `/v3/studies/APP${THEIRS}`, ['worker']],
  ['get', `/v2/apps/APP${THEIRS}`, ['worker']],
  ['get', `/v4/studies/APP${THEIRS}`, ['worker']],
  ['get', '/v3/reports', EVERYONE],
  ['get', '/v3/reports?type=participant', EVERYONE],
  ['get', '/v3/reports/x', EVERYONE],
  ['get', '/v4/reports/x', EVERYONE],
  ['get', '/v3/reports/x/index', EVERYONE],
  ['post', '/v3/reports/x', REMOVERS],
  ['post', '/v4/reports/x', REMOVERS],
  ['post', '/v1/apps/APP/reports/x', ['worker']],
  ['post', '/v3/studies/APP/reports/x', ['worker']],
  ['post', '/v3/reports/none/index', WRITERS],
  ['delete', '/v3/reports/none', REMOVERS],
  ['delete', '/v4/reports/none', REMOVERS],
  ['delete', '/v3/reports/none/1999-01-01', REMOVERS],
  ['get', `${PART}/reports`, WRITERS],
  ['get', `${PART}/reports/x`, WRITERS],
  ['delete', `${PART}/reports/none`, ['admin']],
  ['get', `${PART}/USER/reports/x`, WRITERS],
  ['post', `${PART}/USER/reports/y`, WRITERS],
  ['delete', `${PART}/USER/reports/none`, ['admin']],
  ['delete', `${PART}/USER/reports/none/1999-01-01`, ['admin']],
  ['get', `${PART}/self/reports/x`, ['participant']],
  ['post', `${PART}/self/reports/y`, ['participant']],
]

const ask = async (caller: Caller, [method, path]: Call, { app = study.id, user = ada.id } = {}) => {
  const at = path.replace('APP', app).replace('USER', encodeURIComponent(user))
  return method === 'post' ? caller.post(at, { ...RECORD, healthCode: user }) : caller[method](at)
}

describe('a call', () => {
  test.each(CALLS)('%s %s is for %j, and nobody else', async (...call) => {
    const [, path, letIn] = call
    for (const [role, caller] of Object.entries(callers)) {
      const { status, body } = await ask(caller, call)
      const isSelf = path.includes('/participants/self/')
      if (letIn.includes(role)) expect([401, 403, 412, 500], `${role}: ${JSON.stringify(body)}`).not.toContain(status)
      else expect(status, `${role}: ${JSON.stringify(body)}`).toBe(isSelf && role !== 'download' ? 412 : 403)
    }
    for (const shown of [undefined, 'garbage', `${ada.key}x`, `crs_${study.number}_${'a'.repeat(43)}`]) {
      expect(told(await ask(bridgeAs(shown), call)), shown).toEqual([401, NOT_SIGNED_IN])
    }
  })

  test.each(CALLS.filter(([, path]) => path.includes('USER')))(
    '%s %s finds nobody who is not there',
    async (...call) => {
      const [, path, letIn] = call
      const caller = callers[letIn.includes('worker') ? 'worker' : 'admin']
      const foreigner = await aParticipant(other)
      const users = ['nobody', 'self', 'me', '\u0000', foreigner.id, `externalid:${ada.id}`, 'externalid:', 'email:x']
      for (const user of [...users, 'synapseUserId:1', 'syn:1', 'healthcode:', `healthCode:${foreigner.id}`]) {
        if (user === 'self' && path.startsWith(PART)) continue
        // An index that is not there is told of before the account is looked for.
        const { status, body } = await ask(caller, call, { user })
        expect([user, status]).toEqual([user, 404])
        if (!path.startsWith(PART)) expect(body, user).toEqual(missing('Account'))
      }
    },
  )

  test.each(CALLS.filter(([, path]) => path.includes('APP')))('%s %s is of the caller’s own app', async (...call) => {
    for (const app of [other.id, 'no-such-app', '%00']) {
      expect((await ask(callers.worker, call, { app })).status, app).toBe(404)
    }
  })

  test('of another app’s finds nothing of this one', async () => {
    ok(await callers.participant.post('/v3/users/self/reports/secret', RECORD))
    const stranger = bridgeAs(other.admin.key)
    expect(told(await stranger.get(`/v3/participants/${ada.id}/reports/secret?${DAYS}`))).toEqual([
      404,
      missing('Account'),
    ])
    expect((await stranger.get('/v3/participants/reports')).body.items).toEqual([])
    expect((await stranger.get('/v3/participants/reports/secret/index')).status).toBe(404)
  })
})

describe('an account', () => {
  test('is found by its id and all else that it goes by', async () => {
    ok(await callers.participant.post('/v3/users/self/reports/tokens', RECORD))
    const tokens = [ada.id, 'externalid:Ext-1', 'EXTERNALID:Ext-1', `healthcode:${ada.id}`, `HealthCode:${ada.id}`]
    for (const token of [...tokens, 'email:ada@example.org', 'Email:ADA@example.org']) {
      for (const path of [
        `/v3/participants/${token}`,
        `/v1/apps/${study.id}/participants/${encodeURIComponent(token)}`,
      ]) {
        expect((await callers.worker.get(`${path}/reports/tokens?${DAYS}`)).body.total, path).toBe(1)
      }
    }
  })

  test('is not found by its address by those who may not see addresses', async () => {
    const at = (token: string) => `/v4/participants/${token}/reports/x?${TIMES}`
    expect(told(await callers.staff.get(at('email:ada@example.org')))).toEqual([404, missing('Account')])
    expect((await callers.staff.get(at('externalid:Ext-1'))).status).toBe(200)
  })

  test('of somebody else is not there for a participant', async () => {
    for (const token of [bob.id, `healthcode:${bob.id}`]) {
      const answer = await callers.participant.get(`/v4/participants/${token}/reports/x`)
      expect(told(answer)).toEqual([404, missing('Account')])
    }
    const asBob = bridgeAs(bob.key)
    for (const token of ['externalid:Ext-1', 'email:ada@example.org']) {
      expect((await asBob.get(`/v4/participants/${token}/reports/x`)).status).toBe(404)
    }
    for (const token of [ada.id, 'externalid:Ext-1', 'email:ada@example.org']) {
      expect((await callers.participant.get(`/v4/participants/${token}/reports/x`)).status, token).toBe(200)
    }
  })
})
