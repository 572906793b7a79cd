import { sql, type SQL } from './sql.ts'
import type { Bucket, BucketSummary, Statistics } from '../model/report-entries.ts'
import type { Rule } from '../model/rules.ts'
import { allows, READ_ONCE } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { isNamed, type ReportName, reportOfRow, reportStatement, targetReport } from './report-rows.ts'
import type { FoundReport } from './reports.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** D1 does one thing at a time: what one roll-up may read is bounded, in entries and in bytes of their values. */
export const MAX_ROLLUP_ENTRIES = 50_000
const MAX_ROLLUP_BYTES = 16 * 1024 * 1024
export const MAX_ROLLUP_FIELDS = 100
/** Of a number's size: what is beyond could not be added up. */
const MAX_MAGNITUDE = 1e300

/** A bucket's entries (`of` entries; `names` counts all field names that there are), or what one field comes to. */
type SummaryRow = { bucket: number; count: number } & (
  | { of: 'entries'; bytes: number; names: number }
  | { of: 'value' | 'field'; name: string | null; min: number; max: number; mean: number }
)

/** `summaries` is undefined where there is more in the range than may be read. */
export type Rollup = Readonly<{ summaries: readonly BucketSummary[] | undefined; moreFields: boolean }>

/**
 * Numbers in objects and in objects in those, each under its path. A name that has a dot in it would make a path that
 * another could have too, and is left out. What is nested deeper than SQLite follows counts as without numbers.
 */
const NUMBERS = sql.raw(`SELECT k.bucket,
    CASE WHEN f.key IS NULL THEN NULL WHEN f.type = 'object' THEN f.key || '.' || g.key ELSE f.key END AS name,
    CAST(CASE f.type WHEN 'object' THEN g.value ELSE f.value END AS REAL) AS number
  FROM keys k CROSS JOIN report_entries e ON e.rowid = k.entry
    CROSS JOIN json_each(CASE WHEN json_valid(e.data) THEN e.data END) f
    LEFT JOIN json_each(CASE f.type WHEN 'object' THEN f.value END) g
  WHERE (SELECT isReadable FROM size) AND typeof(f.key) <> 'integer'
    AND CASE f.type WHEN 'object' THEN g.type ELSE f.type END IN ('integer', 'real')
    AND instr(coalesce(f.key, '') || CASE f.type WHEN 'object' THEN g.key ELSE '' END, '.') = 0`)

function rollupSql(caller: Caller, name: ReportName, { reading, buckets }: { reading: Rule; buckets: string }): SQL {
  const arm = (within: string) => sql`SELECT b.bucket, e.rowid AS entry, octet_length(e.data) AS bytes
    FROM reports r CROSS JOIN buckets b CROSS JOIN report_entries e
      ON e.study_id = r.study_id AND e.owner = r.owner AND e.identifier = r.identifier AND ${sql.raw(within)}
    WHERE ${isNamed(caller, name, 'r')} AND ${allows(reading, targetReport('r'), READ_ONCE)}`
  return sql`, buckets AS MATERIALIZED (SELECT key AS bucket, value ->> 0 AS "first", value ->> 1 AS "last",
      value ->> 2 AS starts, value ->> 3 AS ends FROM json_each(${buckets})),
    keys AS MATERIALIZED (SELECT * FROM (
      ${arm(`e.kind = 'date' AND e.at >= b."first" AND e.at <= b."last"`)}
      UNION ALL ${arm(`e.kind = 'instant' AND e.at >= b.starts AND e.at < b.ends`)}
    ) LIMIT ${MAX_ROLLUP_ENTRIES + 1}),
    size AS MATERIALIZED (SELECT count(*) <= ${MAX_ROLLUP_ENTRIES} AND sum(bytes) <= ${MAX_ROLLUP_BYTES} AS isReadable
      FROM keys),
    numbers AS (${NUMBERS}),
    statistics AS MATERIALIZED (SELECT bucket, name, count(*) AS count, min(number) AS min, max(number) AS max,
        avg(number) AS mean
      FROM numbers WHERE number BETWEEN -${sql.raw(String(MAX_MAGNITUDE))} AND ${sql.raw(String(MAX_MAGNITUDE))}
      GROUP BY bucket, name)
    SELECT 'entries' AS "of", bucket, NULL AS name, count(*) AS count, NULL AS min, NULL AS max, NULL AS mean,
      sum(bytes) AS bytes, (SELECT count(DISTINCT name) FROM statistics) AS names
    FROM keys GROUP BY bucket
    UNION ALL SELECT iif(name IS NULL, 'value', 'field'), bucket, name, count, min, max, mean, NULL, NULL
    FROM statistics WHERE name IS NULL OR name IN (SELECT DISTINCT name FROM statistics
      WHERE name IS NOT NULL ORDER BY name LIMIT ${MAX_ROLLUP_FIELDS})
    ORDER BY 2, 3`
}

function summaryOf(bucket: Bucket, rows: readonly SummaryRow[]): BucketSummary {
  let entries = 0
  let value: Statistics | null = null
  const fields = new Map<string, Statistics>()
  for (const row of rows) {
    if (row.of === 'entries') {
      entries = row.count
      continue
    }
    const { count, min, max, mean } = row
    if (row.name === null) value = { count, min, max, mean }
    else fields.set(row.name, { count, min, max, mean })
  }
  return { ...bucket, entries, value, fields }
}

function rollupOf(buckets: readonly Bucket[], rows: readonly SummaryRow[]): Rollup {
  const counts = rows.flatMap((row) => (row.of === 'entries' ? [row] : []))
  const sum = (of: 'count' | 'bytes') => counts.reduce((total, row) => total + row[of], 0)
  if (sum('count') > MAX_ROLLUP_ENTRIES || sum('bytes') > MAX_ROLLUP_BYTES) {
    return { summaries: undefined, moreFields: false }
  }
  const byBucket = Map.groupBy(rows, ({ bucket }) => bucket)
  return {
    summaries: buckets.map((bucket, index) => summaryOf(bucket, byBucket.get(index) ?? [])),
    moreFields: (first(counts)?.names ?? 0) > MAX_ROLLUP_FIELDS,
  }
}

export const reportRollupStore = (db: Databases) => ({
  /** One statement over the buckets' bounds: dates by the calendar, moments by where the zone has its midnights. */
  async find(
    caller: Caller,
    name: ReportName,
    { reading, buckets }: { reading: Rule; buckets: readonly Bucket[] },
  ): Promise<FoundReport & { rollup: Rollup }> {
    const bounds = buckets.map((bucket) => [
      bucket.first,
      bucket.last,
      bucket.startsAt.toISOString(),
      bucket.endsAt.toISOString(),
    ])
    const database = db.of(caller.study)
    const [who, reports, rows] = await database.batch(
      whoStatement(caller),
      reportStatement(caller, name, reading),
      statement<SummaryRow>(withWho(caller, rollupSql(caller, name, { reading, buckets: JSON.stringify(bounds) }))),
    )
    const report = first(reports)
    return {
      principal: principalOf(first(who), caller.study),
      report: report && reportOfRow(report),
      rollup: rollupOf(buckets, rows),
    }
  },
})
