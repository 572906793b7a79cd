import { beforeAll, describe, expect, test } from 'vitest'
import { ADAPTERS } from '../../src/app.ts'
import type { Door } from '../../src/model/principal.ts'
import { bridgeCallers } from '../support/bridge.ts'
import { type As, callersOf } from '../support/callers.ts'
import { type Answer, as, ORIGIN } from '../support/client.ts'
import { BRIDGE } from '../support/fault-flows-bridge.ts'
import { HAT } from '../support/fault-flows-hat.ts'
import { KIDSFIRST } from '../support/fault-flows-kidsfirst.ts'
import { MYDATAHELPS } from '../support/fault-flows-mydatahelps.ts'
import { OPENHUMANS } from '../support/fault-flows-openhumans.ts'
import type { DoorFlow, DoorFlows } from '../support/fault-runs.ts'
import { sendingTo } from '../support/faults.ts'
import { aHost } from '../support/hat.ts'
import { delegatedParticipant } from '../support/mydatahelps.ts'
import { upload } from '../support/mydatahelps-files.ts'
import { MULTIPART, multipart } from '../support/openhumans.ts'
import { failingBucket, failingDb, failingJobs, failingTokens } from '../support/overload.ts'
import { aFile, aKey, aParticipant, aStudy, ok } from '../support/world.ts'

// What clients of foreign protocols are told while something that is bound to the Worker is out of reach: to come again,
// in their own protocol's words, and nothing else.

const MAIL = 'ada@example.org'

async function aWorld() {
  const study = await aStudy({ allowPublic: true })
  const ada = await aParticipant(study, { id: 'ada', externalId: 'PT-1', email: MAIL, labels: ['arm-a'] })
  const { id, number } = await aFile(ada, study, { visibility: 'study' })
  const app = await aKey(study, { role: 'worker', label: 'app' })
  const { code } = ok(await study.admin.post(`${study.path}/participants/ada/enrolment-codes`, { label: 'phone' }))
  const signIn = { appId: study.id, email: MAIL, password: ada.key }
  const { reauthToken } = ok(await bridgeCallers(as)().post('/v4/auth/signIn', signIn))
  return {
    study,
    ada,
    number,
    host: await aHost(study, ada),
    key: encodeURIComponent(await upload(ada, 'photos', 'walk.jpg')),
    oauth: { client_id: 'app', client_secret: app.key ?? '', grant_type: 'authorization_code', code },
    /** All that bodies in JSON may have to say. */
    json: {
      ...signIn,
      reauthToken,
      mimeType: 'a/b',
      data: 1,
      date: '2026-11-21',
      healthCode: 'ada',
      name: 'n',
      source: 's',
    },
    /** What a route's path names, by the words that it has for it. */
    names: {
      appId: study.id,
      projectID: study.id,
      study: study.id,
      studyId: 'arm-a',
      userId: 'ada',
      userIdToken: 'ada',
      participantIdentifier: 'PT-1',
      identifier: 'steps',
      date: '2026-11-21',
      fileId: id,
      id: String(number),
      file: 'SF_00000000',
      version: 'FV_00000000',
    },
  }
}
let world: Awaited<ReturnType<typeof aWorld>>
beforeAll(async () => {
  world = await aWorld()
})

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }
const JSON_TYPE = { 'Content-Type': 'application/json' }
const formOf = (fields: Record<string, string>) => new URLSearchParams(fields).toString()

/** What is sent to a route; where nothing else is said, all in JSON. */
const bodyFor = (path: string) => {
  if (path.startsWith('/identityserver')) {
    return { body: formOf(delegatedParticipant(world.study.worker.key ?? '', 'ada')), type: FORM }
  }
  if (path.startsWith('/oauth2')) return { body: formOf(world.oauth), type: FORM }
  if (/project\/(?:files\/)?upload\/?$/.test(path))
    return { body: multipart({ project_member_id: '1' }), type: MULTIPART }
  return { body: { ...world.json, query: '{ myProfile { username } }' }, type: JSON_TYPE }
}

const nameOf = (word: string) => Object.entries(world.names).find(([name]) => name === word)?.[1] ?? ''

type Route = Readonly<{ method: string; path: string }>

/** Asks a route by each of the study's keys in turn, until D1 was asked. */
async function tell(caller: As, { method, path }: Route, seen: { times: number }): Promise<Answer | undefined> {
  const named = path.replaceAll(/:(\w+)/g, (_, name: string) => nameOf(name)).replace('*', 'x')
  const at =
    path.includes('projectID/files') || path.startsWith('/api/v1/delegated') ? `${named}?key=${world.key}` : named
  const { body, type } = bodyFor(path)
  for (const key of [world.study.admin.key, world.study.worker.key, world.ada.key]) {
    const headers = { 'Bridge-Session': key ?? '', 'X-Auth-Token': key ?? '' }
    const by = caller(key)
    const ask = {
      GET: async () => by.get(at, headers),
      DELETE: async () => by.delete(at, headers),
      POST: async () => by.post(at, body, { ...headers, ...type }),
      PUT: async () => by.put(at, body, { ...headers, ...type }),
    }[method]
    const answer = await ask?.()
    if (seen.times > 0) return answer
  }
  return undefined
}

const LATER = 'Storage is busy or out of reach. Repeat the request shortly.'
const ERRORS = { errors: [expect.objectContaining({ message: LATER })] }
const OAUTH = { error: 'temporarily_unavailable', error_description: LATER }

/** How each door says so; by path, where it has more than one way. */
const BUSY: Readonly<Partial<Record<Door, (path: string) => unknown>>> = {
  bridge: () => ({ statusCode: 503, type: 'ServiceUnavailableException', message: LATER }),
  mydatahelps: (path) =>
    path.startsWith('/identityserver') ? OAUTH : { message: LATER, code: 'overloaded', requestId: expect.any(String) },
  openhumans: () => ({ detail: LATER }),
  kidsfirst: (path) => (path === '/' || path === '/graphql' ? ERRORS : LATER),
  hat: () => ({ error: 'Internal Server error', message: expect.stringMatching(/^Server error occurred: [\w-]+$/) }),
}

/** What is answered without a look at the database, whoever asks: the same to everybody. */
const TO_EVERYBODY =
  /^GET (?:\/health_check|\/graphql|\/api\/public\/?[a-z-]*|\/api\/public-data|\/direct-sharing\/.*authorize)$|^POST \/v3\/auth\/(?:email|phone|oauth|app|study)/

const DOORS: Readonly<Partial<Record<Door, DoorFlows>>> = {
  bridge: BRIDGE,
  mydatahelps: MYDATAHELPS,
  openhumans: OPENHUMANS,
  kidsfirst: KIDSFIRST,
  hat: HAT,
}

describe.each(ADAPTERS)('$door', ({ door, load }) => {
  test('says at every route that D1 is out of reach', async () => {
    const { DB, seen } = failingDb()
    const caller = callersOf(sendingTo({ DB }), () => (door === 'hat' ? `http://${world.host}` : ORIGIN))
    const routes = new Map<string, Route>()
    for (const { method, path } of (await load()).create().routes) {
      // Where clients may leave out the slash at the end, or not.
      if (!['ALL', 'HEAD', 'OPTIONS'].includes(method))
        routes.set(`${method} ${path.replace(/(.)\/$/, '$1')}`, { method, path })
    }
    const untold: string[] = []
    for (const [name, route] of routes) {
      seen.times = 0
      const answer = await tell(caller, route, seen)
      if (answer === undefined) untold.push(name)
      else {
        const { status, headers, body } = answer
        expect([name, status, headers.get('Retry-After'), body]).toEqual([name, 503, '2', BUSY[door]?.(route.path)])
      }
    }
    expect(untold.filter((name) => !TO_EVERYBODY.test(name))).toEqual([])
  })

  const flows = Object.entries<DoorFlow>(DOORS[door]?.flows ?? {}).filter(([, { isMain }]) => isMain)
  test.each(flows)(
    '%s: is done, or is to be done again, while R2, KV and the queue are out of reach',
    async (_, { prepare }) => {
      const { ask } = await prepare()
      const { BUCKET } = failingBucket('Reduce your concurrent request rate for the same object. (10058)')
      const answer = await ask({ BUCKET })
      if (answer.status >= 400) expect([answer.status, answer.headers.get('Retry-After')]).toEqual([503, '2'])
      const last = await ask({ TOKENS: failingTokens(), JOBS: failingJobs() })
      expect(last.status, last.text).toBeLessThan(500)
    },
  )
})
