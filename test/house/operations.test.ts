import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'

// The statements that docs/operations.md has operators run, on the tables as the migrations make them.

const PROJECT = join(import.meta.dirname, '../..')
const read = (...path: string[]) => readFileSync(join(PROJECT, ...path), 'utf8')
const docs = read('docs', 'operations.md')

const SINCE = 1_000

function migrated(): DatabaseSync {
  const database = new DatabaseSync(':memory:')
  const files = readdirSync(join(PROJECT, 'migrations')).filter((name) => name.endsWith('.sql'))
  for (const name of files.toSorted()) database.exec(read('migrations', name))
  return database
}

/** A study in which something was closed: before `SINCE`, and after. */
function lived(isLater: boolean): DatabaseSync {
  const database = migrated()
  const at = isLater ? SINCE : 1
  database.exec(`
    INSERT INTO studies (id, number, name, allow_public, created_at) VALUES ('it''s', 1, 'n', ${isLater ? 0 : 1}, 1);
    INSERT INTO api_keys (study_id, hash, id, role, label, created_at, revoked_at) VALUES
      ('it''s', 'h1', 'key_gone', 'staff', 'l', 1, ${isLater ? at : 'NULL'}),
      ('it''s', 'h2', 'key_there', 'staff', 'l', 1, NULL);
    INSERT INTO participants (study_id, id, number, status, created_at) VALUES
      ('it''s', 'ada', 1, '${isLater ? 'withdrawn' : 'active'}', 1), ('it''s', 'grace', 2, 'active', 1);
    INSERT INTO reports (study_id, owner, identifier, public, created_at) VALUES ('it''s', '', 'steps', ${isLater ? 0 : 1}, 1);
    INSERT INTO files (study_id, id, owner, handle, number, name, visibility, created_by, created_at, updated_at) VALUES
      ('it''s', 'fil_closed', 'ada', 'a', 1, 'n', '${isLater ? 'private' : 'public'}', 'system', 1, ${at}),
      ('it''s', 'fil_kept', 'ada', 'b', 2, 'n', 'study', 'system', 1, 1);
    INSERT INTO grants (study_id, file_id, principal, level, created_at) VALUES
      ('it''s', 'fil_kept', 'participant:grace', 'content', 1);`)
  database.exec(
    isLater
      ? `INSERT INTO audit_events (study_id, id, at, door, action, outcome, actor, object) VALUES
          ('it''s', 'aud_1', ${at}, 'native', 'member.remove', 'done', 'operator', 'mem_gone'),
          ('it''s', 'aud_2', ${at}, 'native', 'file.revoke', 'done', 'operator', 'fil_kept')`
      : `INSERT INTO members (study_id, issuer, subject, id, role, created_at) VALUES
          ('it''s', 'i', 's', 'mem_gone', 'staff', 1), ('it''s', 'i', 't', 'mem_there', 'staff', 1);
        INSERT INTO grants (study_id, file_id, principal, level, created_at) VALUES
          ('it''s', 'fil_kept', 'member:mem_gone', 'content', 1)`,
  )
  return database
}

const columnsOf = (database: DatabaseSync, query: string) =>
  database
    .prepare(query)
    .all()
    .map((row) => Object.values(row).join(' '))

test('what was closed since is closed again by what the newer rows say', () => {
  const [, list = ''] = /<<END\n([\s\S]*?)\nEND\n/.exec(docs) ?? []
  const newer = lived(true)
  const statements = list
    .replaceAll('$since', String(SINCE))
    .split(/;\n|;$/)
    .filter((text) => text.trim() !== '')
  expect(statements.length).toBeGreaterThan(5)
  const redo = statements.flatMap((each) => columnsOf(newer, each))

  const older = lived(false)
  older.exec(redo.join('\n'))
  expect(columnsOf(older, 'SELECT id FROM api_keys WHERE revoked_at IS NULL')).toEqual(['key_there'])
  expect(columnsOf(older, 'SELECT id FROM members')).toEqual(['mem_there'])
  expect(columnsOf(older, 'SELECT id, status FROM participants')).toEqual(['ada withdrawn', 'grace active'])
  expect(columnsOf(older, 'SELECT id, visibility FROM files')).toEqual(['fil_closed private', 'fil_kept study'])
  expect(columnsOf(older, 'SELECT principal FROM grants')).toEqual(['participant:grace'])
  expect(columnsOf(older, 'SELECT allow_public FROM studies')).toEqual(['0'])
  expect(columnsOf(older, 'SELECT public FROM reports')).toEqual(['0'])
})

test('every other statement can be run', () => {
  const asked = [...docs.matchAll(/^(?:ask|npx wrangler d1 execute carrel --remote --command) "([^"]+)"/gm)]
  const statements = asked
    .map(([, text = '']) => text.replaceAll('$since', String(SINCE)))
    .filter((text) => !text.startsWith('$('))
  expect(statements.length).toBeGreaterThan(5)
  const database = migrated()
  for (const text of statements) expect(() => database.prepare(text).all(), text).not.toThrow()
})
