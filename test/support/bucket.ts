import { env } from 'cloudflare:workers'

// Looks at storage from outside: what the bucket holds against what the database knows.

const rows = async <Row>(sql: string, ...values: unknown[]): Promise<Row[]> =>
  (
    await env.DB.prepare(sql)
      .bind(...values)
      .all<Row>()
  ).results

export async function objectKeys(cursor?: string): Promise<string[]> {
  const page = await env.BUCKET.list(cursor === undefined ? {} : { cursor })
  const keys = page.objects.map((object) => object.key)
  return page.truncated ? [...keys, ...(await objectKeys(page.cursor))] : keys
}

/** Objects that belong to no version, no open upload and not to the outbox, and are no receipts. */
export async function strays(): Promise<string[]> {
  const known = await rows<{ key: string }>(
    `SELECT object_key AS key FROM versions UNION SELECT object_key FROM uploads UNION SELECT staging_key FROM uploads
      UNION SELECT object_key FROM object_deletions UNION SELECT 'erased/' || study_id || '/' || audit_id FROM erasures`,
  )
  const keys = new Set(known.map(({ key }) => key))
  return (await objectKeys()).filter((key) => !keys.has(key))
}

/** Versions whose object is not there, or not what was recorded of it. */
export async function hollowVersions(): Promise<string[]> {
  const versions = await rows<{ id: string; key: string; size: number; etag: string }>(
    'SELECT id, object_key AS key, size, etag FROM versions',
  )
  const heads = await Promise.all(versions.map(async ({ key }) => env.BUCKET.head(key)))
  return versions
    .filter(({ size, etag }, index) => heads[index]?.size !== size || heads[index]?.etag !== etag)
    .map(({ id }) => id)
}

/** A study's objects that are to be deleted. */
export const outbox = async (study: { id: string }) =>
  rows<{ objectKey: string; urlExpiresAt: number; dueAt: number; until: number }>(
    `SELECT object_key AS "objectKey", url_expires_at AS "urlExpiresAt", due_at AS "dueAt", until
      FROM object_deletions WHERE study_id = ? ORDER BY object_key`,
    study.id,
  )

/** The keys of a study's open uploads, by upload. */
export const openUploads = async (study: { id: string }) =>
  rows<{ id: string; objectKey: string; multipartId: string | null; attempt: number; dueAt: number }>(
    `SELECT id, object_key AS "objectKey", multipart_id AS "multipartId", attempt, due_at AS "dueAt"
      FROM uploads WHERE study_id = ? ORDER BY id`,
    study.id,
  )

export const isThere = async (objectKey: string) => (await env.BUCKET.head(objectKey)) !== null
