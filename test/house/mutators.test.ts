// What mutation testing changes of SQL and of the table of rules (`npm run test:mutation`): a mutator that changes
// nothing, or leaves what no longer parses, would say that the tests are good.

import { expect, test } from 'vitest'
import { mutated, mutantsOf } from '../mutation/mutants.ts'
import { sqlChanges } from '../mutation/sql.ts'
import { tableChanges } from '../mutation/table.ts'

const changed = (template: string, mutator?: string) =>
  sqlChanges(template, 0)
    .filter((change) => mutator === undefined || change.mutator === mutator)
    .map((change) => mutated(template, change))

test('each comparison of SQL becomes another one, and what an UPDATE sets is none', () => {
  expect(changed('UPDATE a SET b = 1 WHERE c <> 2')).toEqual(['UPDATE a SET b = 1 WHERE c = 2'])
  expect(changed('SELECT 1 FROM a WHERE b = 1')).toEqual(['SELECT 1 FROM a WHERE b <> 1'])
  expect(changed('b < 1')).toEqual(['b <= 1'])
  expect(changed('b >= 1')).toEqual(['b > 1'])
  expect(changed("b ->> 'c'")).toEqual([])
})

test('a condition of SQL is turned round, and left out with all that is in it', () => {
  expect(changed('NOT EXISTS (SELECT 1 FROM a WHERE b IS NULL)')).toEqual([
    'NOT EXISTS (SELECT 1 FROM a WHERE b IS NOT NULL)',
    'EXISTS (SELECT 1 FROM a WHERE b IS NULL)',
  ])
  expect(changed('a AND (b OR c) AND CASE WHEN d THEN 1 END', 'without a conjunct')).toEqual([
    'a  AND CASE WHEN d THEN 1 END',
    'a AND (b OR c)  ',
  ])
  expect(changed('(a AND b ORDER BY c)', 'without a conjunct')).toEqual(['(a  ORDER BY c)'])
  expect(changed('a BETWEEN 1 AND 2', 'AND to OR')).toEqual([])
})

test('what is put into SQL, and the texts in it, are left as they are', () => {
  const template = "${a === b ? sql`c = d` : { e: 'AND }' }} AND f = ' = AND '"
  expect(changed(template, '= to <>')).toEqual(["${a === b ? sql`c = d` : { e: 'AND }' }} AND f <> ' = AND '"])
  expect(changed(template, 'without a conjunct')).toEqual(["${a === b ? sql`c = d` : { e: 'AND }' }}  "])
})

test('a rule loses a role, a condition, what it is asked, and what it keeps out', () => {
  const table = "export const rules = {\n  see: reads({ staff: ['own', 'any'], admin: ['notPrivate'] }),\n} as const"
  const rules = tableChanges(table).map((change) => mutated(table, change).split('\n')[1]?.trim())
  expect(rules).toEqual([
    "see: changes({ staff: ['own', 'any'], admin: ['notPrivate'] }),",
    "see: reads({  admin: ['notPrivate'] }),",
    "see: reads({ staff: ['own', 'any'],  }),",
    "see: reads({ staff: ['any'], admin: ['notPrivate'] }),",
    "see: reads({ staff: ['any', 'any'], admin: ['notPrivate'] }),",
    "see: reads({ staff: ['own', ], admin: ['notPrivate'] }),",
    "see: reads({ staff: ['own', 'any'], admin: ['any'] }),",
  ])
})

test('the SQL in a source is found, also inside of other SQL, and each change leaves what can be loaded', async () => {
  const source = 'const a = (b: string) => sql`c = ${b} AND ${sql`d < ${1 + 2}`}`\n'
  const [{ mutants } = { mutants: [] }] = await mutantsOf(new Map([['a.ts', source]]))
  const sql = mutants.filter(({ kind }) => kind === 'sql')
  expect(sql.map((mutant) => mutated(source, mutant).trim())).toEqual([
    'const a = (b: string) => sql`c <> ${b} AND ${sql`d < ${1 + 2}`}`',
    'const a = (b: string) => sql`c = ${b} OR ${sql`d < ${1 + 2}`}`',
    'const a = (b: string) => sql`c = ${b}  `',
    'const a = (b: string) => sql`c = ${b} AND ${sql`d <= ${1 + 2}`}`',
  ])
  expect(mutants.filter(({ kind }) => kind === 'code').map((mutant) => mutated(source, mutant).trim())).toContain(
    'const a = (b: string) => sql`c = ${b} AND ${sql`d < ${(1 - 2)}`}`',
  )
})
