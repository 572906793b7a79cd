import { env } from 'cloudflare:workers'
import { arrive, beginLoose } from './arrivals.ts'
import { objectKeys } from './bucket.ts'
import { anonymous, type Caller, operator } from './client.ts'
import { overriding, sweepAt, within } from './faults.ts'
import { large, report, send, urlsOf } from './parts.ts'
import { seedBulk } from './seed.ts'
import { acting, signingIn } from './sessions.ts'
import { aFile, aParticipant, begin, ok, type Participant, put, replace, type Study } from './world.ts'

// Somebody who has some of everything, and a look at all that is stored afterwards.

export type Size = Readonly<{ files: number; documents: number; entries: number }>

const rowsOf = async <Row>(sql: string, ...values: unknown[]): Promise<Row[]> =>
  (
    await env.DB.prepare(sql)
      .bind(...values)
      .all<Row>()
  ).results

const versionId = (i: number) => `ver_${String(i).padStart(26, '0')}`

/** So that the files of two who are seeded are not the same. */
let seeded = 0

/** Complete files with their objects, every twentieth with an older version. */
async function seedFiles(study: Study, owner: string, count: number): Promise<void> {
  const from = (seeded += 10_000)
  const older = (i: number) => i % 20 === 0
  await seedBulk(study, {
    from,
    to: from + count - 1,
    recipe: {
      owner: `'${owner}'`,
      name: `'walk ' || i || '.txt'`,
      category: `'diary'`,
      source: `'phone'`,
      tags: `'["walk","rain"]'`,
      visibility: `CASE i % 2 WHEN 0 THEN 'study' ELSE 'private' END`,
    },
  })
  await env.DB.prepare(
    `INSERT INTO versions (study_id, id, file_id, number, object_key, name, media_type, size, verified, etag, created_by,
       created_at, completed_at, url_expires_at)
     SELECT study_id, 'old_' || substr(id, 5), file_id, number - 100000, object_key || '.old', name, media_type, size,
       verified, etag, created_by, created_at, completed_at, url_expires_at
     FROM versions WHERE study_id = ? AND id BETWEEN ? AND ? AND CAST(substr(id, 5) AS INTEGER) % 20 = 0`,
  )
    .bind(study.id, versionId(from), versionId(from + count - 1))
    .run()
  // In the service a begin counts; the rows above were just put there.
  await env.DB.prepare('UPDATE studies SET files = files + ?1, bytes = bytes + 11 * (?1 + ?2) WHERE id = ?3')
    .bind(count, Math.ceil(count / 20), study.id)
    .run()
  const keys = Array.from({ length: count }, (_, index) => from + index).flatMap((i) => {
    const key = `${study.id}/${versionId(i)}`
    return older(i) ? [key, `${key}.old`] : [key]
  })
  for (let at = 0; at < keys.length; at += 100) {
    await Promise.all(keys.slice(at, at + 100).map(async (key) => env.BUCKET.put(key, 'hello world')))
  }
}

async function seedData(study: Study, owner: string, { documents, entries }: Size): Promise<void> {
  const series = (to: number) =>
    `WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < ${to})`
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO documents (study_id, participant_id, identifier, etag, size, created_at, updated_at)
       ${series(documents)} SELECT ?1, ?2, 'answers-' || i, 'etag', 20, 1, 1 FROM series`,
    ).bind(study.id, owner),
    env.DB.prepare(
      `INSERT INTO document_bodies (study_id, participant_id, identifier, data)
       ${series(documents)} SELECT ?1, ?2, 'answers-' || i, '{"walked":' || i || '}' FROM series`,
    ).bind(study.id, owner),
    env.DB.prepare(
      `INSERT INTO reports (study_id, owner, identifier, created_at) VALUES (?1, ?2, 'steps', 1), (?1, ?2, 'sleep', 1)`,
    ).bind(study.id, owner),
    env.DB.prepare(
      `INSERT INTO report_entries (study_id, owner, identifier, kind, at, data, updated_at)
       ${series(entries)} SELECT ?1, ?2, CASE i % 3 WHEN 0 THEN 'sleep' ELSE 'steps' END, 'instant',
         strftime('%Y-%m-%dT%H:%M:%S.000Z', 1700000000 + i * 60, 'unixepoch'), '{"n":' || i || '}', 1 FROM series`,
    ).bind(study.id, owner),
  ])
}

/** What was shared with others, and by others; links of their own and of the team's, one of a file that is gone. */
async function shareThings(study: Study, ada: Participant, grace: Participant): Promise<void> {
  const files = `${study.path}/files`
  const [shared, linked, gone] = [
    await aFile(ada, study, { visibility: 'study' }),
    await aFile(ada, study, { visibility: 'study' }),
    await aFile(ada, study, { visibility: 'study' }),
  ]
  const theirs = await aFile(grace, study)
  ok(await ada.put(`${files}/${shared.id}/grants/participant:${grace.id}`, { level: 'content' }))
  ok(await grace.put(`${files}/${theirs.id}/grants/participant:${encodeURIComponent(ada.id)}`, { level: 'content' }))
  for (const caller of [ada, study.staff, study.admin]) {
    ok(await caller.post(`${files}/${linked.id}/download-tokens`, { seconds: 600_000 }))
  }
  ok(await ada.post(`${files}/${gone.id}/download-tokens`, { seconds: 600_000 }))
  ok(await ada.delete(`${files}/${gone.id}`))
}

/** Uploads that are open: nothing has come of them, or all, or a part, or all without a word of what it would be. */
async function openUploads(study: Study, ada: Participant): Promise<void> {
  const desk = { study, owner: ada, at: (upload: { id: string }) => `${study.path}/uploads/${upload.id}` }
  await begin(ada, study)
  await put((await begin(ada, study)).upload.url)
  const handle = `${study.path}/participants/me/files/notes`
  ok(await ada.post(`${desk.at(await replace(ada, handle))}/complete`))
  await replace(ada, handle)
  const { upload } = await large(desk)
  const [part] = await urlsOf(desk, upload, 2)
  await report(desk, upload, await send(part))
  await arrive(await beginLoose(desk))
}

/** A participant with so many files, documents and entries, and a few of everything else that there is. */
export async function aBusyParticipant(study: Study, size: Size) {
  const mark = crypto.randomUUID().replaceAll('-', '')
  const person = { externalId: `ext-${mark}`, email: `${mark}@example.org`, firstName: `Ada-${mark}` }
  const ada = await aParticipant(study, { id: `ada-${mark}`, ...person })
  const grace = await aParticipant(study)
  await seedFiles(study, ada.id, size.files)
  await seedData(study, ada.id, size)
  await shareThings(study, ada, grace)
  await openUploads(study, ada)
  const at = `${study.path}/participants/${ada.id}`
  ok(await study.admin.post(`${at}/enrolment-codes`, { label: 'phone' }))
  ok(await ada.put(`${at}/reports/diary-of-${mark}/entries/2026-11-21`, { rained: true }))
  ok(
    await study.admin.post(`${study.path}/members`, {
      issuer: 'https://id.example.org',
      subject: mark,
      role: 'participant',
      participant: ada.id,
    }),
  )
  await signingIn(study, { ...person, key: ada.key })
  await acting(study.worker.key ?? '', ada)
  ok(await operator.put(`${study.path}/hosts/${mark}.example.org`, { participant: ada.id }))
  const once = { 'Idempotency-Key': mark }
  ok(await ada.post(`${study.path}/files`, { name: 'once.txt', mediaType: 'text/plain', size: 1 }, once))
  return { ada, grace, mark, path: at }
}
export type Busy = Awaited<ReturnType<typeof aBusyParticipant>>

/** All that is known only of somebody: what names them, and what names things of theirs. */
export async function namesOf(study: Study, { ada, mark }: Pick<Busy, 'ada' | 'mark'>) {
  const ids = async (sql: string) => (await rowsOf<{ id: string }>(sql, study.id, ada.id)).map(({ id }) => id)
  const [auditId = ''] = await ids('SELECT audit_id AS id FROM participants WHERE study_id = ? AND id = ?')
  return {
    auditId,
    // Words of who may find a file have ids in hexadecimal digits.
    person: [
      mark,
      Array.from(new TextEncoder().encode(ada.id), (byte) => byte.toString(16))
        .join('')
        .slice(-24),
    ],
    things: [
      ...(await ids('SELECT substr(id, 5) AS id FROM files WHERE study_id = ? AND owner = ?')),
      ...(await ids('SELECT substr(id, 5) AS id FROM uploads WHERE study_id = ? AND owner = ?')),
      ...(await ids(
        `SELECT v.object_key AS id FROM files f JOIN versions v ON v.study_id = f.study_id AND v.file_id = f.id
         WHERE f.study_id = ? AND f.owner = ?`,
      )),
      ...(await ids('SELECT object_key AS id FROM object_deletions WHERE study_id = ? AND owner = ?')),
      ...(await ids(
        'SELECT staging_key AS id FROM uploads WHERE study_id = ? AND owner = ? AND staging_key IS NOT NULL',
      )),
      ...(await ids('SELECT hash AS id FROM sessions WHERE study_id = ? AND participant_id = ?')),
      ...(await ids('SELECT hash AS id FROM download_tokens WHERE study_id = ? AND owner = ?')),
      ...(await ids('SELECT id FROM download_tokens WHERE study_id = ? AND owner = ?')),
      ...(await ids('SELECT hash AS id FROM api_keys WHERE study_id = ? AND participant_id = ?')),
      ...(await ids('SELECT hash AS id FROM enrolment_codes WHERE study_id = ? AND participant_id = ?')),
    ],
  }
}

/** Bytes come as numbers; whatever it is, as text in lower case. */
const textOf = (value: unknown): string =>
  Array.isArray(value) ? String.fromCharCode(...value.map(Number)).toLowerCase() : String(value).toLowerCase()

/** All that is stored, by where it is: every table of the database, the bucket's keys, its receipts, and KV. */
export async function everythingStored(): Promise<Map<string, string>> {
  const tables = await rowsOf<{ name: string }>(
    `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT GLOB '_cf_*' AND name NOT GLOB 'sqlite_*'`,
  )
  const stored = new Map<string, string>()
  for (const { name } of tables) {
    const rows = await rowsOf<Record<string, unknown>>(`SELECT * FROM ${name}`)
    stored.set(name, rows.flatMap((row) => Object.values(row).map(textOf)).join('\n'))
  }
  const keys = await objectKeys()
  const receipts = keys.filter((key) => key.startsWith('erased/'))
  stored.set('bucket', keys.filter((key) => !receipts.includes(key)).join('\n'))
  stored.set('receipt keys', receipts.join('\n'))
  const texts = await Promise.all(receipts.map(async (key) => (await env.BUCKET.get(key))?.text()))
  stored.set('receipts', texts.join('\n'))
  const { keys: records } = await env.TOKENS.list()
  const values = await Promise.all(records.map(async ({ name }) => env.TOKENS.get(name)))
  stored.set('KV', [...records.map(({ name }) => name), ...values].join('\n'))
  return stored
}

/** Where any of the names still is. */
export async function tracesOf(names: readonly string[]): Promise<string[]> {
  const stored = await everythingStored()
  return [...stored]
    .filter(([, text]) => names.some((name) => text.includes(name.toLowerCase())))
    .map(([place]) => place)
}

/** The queue of jobs, held by the test: what is sent waits until it is delivered. */
export function heldJobs() {
  const sent: unknown[] = []
  const JOBS = overriding(env.JOBS, {
    send: async (message: unknown) => {
      sent.push(message)
      return { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } }
    },
  })
  return { JOBS, sent, take: () => sent.splice(0) }
}

/** Erases without the queue doing anything about it; answers the receipt. */
export const eraseQuietly = async (caller: Caller, path: string) =>
  ok(await within({ JOBS: heldJobs().JOBS }, caller).delete(path))

export const receiptOf = async (erasure: { study: string; id: string }) =>
  ok(await anonymous.get(`/v1/studies/${erasure.study}/erasures/${erasure.id}`))

const MINUTE_MS = 60_000

/** Runs the cron, a run a minute and, when only bytes are left, once a day on, until it is done; answers the receipt. */
export async function sweepUntilDone(erasure: { study: string; id: string }, { JOBS } = heldJobs(), runs = 200) {
  let time = Date.now()
  for (let run = 0; run < runs; run += 1) {
    const receipt = await receiptOf(erasure)
    if (receipt.state === 'done') return receipt
    time += receipt.state === 'deleting' && run % 2 === 0 ? 2 * 24 * 60 * MINUTE_MS : 2 * MINUTE_MS
    await sweepAt(new Date(time), { JOBS })
  }
  throw new Error('it is never done')
}
