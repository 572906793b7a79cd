import { copyFile, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Look } from '../../support/none-of.ts'

// What a service that is down has stored, looked at where Miniflare keeps it. SQLite mends what a killed process has
// left when it opens it, and that is for the next start to do: so the databases are copied, each with its log.

const DATABASES = { d1: 'v3/d1/miniflare-D1DatabaseObject', r2: 'v3/r2/miniflare-R2BucketObject' }
const BLOBS = 'v3/r2/carrel/blobs'
const DATABASE = /^[0-9a-f]{64}\.sqlite(?:-wal)?$/

/** What `look` finds in what is stored below `persistTo`. */
export async function onDisk<Found>(persistTo: string, use: (look: Look) => Promise<Found>): Promise<Found> {
  const copies = await mkdtemp(join(tmpdir(), 'carrel-disk-'))
  try {
    const db = await copied(join(persistTo, DATABASES.d1), copies)
    const bucket = await copied(join(persistTo, DATABASES.r2), copies)
    try {
      return await use(lookInto({ db, bucket, blobs: join(persistTo, BLOBS) }))
    } finally {
      db.close()
      bucket.close()
    }
  } finally {
    await rm(copies, { recursive: true })
  }
}

async function copied(folder: string, to: string): Promise<DatabaseSync> {
  const names = (await readdir(folder)).filter((name) => DATABASE.test(name))
  const [main, ...others] = names.filter((name) => name.endsWith('.sqlite'))
  if (main === undefined || others.length > 0) throw new Error(`There is not one database in ${folder}.`)
  await Promise.all(names.map(async (name) => copyFile(join(folder, name), join(to, name))))
  return new DatabaseSync(join(to, main))
}

const lookInto = ({ db, bucket, blobs }: { db: DatabaseSync; bucket: DatabaseSync; blobs: string }): Look => {
  const sizeOf = async (blob: unknown) => {
    try {
      return (await stat(join(blobs, String(blob)))).size
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 0
      throw error
    }
  }
  const [object, parts, keys] = [
    bucket.prepare('SELECT size, etag, blob_id FROM _mf_objects WHERE key = ?1'),
    bucket.prepare('SELECT blob_id FROM _mf_multipart_parts WHERE object_key = ?1'),
    bucket.prepare('SELECT key FROM _mf_objects WHERE substr(key, 1, length(?1)) = ?1'),
  ]
  return {
    rows: async (queries, study) => queries.map((sql) => db.prepare(sql).all(study)),
    keysUnder: async (prefix) => keys.all(prefix).map(({ key }) => String(key)),
    head: async (key) => {
      const found = object.get(key)
      if (found === undefined) return null
      const held = found['blob_id'] === null ? parts.all(key) : [found]
      const sizes = await Promise.all(held.map(async (each) => sizeOf(each['blob_id'])))
      // An object is as long as the bytes that are there for it.
      return { size: sizes.reduce((sum, size) => sum + size, 0), etag: String(found['etag']) }
    },
  }
}
