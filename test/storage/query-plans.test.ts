import { sql } from '../../src/storage/sql.ts'
import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { openDatabase, statement } from '../../src/storage/database.ts'
import { faultsOf, plansOf, takeFaults } from '../support/query-plans.ts'

// The net under all other tests, `support/query-plans.ts`.

test.each([
  ['a table that is stepped through', 'SELECT id FROM files WHERE title = ?', ['SCAN files']],
  [
    'one whose name is also that of something made',
    'SELECT f.id FROM (SELECT * FROM files f WHERE f.study_id = ? LIMIT 9) f WHERE f.id IN (SELECT f.id FROM versions f)',
    [expect.stringMatching(/^SCAN f /)],
  ],
  ['a sort', `SELECT id FROM files WHERE study_id = ? AND id > '' ORDER BY title`, ['USE TEMP B-TREE FOR ORDER BY']],
  [
    'an index that is made for one statement',
    'SELECT d.owner FROM json_each(?) v CROSS JOIN object_deletions d ON d.owner = v.value',
    [expect.stringMatching(/^(?:SEARCH d USING AUTOMATIC|SCAN d)/)],
  ],
  ['all of the words', 'SELECT rowid FROM files_fts WHERE rowid <> ?', [expect.stringMatching(/^SCAN files_fts/)]],
  ['nothing, in a search', 'SELECT id FROM files WHERE study_id = ? AND id > 1 ORDER BY id', []],
  ['nothing, in what is made', 'WITH one AS MATERIALIZED (SELECT ? AS a) SELECT x.a FROM one x JOIN one y', []],
])('a plan with %s tells so', async (_, text, faults) => {
  const [plan = []] = await plansOf([[text, [1]]])
  expect(faultsOf(text, plan)).toEqual(faults)
})

test('whatever storage asks is looked at, once, in sessions too', async () => {
  const bad = (column: string) => statement(sql`SELECT ${sql.raw(column)} FROM files WHERE description = ${'-'}`)
  await takeFaults()
  await openDatabase(env.DB).batch(bad('title'), bad('title'))
  await openDatabase(env.DB.withSession()).batch(bad('title'), bad('name'))
  await env.DB.prepare('SELECT source FROM files').all()
  const faults = await takeFaults()
  expect(faults.map(({ sql: text }) => text)).toEqual([
    'SELECT title FROM files WHERE description = ?',
    'SELECT name FROM files WHERE description = ?',
  ])
  await openDatabase(env.DB).batch(bad('title'))
  expect(await takeFaults()).toEqual([])
})
