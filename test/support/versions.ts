import { env } from 'cloudflare:workers'
import { type Received, receiveUpload, type ReceivedFile } from '../../src/domain/received-uploads.ts'
import { beginUpload } from '../../src/domain/uploads.ts'
import { moveVersion } from '../../src/domain/versions.ts'
import type { File } from '../../src/model/entities.ts'
import type { Handle, UploadId } from '../../src/model/ids.ts'
import { type Asking, idOf, scopeOf } from './scopes.ts'
import { HELLO, type Study } from './world.ts'

// Files whose bytes come in the request, drafts among them, and looks at what became of their versions.

export const asking = async (asked: Asking) => scopeOf({ door: 'kidsfirst', ...asked })

async function* once(text: string) {
  yield new TextEncoder().encode(text)
}

/** A version that has come: of a new file of the study's, or with a `handle` one more of a file's. */
export async function receive(
  study: Study,
  {
    text = HELLO,
    secret = study.admin.key,
    ...file
  }: Partial<ReceivedFile> & { text?: string; secret?: string | undefined } = {},
): Promise<Received> {
  return receiveUpload(await asking({ secret }), idOf(study), {
    file: {
      owner: { kind: 'study' },
      name: 'hello.txt',
      mediaType: 'text/plain',
      details: {},
      doorVisibility: 'study',
      ...file,
    },
    bytes: once(text),
  })
}

/** A version that nobody has made a file of. */
export const aDraft = async (study: Study, file: Parameters<typeof receive>[1] = {}) =>
  receive(study, { ...file, draft: true })

/** A file with so many versions; their numbers, oldest first. */
export async function withVersions(study: Study, count: number, file: Parameters<typeof receive>[1] = {}) {
  const first = await receive(study, file)
  const numbers = [first.version]
  while (numbers.length < count) {
    numbers.push((await receive(study, { ...file, handle: first.file.handle, draft: undefined })).version)
  }
  return { file: first.file, numbers }
}

/** One more upload to a file of the study's, of which nothing has come; of none, the first one to a draft. */
export async function beginMore(study: Study, file?: { handle: Handle }): Promise<{ file: File; upload: UploadId }> {
  const begun = await beginUpload(await asking({ secret: study.admin.key }), idOf(study), {
    owner: { kind: 'study' },
    handle: file?.handle,
    draft: true,
    content: { name: 'more.txt', mediaType: 'text/plain', size: 3, md5: null, sha256: null },
    details: {},
    visibility: undefined,
    doorVisibility: 'study',
    kind: 'single',
    revision: file === undefined ? undefined : 'any',
  })
  if ('settled' in begun.upload) throw new Error('it was begun before')
  return { file: begun.file, upload: begun.upload.upload.id }
}

/** An admin's move of a version to the file of a number. */
export const moving = async (study: Study, version: number, to: number, other?: object) =>
  moveVersion(await asking({ secret: study.admin.key, ...(other === undefined ? {} : { other }) }), idOf(study), {
    version,
    to,
  })

/** What a study has of a file: the numbers of its versions and what the row says, whoever may see it. */
export async function fileRow(study: { id: string }, { number }: { number: number }) {
  const row = await env.DB.prepare(
    `SELECT version_number AS current, version_name AS "currentName", draft, listed_at AS "listedAt", revision,
       (SELECT json_group_array(number) FROM (SELECT v.number FROM versions v
         WHERE v.study_id = f.study_id AND v.file_id = f.id ORDER BY 1)) AS versions
     FROM files f WHERE f.study_id = ? AND f.number = ?`,
  )
    .bind(study.id, number)
    .first<{
      current: number | null
      currentName: string | null
      draft: number
      listedAt: number | null
      revision: number
      versions: string
    }>()
  return row === null ? undefined : { ...row, versions: JSON.parse(row.versions) as number[] } // as it was put together
}

/** Each a query of what there must be none of, whatever is done with versions. */
const NONE_OF = {
  'content that is not the latest version': `SELECT f.id FROM files f LEFT JOIN versions v
      ON v.study_id = f.study_id AND v.id = f.version_id AND v.file_id = f.id
    WHERE f.study_id = ?1 AND (f.version_number IS NOT (SELECT max(n.number) FROM versions n
        WHERE n.study_id = f.study_id AND n.file_id = f.id)
      OR (f.version_name, f.media_type, f.size, f.md5, f.sha256, f.verified, f.etag, f.object_key, f.version_created_at,
        f.completed_at) IS NOT (v.name, v.media_type, v.size, v.md5, v.sha256, v.verified, v.etag, v.object_key,
        v.created_at, v.completed_at))`,
  'a file that is listed, or is not, without reason': `SELECT id FROM files WHERE study_id = ?1
    AND (listed_at IS NOT NULL) <> (version_id IS NOT NULL AND draft = 0)`,
  'a file of nothing': `SELECT f.id FROM files f WHERE f.study_id = ?1 AND f.version_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.study_id = f.study_id AND u.file_id = f.id)`,
  'a version of no file': `SELECT v.id FROM versions v WHERE v.study_id = ?1
    AND NOT EXISTS (SELECT 1 FROM files f WHERE f.study_id = v.study_id AND f.id = v.file_id)`,
  'bytes of a version that are to be deleted': `SELECT v.id FROM versions v JOIN object_deletions d
    ON d.study_id = v.study_id AND d.object_key = v.object_key WHERE v.study_id = ?1`,
  'a place on the shelf that is not true, or missing': `SELECT * FROM (
      SELECT * FROM (SELECT * FROM shelf WHERE study_id = ?1 EXCEPT SELECT * FROM shelf_truth WHERE study_id = ?1)
      UNION ALL
      SELECT * FROM (SELECT * FROM shelf_truth WHERE study_id = ?1 EXCEPT SELECT * FROM shelf WHERE study_id = ?1))`,
  'a study that miscounts': `SELECT s.id FROM studies s WHERE s.id = ?1 AND (
    s.bytes <> (SELECT coalesce(sum(size), 0) FROM versions WHERE study_id = ?1)
      + (SELECT coalesce(sum(size), 0) FROM uploads WHERE study_id = ?1)
    OR s.files <> (SELECT count(*) FROM files WHERE study_id = ?1))`,
}

/** What does not hold of a study's files and versions. */
export async function wrongs(study: { id: string }): Promise<string[]> {
  const results = await env.DB.batch(Object.values(NONE_OF).map((sql) => env.DB.prepare(sql).bind(study.id)))
  return Object.keys(NONE_OF).filter((_, index) => results[index]?.results.length !== 0)
}
