import { Hono } from 'hono'
import { replay, signed } from './replay.ts'

// What Carrel is measured against: bare Hono Workers. One asks of storage what Carrel does, word for word (`replay.ts`). The
// other, which is here, does the work of each operation that no service on this platform can leave out: it asks the same
// tables for what an answer is made of, or changes the same rows. Who asks, whether they may, whether what they send makes
// sense, what two at once would do to each other and who did what is nobody's concern here.

const STUDY = 'bench'
const TTL_SECONDS = 60

type Bound = { Bindings: Pick<Env, 'DB' | 'BUCKET' | 'TOKENS' | 'JOBS'> }
const app = new Hono<Bound>()
app.route('/', replay)

const FILE = `id, number, study_id, owner, handle, name, category, source, title, description, tags, metadata, visibility,
  revision, created_at, updated_at, listed_at, version_id, version_number, version_name, media_type, size, md5, sha256,
  verified, version_created_at, completed_at`
const fileColumns = (alias: string) => FILE.replaceAll(/\w+/g, (column) => `${alias}.${column}`)
const text = (id: string) => id.padEnd(26, '0').slice(0, 26)
const newId = () => text(crypto.randomUUID().replaceAll('-', '').toUpperCase())

app.post('/files', async (c) => {
  const { name, mediaType, size, owner } = await c.req.json<Record<string, string | number>>()
  const [id, now] = [newId(), Date.now()]
  const [, , , created] = await c.env.DB.batch([
    c.env.DB.prepare(
      `INSERT INTO uploads (study_id, id, file_id, owner, number, attempt, object_key, kind, name, media_type, size,
         created_by, created_at, url_expires_at, expires_at, due_at)
       SELECT s.id, 'upl_' || ?1, 'fil_' || ?1, ?2, s.number * 16777216 + s.next_number, 1, s.id || '/ver_' || ?1,
         'single', ?3, ?4, ?5, 'participant:' || ?2, ?6, ?6, ?6, ?6 FROM studies s WHERE s.id = ?7`,
    ).bind(id, owner, name, mediaType, size, now, STUDY),
    c.env.DB.prepare(
      `UPDATE studies SET next_number = next_number + 1, bytes = bytes + ?, files = files + 1 WHERE id = ?`,
    ).bind(size, STUDY),
    c.env.DB.prepare(
      `INSERT INTO files (study_id, id, owner, handle, number, name, visibility, created_by, created_at, updated_at)
       SELECT study_id, file_id, owner, file_id, number, name, 'study', created_by, created_at, created_at
       FROM uploads WHERE study_id = ? AND id = ?`,
    ).bind(STUDY, `upl_${id}`),
    c.env.DB.prepare(`SELECT ${FILE} FROM files WHERE study_id = ? AND id = ?`).bind(STUDY, `fil_${id}`),
  ])
  return c.json({ file: created?.results[0], upload: { id: `upl_${id}`, method: 'PUT' } }, 201)
})

app.post('/uploads/:upload/complete', async (c) => {
  const { DB, BUCKET } = c.env
  const id = c.req.param('upload')
  const upload = await DB.prepare('SELECT * FROM uploads WHERE study_id = ? AND id = ?')
    .bind(STUDY, id)
    .first<{ object_key: string; file_id: string }>()
  const object = upload && (await BUCKET.head(upload.object_key))
  if (!upload || !object) return c.notFound()
  const now = Date.now()
  const [, , , completed] = await DB.batch([
    DB.prepare(
      `INSERT INTO versions (study_id, id, file_id, number, object_key, name, media_type, size, verified, etag,
         created_by, created_at, completed_at, url_expires_at)
       SELECT study_id, 'ver_' || substr(id, 5), file_id, number, object_key, name, media_type, size, 'storage', ?3,
         created_by, created_at, ?4, url_expires_at FROM uploads WHERE study_id = ?1 AND id = ?2`,
    ).bind(STUDY, id, object.etag, now),
    DB.prepare(
      `UPDATE files SET (version_id, version_number, version_name, media_type, size, verified, etag, object_key,
         version_created_at, completed_at, listed_at, updated_at) =
         (SELECT id, number, name, media_type, size, verified, etag, object_key, created_at, completed_at, completed_at,
           completed_at FROM versions WHERE study_id = ?1 AND id = 'ver_' || substr(?2, 5))
       WHERE study_id = ?1 AND id = ?3`,
    ).bind(STUDY, id, upload.file_id),
    DB.prepare('DELETE FROM uploads WHERE study_id = ? AND id = ?').bind(STUDY, id),
    DB.prepare(`SELECT ${FILE} FROM files WHERE study_id = ? AND id = ?`).bind(STUDY, upload.file_id),
  ])
  return c.json(completed?.results[0])
})

app.get('/files/:file', async (c) => {
  const file = await c.env.DB.prepare(`SELECT ${FILE} FROM files WHERE study_id = ? AND id = ?`)
    .bind(STUDY, c.req.param('file'))
    .first()
  return file === null ? c.notFound() : c.json(file)
})

/** For each of the listings: what Carrel's shelf has under this scope, latest first. */
const listed = async (db: D1Database, scope: string) => {
  const { results } = await db
    .prepare(
      `SELECT ${fileColumns('f')} FROM shelf s CROSS JOIN files f ON f.study_id = s.study_id AND f.id = s.file_id
       WHERE s.study_id = ? AND s.scope = ? AND s.term = '' ORDER BY s.listed_at DESC, s.file_id DESC LIMIT 101`,
    )
    .bind(STUDY, scope)
    .all()
  return { items: results.slice(0, 100), nextCursor: results[100]?.['id'] }
}
app.get('/files', async (c) => c.json(await listed(c.env.DB, '+')))
app.get('/participants/:participant/files', async (c) =>
  c.json(await listed(c.env.DB, `own:${c.req.param('participant')}`)),
)

app.get('/search', async (c) => {
  const { results } = await c.env.DB.prepare(
    `SELECT ${fileColumns('f')} FROM files_fts CROSS JOIN files f ON f.study_id = ?1 AND f.number = files_fts.rowid
     WHERE files_fts MATCH ?2 ORDER BY files_fts.rowid DESC LIMIT 100`,
  )
    .bind(STUDY, `who:s1p AND "${c.req.query('q') ?? ''}"*`)
    .all()
  return c.json({ items: results })
})

app.post('/files/:file/download-tokens', async (c) => {
  const { DB, TOKENS } = c.env
  const [id, now] = [newId(), Date.now()]
  const expiresAt = now + TTL_SECONDS * 1000
  const [, file] = await DB.batch<{ object_key: string; version_id: string }>([
    DB.prepare(
      `INSERT INTO download_tokens (study_id, hash, id, file_id, version_id, delivery, confirm, issued_by, created_at,
         expires_at)
       SELECT study_id, ?3, ?3, id, version_id, 'redirect', 0, 'system', ?4, ?5 FROM files
       WHERE study_id = ?1 AND id = ?2`,
    ).bind(STUDY, c.req.param('file'), id, now, expiresAt),
    DB.prepare('SELECT object_key, version_id FROM files WHERE study_id = ? AND id = ?').bind(
      STUDY,
      c.req.param('file'),
    ),
  ])
  await TOKENS.put(id, JSON.stringify({ ...file?.results[0], expiresAt }), { expirationTtl: TTL_SECONDS })
  return c.json({ id, url: `${new URL(c.req.url).origin}/d/${id}`, expiresAt }, 201)
})

app.get('/d/:token', async (c) => {
  const token = c.req.param('token')
  const payload = await c.env.TOKENS.get<{ object_key: string }>(token, 'json')
  const { results } = await c.env.DB.prepare(
    `UPDATE download_tokens SET claimed_at = ?3, claimed_by = 'nonce' WHERE study_id = ?1 AND hash = ?2
       AND claimed_at IS NULL RETURNING id`,
  )
    .bind(STUDY, token, Date.now())
    .all()
  return results.length === 0 ? c.notFound() : c.redirect(`https://storage.example.org/${payload?.object_key}`)
})

app.put('/participants/:participant/documents/:document', async (c) => {
  const { participant, document } = c.req.param()
  const data = await c.req.text()
  const now = Date.now()
  await c.env.DB.batch([
    c.env.DB.prepare(
      `INSERT INTO documents (study_id, participant_id, identifier, etag, size, created_at, updated_at)
       VALUES (?, ?, ?, ?, ?, ?6, ?6)
       ON CONFLICT DO UPDATE SET etag = excluded.etag, size = excluded.size, updated_at = excluded.updated_at`,
    ).bind(STUDY, participant, document, crypto.randomUUID(), data.length, now),
    c.env.DB.prepare(
      `INSERT INTO document_bodies (study_id, participant_id, identifier, data) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET data = excluded.data`,
    ).bind(STUDY, participant, document, data),
  ])
  return c.json({ identifier: document, updatedAt: now })
})

app.get('/participants/:participant/documents/:document', async (c) => {
  const { participant, document } = c.req.param()
  const found = await c.env.DB.prepare(
    `SELECT d.etag, b.data FROM documents d JOIN document_bodies b USING (study_id, participant_id, identifier)
     WHERE d.study_id = ? AND d.participant_id = ? AND d.identifier = ?`,
  )
    .bind(STUDY, participant, document)
    .first<{ etag: string; data: string }>()
  if (found === null) return c.notFound()
  return c.body(found.data, 200, { 'Content-Type': 'application/json', ETag: `"${found.etag}"` })
})

app.post('/participants/:participant/reports/:report/entries', async (c) => {
  const { participant, report } = c.req.param()
  const { at, data } = await c.req.json<{ at: string; data: unknown }>()
  const now = Date.now()
  await c.env.DB.batch([
    c.env.DB.prepare(
      'INSERT INTO reports (study_id, owner, identifier, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ).bind(STUDY, participant, report, now),
    c.env.DB.prepare(
      `INSERT INTO report_entries (study_id, owner, identifier, kind, at, data, updated_at)
       VALUES (?, ?, ?, 'instant', ?, ?, ?) ON CONFLICT DO UPDATE SET data = excluded.data`,
    ).bind(STUDY, participant, report, at, JSON.stringify(data), now),
  ])
  return c.json({ at }, 201)
})

app.post('/uploads/:upload/parts', async (c) => {
  const asked = await c.req.json<{ parts: { number: number }[] }>()
  const upload = await c.env.DB.prepare('SELECT * FROM uploads WHERE study_id = ? AND id = ?')
    .bind(STUDY, c.req.param('upload'))
    .first<{ object_key: string; multipart_id: string }>()
  const parts = await signed(new URL(c.req.url).origin, upload?.object_key ?? '', asked.parts.length)
  return c.json({ parts })
})

app.get('/members/:number', async (c) => {
  const number = Number(c.req.param('number'))
  const member = await c.env.DB.prepare('SELECT * FROM participants WHERE study_id = ? AND number = ?')
    .bind(STUDY, number)
    .first<{ id: string }>()
  return c.json({ member, data: await listed(c.env.DB, `own:${member?.id}`) })
})

app.get('/download/:number', async (c) => {
  const file = await c.env.DB.prepare('SELECT * FROM files WHERE study_id = ? AND number = ?')
    .bind(STUDY, Number(c.req.param('number')))
    .first<{ object_key: string }>()
  const object = file && (await c.env.BUCKET.get(file.object_key))
  return object ? c.body(object.body) : c.notFound()
})

/** Bytes into the bucket, for what the measured operations need to find there. */
app.post('/objects', async (c) => {
  const { keys, content } = await c.req.json<{ keys: string[]; content: string }>()
  await Promise.all(keys.map(async (key) => c.env.BUCKET.put(key, content)))
  return c.body(null, 204)
})

/** Statements as they come, for migrations and the files that there are to begin with. */
app.post('/sql', async (c) => {
  const { statements } = await c.req.json<{ statements: string[] }>()
  await c.env.DB.batch(statements.map((each) => c.env.DB.prepare(each)))
  return c.body(null, 204)
})

export default app
