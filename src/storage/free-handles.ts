import { sql, type SQL } from './sql.ts'

/** What a file is to be called: `<stem><ending>` or, where the owner has such a file, `<stem>-<number><ending>`. */
export type FreeHandle = Readonly<{ stem: string; ending: string }>

/**
 * A handle that no file of the owner's has, in the statement that takes it: D1 runs one batch after the other, so no two
 * are given the same. The numbers are not stepped through: one that is free is looked for by doubling, then by halving
 * what is left, so the one after the highest is found with a few look-ups, or one that has become free below it.
 */
export function freeHandle({ study, owner }: { study: SQL; owner: SQL }, { stem, ending }: FreeHandle): SQL {
  const isTaken = (handle: SQL) =>
    sql`EXISTS (SELECT 1 FROM files other INDEXED BY files_handle
      WHERE other.study_id = ${study} AND other.owner = ${owner} AND other.handle = ${handle})`
  const numbered = (number: SQL) => sql`${stem} || '-' || ${number} || ${ending}`
  const first = sql`${stem + ending}`
  const next = sql`CASE WHEN doubles AND taken THEN probe * 2 WHEN taken THEN (probe + high) / 2 ELSE (low + probe) / 2 END`
  return sql`CASE WHEN NOT ${isTaken(first)} THEN ${first} ELSE (
    WITH RECURSIVE search(low, high, doubles, probe, taken) AS (
      SELECT 0, 1, 1, 1, ${isTaken(numbered(sql`1`))}
      UNION ALL
      SELECT CASE WHEN taken THEN probe ELSE low END,
        CASE WHEN NOT taken THEN probe WHEN doubles THEN probe * 2 ELSE high END, doubles AND taken, ${next},
        ${isTaken(numbered(sql`(${next})`))}
      FROM search WHERE doubles OR high - low > 1)
    SELECT ${numbered(sql`high`)} FROM search WHERE NOT doubles AND high - low = 1 LIMIT 1) END`
}
