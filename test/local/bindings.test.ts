import { expect, test } from 'vitest'
import { boundDatabases, databaseBindings } from '../../src/local/bindings.ts'

test('the databases are those that the configuration binds, in its order', () => {
  const configuration = `name = "x"
[[d1_databases]]
binding = "DB"
database_name = "carrel"

[[r2_buckets]]
binding = "BUCKET"

# One more.
[[d1_databases]]
database_name = "carrel-1"
binding = "DB_1"
`
  expect(databaseBindings(configuration)).toEqual(['DB', 'DB_1'])
})

test('of the project itself there is one', async () => {
  expect(await boundDatabases(process.cwd())).toEqual(['DB'])
})
