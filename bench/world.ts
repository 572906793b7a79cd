import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Call, ok, type Send } from './client.ts'
import { CARREL_HOST, HAT_HOST, REFERENCE_HOST } from './hosts.ts'

// What all is measured on: a study with a hundred participants who have all files between them.

export const STUDY = 'bench'
const PARTICIPANTS = 100
/** Numbers that the study's own counter does not come to. */
const SEED_NUMBERS = 8_000_000
const CHUNK = 5_000
const SINCE = Date.UTC(2026, 0)
const MIGRATIONS = join(import.meta.dirname, '../migrations')

export const path = `/v1/studies/${STUDY}`
const HELLO = 'hello world'
export const NEW_FILE = { name: 'walk.csv', mediaType: 'text/csv', size: HELLO.length }

/** File `i` is of participant `i % 100`; each tenth is private. */
export const fileId = (i: number) => `fil_${String(i).padStart(26, '0')}`
const participantId = (i: number) => `person-${i}`

const bearer = (key: string) => ({ Authorization: `Bearer ${key}` })
export const carrel = (key: string, call: Omit<Call, 'host'>): Call => ({
  host: CARREL_HOST,
  ...call,
  headers: { ...bearer(key), ...call.headers },
})
export const reference = (call: Omit<Call, 'host'>): Call => ({ host: REFERENCE_HOST, ...call })

type Person = Readonly<{ id: string; key: string; number: number }>

export type World = Readonly<{
  send: Send
  files: number
  /** Person 0, who sends and writes. */
  ada: Person
  /** Person 1, who has sent all that they will, and reads. */
  bob: Person
  worker: string
  staff: string
  /** The number of a file of the study with content, and the study's. */
  download: { file: number; study: number }
}>

const sql = async (send: Send, statements: readonly string[]) => {
  const { status, text } = await send(reference({ method: 'POST', path: '/sql', body: { statements } }))
  if (status !== 204) throw new Error(`${status}: ${text}`)
}

export async function migrate(send: Send): Promise<void> {
  for (const name of readdirSync(MIGRATIONS)
    .filter((each) => each.endsWith('.sql'))
    .toSorted()) {
    const statements = readFileSync(join(MIGRATIONS, name), 'utf8').split('--> statement-breakpoint')
    await sql(send, statements)
  }
}

/** Complete files and their versions, as completions would have left them. They have no objects. */
export async function addFiles(send: Send, { from, to }: { from: number; to: number }): Promise<void> {
  for (let first = from; first <= to; first += CHUNK) {
    const last = Math.min(first + CHUNK - 1, to)
    const range = `study_id = '${STUDY}' AND id BETWEEN '${fileId(first)}' AND '${fileId(last)}'`
    await sql(send, [
      `INSERT INTO files (study_id, id, owner, handle, number, name, category, source, tags, visibility, created_by,
         version_id, version_number, version_name, media_type, size, verified, etag, object_key, version_created_at,
         completed_at, listed_at, created_at, updated_at)
       WITH RECURSIVE series(i) AS (SELECT ${first} UNION ALL SELECT i + 1 FROM series WHERE i < ${last})
       SELECT s.id, 'fil_' || printf('%026d', i), 'person-' || (i % ${PARTICIPANTS}),
         'fil_' || printf('%026d', i), s.number * 16777216 + ${SEED_NUMBERS} + i, 'walk ' || i || '.csv', 'steps',
         'phone', '[]', CASE i % 10 WHEN 3 THEN 'private' ELSE 'study' END, 'system', 'ver_' || printf('%026d', i),
         s.number * 16777216 + ${SEED_NUMBERS} + i, 'walk ' || i || '.csv', 'text/csv', 11, 'no', 'etag',
         s.id || '/ver_' || printf('%026d', i), ${SINCE} + i * 1000, ${SINCE} + i * 1000, ${SINCE} + i * 1000,
         ${SINCE} + i * 1000, ${SINCE} + i * 1000 FROM series CROSS JOIN studies s ON s.id = '${STUDY}'`,
      `INSERT INTO versions (study_id, id, file_id, number, object_key, name, media_type, size, verified, etag,
         created_by, created_at, completed_at, url_expires_at)
       SELECT study_id, version_id, id, version_number, object_key, version_name, media_type, size, verified, etag,
         created_by, version_created_at, completed_at, completed_at FROM files WHERE ${range}`,
      `INSERT INTO shelf SELECT * FROM shelf_truth WHERE ${range.replace(' id ', ' file_id ')} ORDER BY 1, 2, 3, 4, 5`,
    ])
  }
}

/** Begins a file as its participant, and puts its bytes where they would be sent; answers with the upload. */
export async function arrived(send: Send, key: string): Promise<string> {
  const begun = await ok<{ upload: { id: string; url: string } }>(
    send(carrel(key, { method: 'POST', path: `${path}/files`, body: NEW_FILE })),
  )
  const objectKey = new URL(begun.upload.url).pathname.replace('/carrel/', '')
  await send(reference({ method: 'POST', path: '/objects', body: { keys: [objectKey], content: HELLO } }))
  return begun.upload.id
}

async function aKey(send: Send, operator: string, key: object): Promise<string> {
  const body = { label: 'bench', ...key }
  return (await ok<{ secret: string }>(send(carrel(operator, { method: 'POST', path: `${path}/keys`, body })))).secret
}

export async function aWorld(send: Send, operator: string): Promise<World> {
  const body = { id: STUDY, name: 'Bench', settings: { defaultVisibility: 'study' } }
  const study = await ok<{ number: number }>(send(carrel(operator, { method: 'POST', path: '/v1/studies', body })))
  const admin = await aKey(send, operator, { role: 'admin' })
  const post = async (of: string, content: object) =>
    ok<{ id: string; number: number }>(send(carrel(admin, { method: 'POST', path: `${path}${of}`, body: content })))
  const people: { id: string; number: number }[] = []
  for (let i = 0; i < PARTICIPANTS; i += 1) {
    people.push(await post('/participants', { id: participantId(i), externalId: `P-${i}` }))
  }
  const withKey = async (i: number): Promise<Person> => {
    const [id, { number = 0 } = {}] = [participantId(i), people[i]]
    return { id, number, key: await aKey(send, admin, { role: 'participant', participant: id }) }
  }
  const [ada, bob] = [await withKey(0), await withKey(1)]
  const host = { method: 'PUT', path: `${path}/hosts/${HAT_HOST}`, body: { participant: bob.id } } as const
  await ok(send(carrel(operator, host)))
  const upload = await arrived(send, ada.key)
  const file = await ok<{ number: number }>(
    send(carrel(ada.key, { method: 'POST', path: `${path}/uploads/${upload}/complete` })),
  )
  const worker = await aKey(send, admin, { role: 'worker' })
  const staff = await aKey(send, admin, { role: 'staff' })
  return { send, files: 0, ada, bob, worker, staff, download: { file: file.number, study: study.number } }
}
