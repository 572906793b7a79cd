import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aStudy } from '../support/world.ts'

const rowsOf = async <Row>(sql: string, ...params: unknown[]) =>
  (
    await env.DB.prepare(sql)
      .bind(...params)
      .all<Row>()
  ).results

// Words that look like what the shelf makes of them, and like what JSON and SQL do with them.
const word = fc.constantFrom('a', 'b', 't:a', "it's", '"', '","', 'größe', '*', '1')
const facts = fc.record({
  owner: fc.constantFrom('', 'ada', 'bob', '*', "o'hara"),
  name: word,
  category: fc.option(word),
  source: fc.option(word),
  tags: fc.uniqueArray(word, { maxLength: 4 }),
  visibility: fc.constantFrom('private', 'study', 'public'),
})
const grantee = fc.constantFrom(
  'member:mem_1',
  'member:mem_2',
  'participant:ada',
  'participant:member:*',
  'participant:+',
)
const FACTS = ['owner', 'name', 'category', 'source', 'tags', 'visibility'] as const
const step = fc.oneof(
  fc.record({ kind: fc.constant('begin' as const), facts }),
  fc.record({ kind: fc.constant('complete' as const), which: fc.nat(), at: fc.nat(3) }),
  fc.record({ kind: fc.constant('edit' as const), which: fc.nat(), facts, only: fc.constantFrom(...FACTS, 'all') }),
  fc.record({ kind: fc.constant('touch' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('delete' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('grant' as const), which: fc.nat(), to: grantee, until: fc.option(fc.nat(9)) }),
  fc.record({ kind: fc.constant('grant' as const), which: fc.nat(), to: grantee, until: fc.option(fc.nat(9)) }),
  fc.record({ kind: fc.constant('revoke' as const), which: fc.nat(), to: grantee }),
)

test('the shelf holds what the view says it must, whatever becomes of files', async () => {
  const study = (await aStudy()).id
  let number = 0
  const run = async (sql: string, ...params: unknown[]) =>
    env.DB.prepare(sql)
      .bind(...params)
      .run()
  const valueOf = (of: (typeof FACTS)[number], value: unknown) => (of === 'tags' ? JSON.stringify(value) : value)

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      await run('DELETE FROM files WHERE study_id = ?', study)
      const there: string[] = []
      for (const each of steps) {
        if (each.kind === 'begin') {
          const id = `fil-${(number += 1)}`
          there.push(id)
          await run(
            `INSERT INTO files (study_id, id, handle, number, created_by, created_at, updated_at, ${FACTS.join(', ')})
             VALUES (?, ?, ?, ?, 'system', 0, 0, ?, ?, ?, ?, ?, ?)`,
            study,
            id,
            id,
            number,
            ...FACTS.map((of) => valueOf(of, each.facts[of])),
          )
          continue
        }
        const id = there[each.which % there.length]
        if (id === undefined) continue
        const here = [study, id]
        if (each.kind === 'complete') {
          await run(
            'UPDATE files SET listed_at = coalesce(listed_at, ?) WHERE study_id = ? AND id = ?',
            each.at,
            ...here,
          )
        } else if (each.kind === 'edit') {
          const changed = FACTS.filter((of) => each.only === 'all' || each.only === of)
          const set = changed.map((of) => `${of} = ?`).join(', ')
          const values = changed.map((of) => valueOf(of, each.facts[of]))
          await run(`UPDATE files SET ${set} WHERE study_id = ? AND id = ?`, ...values, ...here)
        } else if (each.kind === 'touch') {
          await run(
            'UPDATE files SET name = name, tags = tags, revision = revision + 1 WHERE study_id = ? AND id = ?',
            ...here,
          )
        } else if (each.kind === 'grant') {
          await run(
            `INSERT INTO grants (study_id, file_id, principal, level, expires_at, created_at)
             SELECT study_id, id, ?, 'content', ?, 0 FROM files WHERE study_id = ? AND id = ?
             ON CONFLICT DO UPDATE SET level = excluded.level, expires_at = excluded.expires_at`,
            each.to,
            each.until,
            ...here,
          )
        } else if (each.kind === 'revoke') {
          await run('DELETE FROM grants WHERE study_id = ? AND file_id = ? AND principal = ?', ...here, each.to)
        } else {
          await run('DELETE FROM files WHERE study_id = ? AND id = ?', ...here)
        }
      }
      const held = async (by: string) => {
        const rows = await rowsOf<Record<string, unknown>>(`SELECT * FROM ${by} WHERE study_id = ?`, study)
        return rows
          .map((row) => JSON.stringify([row['scope'], row['term'], row['listed_at'], row['file_id'], row['until']]))
          .toSorted()
      }
      const shelf = await held('shelf')
      expect(shelf).toEqual(await held('shelf_truth'))
      expect(shelf).toEqual((await modelled(study)).toSorted())
      // What was shared of a file goes with it.
      const strays = await rowsOf(
        `SELECT * FROM grants g WHERE study_id = ? AND NOT EXISTS (
           SELECT 1 FROM files f WHERE f.study_id = g.study_id AND f.id = g.file_id)`,
        study,
      )
      expect(strays).toEqual([])
    }),
    { numRuns: env.SLOW ? 300 : 40 },
  )
})

type Listed = {
  id: string
  owner: string
  name: string
  category: string | null
  source: string | null
  tags: string
  visibility: string
  listed_at: number
}

/** The same once more, from the files as they are, by other means than SQL. */
async function modelled(study: string): Promise<string[]> {
  const listed = await rowsOf<Listed>('SELECT * FROM files WHERE study_id = ? AND listed_at IS NOT NULL', study)
  const grants = await rowsOf<{ file_id: string; principal: string; expires_at: number | null }>(
    'SELECT * FROM grants WHERE study_id = ?',
    study,
  )
  return listed.flatMap((file) => {
    const own = file.owner === '' ? [] : [`own:${file.owner}`]
    const seen = ['*', ...own, ...(file.visibility === 'private' ? [] : ['+', ...own.map((scope) => `+${scope}`)])]
    // The team finds among what is not private what of that is shared with one of them.
    const shared = grants
      .filter(
        ({ file_id: id, principal }) =>
          id === file.id && !(file.visibility !== 'private' && principal.startsWith('member:')),
      )
      .map(({ principal, expires_at: until }): [string, number | null] => [`to:${principal}`, until])
    const scopes = [...seen.map((scope): [string, null] => [scope, null]), ...shared]
    const terms = [
      '',
      `n:${file.name}`,
      ...(file.category === null ? [] : [`c:${file.category}`]),
      ...(file.source === null ? [] : [`s:${file.source}`]),
      ...(JSON.parse(file.tags) as string[]).map((tag) => `t:${tag}`),
    ]
    return scopes.flatMap(([scope, until]) =>
      terms.map((term) => JSON.stringify([scope, term, file.listed_at, file.id, until])),
    )
  })
}
