import { env } from 'cloudflare:workers'

// Files straight into the database, for tests that need more of them than the API makes in a test's time. They have no
// objects.

/** Numbers that a study's own counter does not come to in a test. */
const BULK_NUMBERS = 4_000_000
const SEED_NUMBERS = 8_000_000

/** What a bulk of files is made of: SQL expressions over `i`, the file's number in the bulk. */
export type Recipe = Readonly<Record<'owner' | 'name' | 'category' | 'source' | 'tags' | 'visibility', string>>

/** The id of the file that was made from this `i`. */
export const seededId = (i: number) => `fil_${String(i).padStart(26, '0')}`

/** The end of 2025: file `i` of a bulk was listed `i` seconds later. */
export const SEEDED_SINCE = Date.UTC(2026, 0)

/**
 * Complete files and their versions, `i` from `from` to `to`, as completions would have left them; `unlisted`: but for
 * the shelf, which is most of the work, where nothing that is asked looks there.
 */
export async function seedBulk(
  study: { id: string; number: number },
  { from, to, recipe, unlisted = false }: { from: number; to: number; recipe: Recipe; unlisted?: boolean },
): Promise<void> {
  const at = `(${SEEDED_SINCE} + i * 1000)`
  const number = `(${study.number} * 16777216 + ${BULK_NUMBERS} + i)`
  const version = `'ver_' || printf('%026d', i)`
  const [first, last] = [seededId(from), seededId(to)]
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO files (study_id, id, owner, handle, number, name, category, source, tags, visibility, created_by,
         version_id, version_number, version_name, media_type, size, verified, etag, object_key, version_created_at,
         completed_at, listed_at, created_at, updated_at)
       WITH RECURSIVE series(i) AS (SELECT ${from} UNION ALL SELECT i + 1 FROM series WHERE i < ${to})
       SELECT ?1, 'fil_' || printf('%026d', i), ${recipe.owner}, 'fil_' || printf('%026d', i), ${number},
         ${recipe.name}, ${recipe.category}, ${recipe.source}, ${recipe.tags}, ${recipe.visibility}, 'system',
         ${version}, ${number}, ${recipe.name}, 'text/plain', 11, 'no', 'etag', ?1 || '/' || ${version}, ${at}, ${at},
         ${at}, ${at}, ${at} FROM series`,
    ).bind(study.id),
    env.DB.prepare(
      `INSERT INTO versions (study_id, id, file_id, number, object_key, name, media_type, size, verified, etag,
         created_by, created_at, completed_at, url_expires_at)
       SELECT study_id, version_id, id, version_number, object_key, version_name, media_type, size, verified, etag,
         created_by, version_created_at, completed_at, completed_at
       FROM files WHERE study_id = ? AND id BETWEEN ? AND ?`,
    ).bind(study.id, first, last),
  ])
  if (unlisted) return
  // Files become listed by an UPDATE in the service, which is what the triggers wait for; here the shelf is told.
  await env.DB.prepare(
    `INSERT INTO shelf SELECT * FROM shelf_truth WHERE study_id = ? AND file_id BETWEEN ? AND ? ORDER BY 1, 2, 3, 4, 5`,
  )
    .bind(study.id, first, last)
    .run()
}

/** A file as a test's model has it; `owner` '' is the study, `listedAt` null a file without content. */
export type Seed = Readonly<{
  id: string
  owner: string
  name: string
  category: string | null
  source: string | null
  tags: readonly string[]
  visibility: 'private' | 'study' | 'public'
  createdAt: number
  listedAt: number | null
  /** `text/plain` where nothing is said. */
  mediaType?: string
}>

/** A grant as a test's model has it; `until` null: for good. */
export type SeedGrant = Readonly<{
  file: string
  principal: string
  level: 'metadata' | 'content'
  until: number | null
}>

/** These very grants, whether or not anybody goes by the names. */
export const seedGrants = async (study: { id: string }, grants: readonly SeedGrant[]) =>
  env.DB.prepare(
    `INSERT INTO grants (study_id, file_id, principal, level, expires_at, created_at)
     SELECT ?, value ->> 'file', value ->> 'principal', value ->> 'level', value ->> 'until', 0 FROM json_each(?)`,
  )
    .bind(study.id, JSON.stringify(grants))
    .run()

let nextNumber = SEED_NUMBERS

/** These very files, listed in the way of the service: first there, then with content. */
export async function seedFiles(study: { id: string; number: number }, files: readonly Seed[]): Promise<void> {
  const rows = files.map((file, index) => ({ ...file, number: study.number * 2 ** 24 + nextNumber + index }))
  nextNumber += files.length
  const json = JSON.stringify(rows)
  const of = (key: keyof (typeof rows)[number]) => `(row.value ->> '${key}')`
  const ifListed = (value: string) => `CASE WHEN ${of('listedAt')} IS NOT NULL THEN ${value} END`
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO files (study_id, id, owner, handle, number, name, category, source, tags, visibility, created_by,
         created_at, updated_at, version_id, version_number, version_name, media_type, size, verified, etag, object_key,
         version_created_at, completed_at)
       SELECT ?1, ${of('id')}, ${of('owner')}, ${of('id')}, ${of('number')}, ${of('name')}, ${of('category')},
         ${of('source')}, json_extract(row.value, '$.tags'), ${of('visibility')}, 'system', ${of('createdAt')},
         ${of('createdAt')}, ${ifListed(`'ver_' || substr(${of('id')}, 5)`)}, ${ifListed(of('number'))},
         ${ifListed(of('name'))}, ${ifListed(`coalesce(${of('mediaType')}, 'text/plain')`)}, ${ifListed('11')}, ${ifListed(`'no'`)},
         ${ifListed(`'etag'`)}, ${ifListed(`?1 || '/' || ${of('id')}`)}, ${ifListed(of('createdAt'))}, ${of('listedAt')}
       FROM json_each(?2) row`,
    ).bind(study.id, json),
    env.DB.prepare(
      `UPDATE files SET listed_at = completed_at
       WHERE study_id = ? AND listed_at IS NULL AND completed_at IS NOT NULL`,
    ).bind(study.id),
  ])
}
