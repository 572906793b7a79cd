import { z } from 'zod'
import { type Connection, Refused } from './api.ts'
import type { Demo, DemoParticipant } from './demo-record.ts'

/** Kids First wants studies named `SD_` and eight characters; every other tongue takes any name. */
const DEMO_STUDY = 'SD_DEM0DEM0'
const STUDY_PATH = `/v1/studies/${DEMO_STUDY}`

type Person = Readonly<{ externalId: string; firstName: string; email: string }>
const PEOPLE: readonly [Person, Person] = [
  { externalId: 'PT-001', firstName: 'Ada', email: 'ada@example.org' },
  { externalId: 'PT-002', firstName: 'Grace', email: 'grace@example.org' },
]

const FIRST_FILE = { name: 'welcome.txt', mediaType: 'text/plain', visibility: 'study', title: 'Welcome to Carrel' }
const FIRST_BYTES = new TextEncoder().encode('A carrel is the small private desk that a library lends a reader.\n')

const Issued = z.object({ secret: z.string() })
const Participant = z.object({
  id: z.string(),
  number: z.number(),
  email: z.string().nullable(),
  firstName: z.string().nullable(),
})
const ParticipantPage = z.object({ items: z.array(Participant) })
const HostPage = z.object({ items: z.array(z.object({ host: z.string() })) })
const FilePage = z.object({ items: z.array(z.unknown()) })
const Begun = z.object({
  upload: z.object({ id: z.string(), method: z.string(), url: z.string(), headers: z.record(z.string(), z.string()) }),
})

type Service = Readonly<{ url: string; operatorKey: string; as: Connection; signal: AbortSignal }>
type Role = 'admin' | 'worker' | 'staff' | 'participant' | 'download'

/**
 * Makes what the demo study lacks and leaves alone what is there, so that a first start which was cut off is finished
 * by the next one. `known` is the record of an earlier start: keys of it that still work are kept.
 */
export async function prepareDemo(service: Service, known: Demo | undefined): Promise<Demo> {
  await ensureStudy(service)
  const adminKey = await ensureKey(service, known?.adminKey, { issuer: service.operatorKey, role: 'admin' })
  const teamKey = (role: Role, key: string | undefined) => ensureKey(service, key, { issuer: adminKey, role })
  const participants = await ensureParticipants(service, adminKey, known)
  const demo = {
    url: service.url,
    operatorKey: service.operatorKey,
    study: DEMO_STUDY,
    adminKey,
    workerKey: await teamKey('worker', known?.workerKey),
    staffKey: await teamKey('staff', known?.staffKey),
    downloadKey: await teamKey('download', known?.downloadKey),
    participants,
  }
  await ensureHosts(service, participants[0])
  // Someone who has deleted the first file since does not get it back with every start.
  if (participants[0].key !== known?.participants[0].key) await ensureFirstFile(service, participants[0])
  return demo
}

async function ensureStudy({ as, operatorKey }: Service) {
  const study = { id: DEMO_STUDY, name: 'Demo study', settings: { allowPublic: true } }
  try {
    await as(operatorKey).post('/v1/studies', study)
  } catch (error) {
    if (!(error instanceof Refused && error.code === 'study_exists')) throw error
  }
}

type Wanted = Readonly<{ issuer: string; role: Role; participant?: string }>

async function ensureKey({ as }: Service, known: string | undefined, { issuer, ...key }: Wanted) {
  if (known !== undefined && (await isAccepted(as, known))) return known
  return Issued.parse(await as(issuer).post(`${STUDY_PATH}/keys`, { ...key, label: `Demo ${key.role}` })).secret
}

/** Not every role may list files, but only a key that is none is answered 401. */
async function isAccepted(as: Connection, key: string) {
  try {
    await as(key).get(`${STUDY_PATH}/files?limit=1`)
    return true
  } catch (error) {
    if (!(error instanceof Refused) || error.status >= 500) throw error
    return error.status !== 401
  }
}

async function ensureParticipants(service: Service, adminKey: string, known: Demo | undefined) {
  const [first, second] = PEOPLE
  const ensure = (person: Person) => ensureParticipant(service, adminKey, { person, known })
  return [await ensure(first), await ensure(second)] satisfies Demo['participants']
}

type Sought = Readonly<{ person: Person; known: Demo | undefined }>

async function ensureParticipant(
  service: Service,
  adminKey: string,
  { person, known }: Sought,
): Promise<DemoParticipant> {
  const { externalId } = person
  const admin = service.as(adminKey)
  const path = `${STUDY_PATH}/participants`
  const [enrolled] = ParticipantPage.parse(await admin.get(`${path}?externalId=${externalId}`)).items
  const { id, number, email, firstName } = enrolled ?? Participant.parse(await admin.post(path, person))
  const knownKey = known?.participants.find((participant) => participant.id === id)?.key
  const key = await ensureKey(service, knownKey, { issuer: adminKey, role: 'participant', participant: id })
  return { id, number, externalId, email, firstName, key }
}

/** HAT's clients know a person by their host alone: here it is the laptop's, by both of its names. */
async function ensureHosts({ as, operatorKey, url }: Service, { id }: DemoParticipant) {
  const operator = as(operatorKey)
  const { items } = HostPage.parse(await operator.get(`${STUDY_PATH}/hosts?limit=100`))
  const taken = new Set(items.map(({ host }) => host))
  const { port } = new URL(url)
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`].filter((each) => !taken.has(each))) {
    try {
      await operator.put(`${STUDY_PATH}/hosts/${host}`, { participant: id })
    } catch (error) {
      // Somebody's of another study, and meant to be.
      if (!(error instanceof Refused && error.code === 'invalid_request')) throw error
    }
  }
}

async function ensureFirstFile({ as, signal }: Service, { id, key }: DemoParticipant) {
  const participant = as(key)
  const owned = FilePage.parse(
    await participant.get(`${STUDY_PATH}/files?limit=1&participant=${encodeURIComponent(id)}`),
  )
  if (owned.items.length > 0) return
  const file = { ...FIRST_FILE, size: FIRST_BYTES.byteLength }
  const { upload } = Begun.parse(await participant.post(`${STUDY_PATH}/files`, file))
  const { method, headers } = upload
  const sent = await fetch(upload.url, { method, headers, body: FIRST_BYTES, signal })
  if (!sent.ok) throw new Refused(`${method} of the first file`, sent.status, await sent.text())
  await participant.post(`${STUDY_PATH}/uploads/${upload.id}/complete`)
}
