// What must hold of a study whatever went wrong, seen from outside: the rows, the objects and what is derived of them.

type Row = Readonly<Record<string, unknown>>

/** How what is stored is looked at, wherever it is. */
export type Look = Readonly<{
  /** What each query finds, all at one moment; `?1` is the study. */
  rows: (queries: readonly string[], study: string) => Promise<readonly (readonly Row[])[]>
  head: (key: string) => Promise<{ size: number; etag: string } | null>
  keysUnder: (prefix: string) => Promise<string[]>
}>

/** What is somebody's, and by which column. */
const WHOSE: Readonly<Record<string, string>> = {
  files: 'owner',
  uploads: 'owner',
  documents: 'participant_id',
  reports: 'owner',
  report_entries: 'owner',
  api_keys: 'participant_id',
  sessions: 'participant_id',
  members: 'participant_id',
  enrolment_codes: 'participant_id',
  hosts: 'participant_id',
  departures: 'participant_id',
  download_tokens: 'owner',
  idempotency_keys: 'owner',
}

/** Each a query of what there must be none of. */
const NONE_OF: Readonly<Record<string, string>> = {
  'a file whose content is not its latest version': `SELECT f.id FROM files f WHERE f.study_id = ?1 AND f.version_number IS NOT
    (SELECT max(v.number) FROM versions v WHERE v.study_id = f.study_id AND v.file_id = f.id)`,
  'a file with content that is on no list': `SELECT id FROM files WHERE study_id = ?1 AND draft = 0
    AND (version_id IS NULL) <> (listed_at IS NULL)`,
  'a file with neither content nor an upload': `SELECT f.id FROM files f WHERE f.study_id = ?1 AND f.version_id IS NULL
    AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.study_id = f.study_id AND u.file_id = f.id)`,
  'a version of no file': `SELECT v.id FROM versions v WHERE v.study_id = ?1
    AND NOT EXISTS (SELECT 1 FROM files f WHERE f.study_id = v.study_id AND f.id = v.file_id)`,
  'an upload to no file': `SELECT u.id FROM uploads u WHERE u.study_id = ?1
    AND NOT EXISTS (SELECT 1 FROM files f WHERE f.study_id = u.study_id AND f.id = u.file_id)`,
  'an object in use that is to be deleted': `SELECT d.object_key FROM object_deletions d WHERE d.study_id = ?1
    AND (EXISTS (SELECT 1 FROM versions v WHERE v.study_id = d.study_id AND v.object_key = d.object_key)
      OR EXISTS (SELECT 1 FROM uploads u WHERE u.study_id = d.study_id AND u.object_key = d.object_key))`,
  'a part of no upload': `SELECT p.upload_id FROM upload_parts p WHERE p.study_id = ?1
    AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.study_id = p.study_id AND u.id = p.upload_id)`,
  'a grant of no file': `SELECT g.file_id FROM grants g WHERE g.study_id = ?1
    AND NOT EXISTS (SELECT 1 FROM files f WHERE f.study_id = g.study_id AND f.id = g.file_id)`,
  'a place on the shelf that is not true': `SELECT scope FROM (
    SELECT study_id, scope, term, listed_at, file_id, until FROM shelf WHERE study_id = ?1
    EXCEPT SELECT study_id, scope, term, listed_at, file_id, until FROM shelf_truth WHERE study_id = ?1)`,
  'a place that is missing on the shelf': `SELECT scope FROM (
    SELECT study_id, scope, term, listed_at, file_id, until FROM shelf_truth WHERE study_id = ?1
    EXCEPT SELECT study_id, scope, term, listed_at, file_id, until FROM shelf WHERE study_id = ?1)`,
  'a document without its body': `SELECT d.identifier FROM documents d WHERE d.study_id = ?1 AND NOT EXISTS (
    SELECT 1 FROM document_bodies b WHERE b.study_id = d.study_id AND b.participant_id = d.participant_id
      AND b.identifier = d.identifier)`,
  'a body of no document': `SELECT b.identifier FROM document_bodies b WHERE b.study_id = ?1 AND NOT EXISTS (
    SELECT 1 FROM documents d WHERE d.study_id = b.study_id AND d.participant_id = b.participant_id
      AND d.identifier = b.identifier)`,
  'a report that miscounts': `SELECT r.identifier FROM reports r WHERE r.study_id = ?1 AND r.entries <> (
    SELECT count(*) FROM report_entries e WHERE e.study_id = r.study_id AND e.owner = r.owner
      AND e.identifier = r.identifier)`,
  'a study that miscounts': `SELECT s.id FROM studies s WHERE s.id = ?1 AND s.status = 'active' AND (
    s.bytes <> (SELECT coalesce(sum(size), 0) FROM versions WHERE study_id = ?1)
      + (SELECT coalesce(sum(size), 0) FROM uploads WHERE study_id = ?1)
    OR s.files <> (SELECT count(*) FROM files WHERE study_id = ?1)
    OR s.documents <> (SELECT count(*) FROM documents WHERE study_id = ?1)
    OR s.participants <> (SELECT count(*) FROM participants WHERE study_id = ?1))`,
  'a number that was given out twice': `SELECT number FROM (
    SELECT number FROM versions WHERE study_id = ?1 UNION ALL SELECT number FROM uploads WHERE study_id = ?1)
    GROUP BY number HAVING count(*) > 1`,
  'a session of no key': `SELECT s.id FROM sessions s WHERE s.study_id = ?1
    AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.study_id = s.study_id AND k.id = s.key_id)`,
  'an assertion of no key': `SELECT a.hash FROM assertions a WHERE a.study_id = ?1
    AND NOT EXISTS (SELECT 1 FROM api_keys k WHERE k.study_id = a.study_id AND k.id = a.key_id)`,
  'a file whose words are not in the index as they are': `SELECT w.id FROM files_who w JOIN files f
    ON f.study_id = w.study_id AND f.id = w.id LEFT JOIN files_fts x ON x.rowid = w.number
    WHERE w.study_id = ?1 AND (x.who IS NOT w.who OR x.name IS NOT coalesce(f.name_words, f.name)
      OR x.title IS NOT coalesce(f.title_words, f.title)
      OR x.description IS NOT coalesce(f.description_words, f.description))`,
  'words of no file': `SELECT x.rowid FROM studies s CROSS JOIN files_fts x
    ON x.rowid BETWEEN s.number << 24 AND (s.number + 1 << 24) - 1 WHERE s.id = ?1
    AND NOT EXISTS (SELECT 1 FROM files f WHERE f.study_id = s.id AND f.number = x.rowid)`,
  'a name of no report': `SELECT n.identifier FROM report_names n WHERE n.study_id = ?1 AND NOT EXISTS (
    SELECT 1 FROM reports r WHERE r.study_id = n.study_id AND r.identifier = n.identifier AND r.owner <> '')`,
  ...Object.fromEntries(
    Object.entries(WHOSE).map(([table, whose]) => [
      `of nobody, in ${table}`,
      `SELECT t.${whose} FROM ${table} t WHERE t.study_id = ?1 AND t.${whose} <> ''
        AND NOT EXISTS (SELECT 1 FROM participants p WHERE p.study_id = ?1 AND p.id = t.${whose})`,
    ]),
  ),
}

/** What the sweeps leave none of, once the time of all that was under way is over. */
const NO_LONGER: Readonly<Record<string, string>> = {
  'an upload that is not settled': 'SELECT id FROM uploads WHERE study_id = ?1',
  'bytes that are not deleted': 'SELECT object_key FROM object_deletions WHERE study_id = ?1',
  'an erasure that is not done': `SELECT id FROM erasures WHERE study_id = ?1 AND state <> 'done'`,
  'a departure that is not over': 'SELECT participant_id FROM departures WHERE study_id = ?1',
  'a file of somebody who left that is open to the team': `SELECT f.id FROM files f JOIN participants p
    ON p.study_id = f.study_id AND p.id = f.owner WHERE f.study_id = ?1 AND p.status = 'withdrawn'
    AND f.visibility <> 'private'`,
}

const VERSIONS = 'SELECT id, object_key AS key, size, etag FROM versions WHERE study_id = ?1'

/** Versions whose object is not there, or not what was recorded of it. */
async function hollow(look: Look, study: string): Promise<string[]> {
  const [versions = []] = await look.rows([VERSIONS], study)
  const heads = await Promise.all(versions.map(async ({ key }) => look.head(String(key))))
  return versions
    .filter(({ size, etag }, index) => heads[index]?.size !== size || heads[index]?.etag !== etag)
    .map(({ id }) => `version ${String(id)} has no such object`)
}

const KNOWN = `SELECT object_key AS key FROM versions WHERE study_id = ?1
  UNION SELECT object_key FROM uploads WHERE study_id = ?1
  UNION SELECT staging_key FROM uploads WHERE study_id = ?1
  UNION SELECT object_key FROM object_deletions WHERE study_id = ?1`

/** Objects that belong to no version, no open upload and not to the outbox. */
async function strays(look: Look, study: string): Promise<string[]> {
  const [known = []] = await look.rows([KNOWN], study)
  const keys = new Set(known.map(({ key }) => key))
  const there = [...(await look.keysUnder(`${study}/`)), ...(await look.keysUnder(`in/${study}/`))]
  return there.filter((key) => !keys.has(key)).map((key) => `object ${key} is nobody's`)
}

async function found(look: Look, study: string, queries: Readonly<Record<string, string>>): Promise<string[]> {
  const results = await look.rows(Object.values(queries), study)
  return Object.keys(queries).flatMap((what, index) =>
    (results[index] ?? []).map((row) => `${what}: ${Object.values(row).join()}`),
  )
}

/** Everything that does not hold of a study, although it holds at every moment; each thing in a sentence. */
export const brokenIn = async (look: Look, study: string): Promise<string[]> => [
  ...(await found(look, study, NONE_OF)),
  ...(await hollow(look, study)),
  ...(await strays(look, study)),
]

/** The same when the sweeps have run. */
export const leftIn = async (look: Look, study: string): Promise<string[]> => [
  ...(await found(look, study, { ...NONE_OF, ...NO_LONGER })),
  ...(await hollow(look, study)),
  ...(await strays(look, study)),
]
