import { sql } from './sql.ts'
import { statement } from './database.ts'
import { MOVED_TABLES, type MovedTable } from './moved-tables.ts'

// What changes of a study while it is copied is noted by triggers, in the transaction that changes it. They are made when a
// database's first move begins and dropped after its last, so that nobody pays for them in between.

/** `from`: what comes after the columns in a SELECT. */
type Noted = Readonly<{ row: 'OLD' | 'NEW'; name: string; key: string; from?: string }>

const noted = ({ row, name, key, from = '' }: Noted) =>
  `INSERT INTO move_changes (study_id, seq, name, key) SELECT ${study(row, name)},
    (SELECT coalesce(max(seq), 0) + 1 FROM move_changes WHERE study_id = ${study(row, name)}), '${name}', ${key}${from};`

const study = (row: string, name: string) => (name === 'studies' ? `${row}.id` : `${row}.study_id`)
const keyIn = (row: string, { key }: MovedTable) => `json_array(${key.map((column) => `${row}.${column}`).join(', ')})`

/** A file's words are in an index that no trigger can watch: they change with the file, and with its grants. */
function wordsOf(row: 'OLD' | 'NEW', { name }: MovedTable): string {
  if (name === 'files') return indexed(row, `json_array(${row}.number)`)
  if (name !== 'grants') return ''
  return indexed(
    row,
    'json_array(f.number)',
    ` FROM files f WHERE f.study_id = ${row}.study_id AND f.id = ${row}.file_id`,
  )
}
const indexed = (row: 'OLD' | 'NEW', key: string, from = '') => noted({ row, name: 'files_fts', key, from })

function triggersOn(table: MovedTable): { name: string; text: string }[] {
  const { name } = table
  const changed = keyIn('OLD', table)
  const bodies = {
    insert: [noted({ row: 'NEW', name, key: keyIn('NEW', table) }), wordsOf('NEW', table)],
    update: [
      noted({ row: 'OLD', name, key: changed }),
      noted({ row: 'NEW', name, key: keyIn('NEW', table), from: ` WHERE ${keyIn('NEW', table)} <> ${changed}` }),
      wordsOf('NEW', table),
    ],
    delete: [noted({ row: 'OLD', name, key: changed }), wordsOf('OLD', table)],
  }
  return Object.entries(bodies).map(([event, body]) => ({
    name: `moving_${name}_${event}`,
    text: `AFTER ${event.toUpperCase()} ON ${name}
      WHEN EXISTS (SELECT 1 FROM moves m WHERE m.study_id = ${study(event === 'insert' ? 'NEW' : 'OLD', name)})
      BEGIN ${body.join(' ')} END`,
  }))
}

const TRIGGERS = MOVED_TABLES.filter(({ isIndex }) => !isIndex).flatMap(triggersOn)

export const captureStatements = () =>
  TRIGGERS.map(({ name, text }) => statement(sql.raw(`CREATE TRIGGER IF NOT EXISTS ${name} ${text}`)))

/** All or none: the first fails the others where a move is under way. */
export const endCaptureStatements = () => [
  statement(sql`SELECT json_extract('{}', 'moving: ' || study_id) FROM moves LIMIT 1`),
  ...TRIGGERS.map(({ name }) => statement(sql.raw(`DROP TRIGGER IF EXISTS ${name}`))),
]
export const isStillMoving = (failure: unknown) => failure instanceof Error && failure.message.includes('moving: ')
