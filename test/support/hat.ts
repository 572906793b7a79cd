import { env } from 'cloudflare:workers'
import { callersOf } from './callers.ts'
import { operator } from './client.ts'
import { sendingTo } from './faults.ts'
import { seedBulk } from './seed.ts'
import { aParticipant, aStudy, objectKeyOf, ok, type Participant, type Study } from './world.ts'

// HATs of a study: hosts of this machine, told apart by their ports, since the bucket of the pool is reached there alone.

let ports = 20_000
let addresses = 0

/** Guesses at sign-ins are counted by address: here each has one of its own. */
export const anAddress = () => {
  addresses += 1
  return `198.51.${Math.floor(addresses / 250)}.${addresses % 250}`
}

type Headers = Record<string, string>
type Other = Parameters<typeof sendingTo>[0]

/** A client of the HAT at a host, with a token or a key, or nobody's; `other`: with other bindings or settings. */
export function atHat(host: string, token?: string, other: Other = {}) {
  const shown = { Accept: 'application/json', ...(token === undefined ? {} : { 'X-Auth-Token': token }) }
  const ask = callersOf(sendingTo(other), () => `http://${host}`)()
  const json = { 'Content-Type': 'application/json' }
  return {
    host,
    token,
    get: async (path: string, headers: Headers = {}) => ask.get(path, { ...shown, ...headers }),
    head: async (path: string, headers: Headers = {}) => ask.head(path, { ...shown, ...headers }),
    options: async (path: string, headers: Headers = {}) => ask.options(path, headers),
    post: async (path: string, body?: unknown, headers: Headers = {}) =>
      ask.post(path, body, { ...shown, ...json, ...headers }),
    put: async (path: string, body?: unknown, headers: Headers = {}) =>
      ask.put(path, body, { ...shown, ...json, ...headers }),
    delete: async (path: string, headers: Headers = {}) => ask.delete(path, { ...shown, ...headers }),
  }
}
export type HatClient = ReturnType<typeof atHat>

/** A host for a participant of a study. */
export async function aHost(study: Study, participant: Pick<Participant, 'id'>): Promise<string> {
  const host = `localhost:${(ports += 1)}`
  ok(await operator.put(`${study.path}/hosts/${host}`, { participant: participant.id }))
  return host
}

/** A HAT whose owner shows their key, in a study of its own unless there is one. */
export async function aHat(of: { study?: Study; settings?: object; owner?: object } = {}) {
  const study = of.study ?? (await aStudy({ allowPublic: true, ...of.settings }))
  const person = await aParticipant(study, of.owner)
  const host = await aHost(study, person)
  return { study, person, host, owner: atHat(host, person.key), nobody: atHat(host) }
}
export type Hat = Awaited<ReturnType<typeof aHat>>

/** So many private files of the owner's at once: the first five from the source `early`, the others from `bulk`. */
export const fill = async ({ study, person }: Hat, files: number) =>
  seedBulk(study, {
    from: 1,
    to: files,
    recipe: {
      owner: `'${person.id}'`,
      name: `'name ' || i`,
      category: 'NULL',
      source: `CASE WHEN i <= 5 THEN 'early' ELSE 'bulk' END`,
      tags: `'[]'`,
      visibility: `'private'`,
    },
  })

export const FILES = '/api/v2.6/files'

/** Brings bytes to an upload URL, as storage has them after the PUT. */
export const send = async (url: string, bytes: string | Uint8Array = 'hello world', contentType?: string) =>
  env.BUCKET.put(objectKeyOf(url), bytes, contentType === undefined ? {} : { httpMetadata: { contentType } })

/** A file that was begun, as HAT tells it. */
export const aNew = async (client: HatClient, file: object = {}) =>
  ok(await client.post(`${FILES}/upload`, { name: 'notes.txt', source: 'test', ...file }))

/** One whose bytes are there. */
export async function aCompleted(client: HatClient, file: object = {}, bytes?: string) {
  const { fileId, contentUrl } = await aNew(client, file)
  await send(contentUrl, bytes)
  return ok(await client.put(`${FILES}/file/${fileId}/complete`))
}
