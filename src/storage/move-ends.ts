import { sql } from './sql.ts'
import type { StudyId } from '../model/ids.ts'
import { type Database, statement } from './database.ts'
import { type Databases, missing } from './databases.ts'
import { endCaptureStatements, isStillMoving } from './move-capture.ts'
import { type Carrying, filledIn } from './move-copies.ts'
import { clearStatements, type Moved, MOVED_TABLES } from './moved-tables.ts'
import type { Moving } from './moves.ts'
import { placementOf } from './placements.ts'

// How moves end: where they were decided, and where they were given up.

/** So many moves are looked after by one run of the sweep. */
const MOST_UNSETTLED = 5

/** Hosts that were given while there was one database are in the directory from now on. */
export async function claimHosts(db: Databases, { to, moved: { study } }: Carrying): Promise<void> {
  for (let after: string | undefined = ''; after !== undefined;) {
    const [rows]: readonly [readonly { host: string }[]] = await to.batch(
      statement<{ host: string }>(
        sql`SELECT host FROM hosts WHERE study_id = ${study} AND host > ${after} ORDER BY host LIMIT 1000`,
      ),
    )
    await db.home.batch(
      statement(
        sql`INSERT INTO host_places (host, study_id, claimed_at) SELECT value, ${study}, 0
          FROM json_each(${JSON.stringify(rows.map(({ host }) => host))}) WHERE true ON CONFLICT DO NOTHING`,
      ),
    )
    after = rows.length < 1_000 ? undefined : rows.at(-1)?.host
  }
}

export const moveEndStore = (db: Databases) => {
  const at = (number: number): Database => db.all[number] ?? missing(number)
  return {
    /** After the decision, which holds whoever does this: the copy is served, the directory says so, the source is left. */
    async settle({ carrying, source, target }: Moving, now: Date): Promise<void> {
      const { moved, driver } = carrying
      const { study } = moved
      await carrying.to.batch(
        statement(sql`DELETE FROM absences WHERE study_id = ${study} AND state = 'arriving' AND driver = ${driver}`),
      )
      await db.home.batch(
        statement(
          sql`UPDATE placements SET database = ${target}, other = ${source}, state = 'clearing', progress = NULL,
              updated_at = ${now.getTime()}
            WHERE study_id = ${study} AND database = ${source} AND state = 'copying' AND other = ${target}`,
        ),
      )
      await carrying.from.batch(
        statement(sql`UPDATE absences SET state = 'left', driver = NULL WHERE study_id = ${study} AND until IS NULL`),
      )
      await db.places?.note(study, { database: target })
    },

    /** Stays where it is: what was copied is to be cleared. False: it is decided already that it goes. */
    async giveUp({ carrying, target }: Moving, now: Date): Promise<boolean> {
      const { from, to, moved, driver } = carrying
      const { study } = moved
      const [, , gone] = await from.batch(
        statement(sql`DELETE FROM moves WHERE study_id = ${study} AND driver = ${driver}`),
        statement(sql`DELETE FROM move_changes WHERE study_id = ${study} AND changes() > 0`),
        statement<{ yes: number }>(
          sql`SELECT 1 AS yes WHERE NOT EXISTS (SELECT 1 FROM absences WHERE study_id = ${study} AND until IS NULL)`,
        ),
      )
      if (gone.length === 0) return false
      await to.batch(
        statement(
          sql`UPDATE absences SET state = 'left', driver = NULL WHERE study_id = ${study} AND state = 'arriving'`,
        ),
      )
      await db.home.batch(
        statement(
          sql`UPDATE placements SET other = ${target}, state = 'clearing', progress = NULL, updated_at = ${now.getTime()}
            WHERE study_id = ${study} AND state = 'copying'`,
        ),
      )
      return true
    },

    /** Studies whose move was decided and, whoever did that having died, is not settled; `only` this one of them. */
    async unsettled(only?: StudyId): Promise<StudyId[]> {
      const [rows] = await db.home.batch(
        statement<{ id: StudyId; database: number }>(
          sql`SELECT study_id AS id, database FROM placements INDEXED BY placements_moving
            WHERE state = 'copying'${only === undefined ? sql`` : sql` AND study_id = ${only}`}
            LIMIT ${MOST_UNSETTLED}`,
        ),
      )
      const decided = rows.map(async ({ id, database }) => {
        const [found] = await at(database).batch(
          statement<{ yes: number }>(
            sql`SELECT 1 AS yes FROM absences WHERE study_id = ${id} AND state = 'frozen' AND until IS NULL`,
          ),
        )
        return found.map(() => id)
      })
      return (await Promise.all(decided)).flat()
    },

    /** Some of the rows that are where the study is no more; true: there are none left, and the move is over. */
    async clear(study: StudyId): Promise<boolean> {
      const row = await placementOf(db, study)
      if (row?.state !== 'clearing' || row.other === null) return true
      const left = at(row.other)
      const moved: Moved = { study, number: row.number }
      const hasLeft = statement(
        sql`SELECT json_extract('{}', 'served') WHERE NOT EXISTS (SELECT 1 FROM absences WHERE study_id = ${study} AND state = 'left')`,
      )
      // Where whoever had it decided died before it was left.
      await left.batch(
        statement(
          sql`UPDATE absences SET state = 'left', driver = NULL
            WHERE study_id = ${study} AND state = 'frozen' AND until IS NULL`,
        ),
      )
      const filled = await filledIn([left], moved)
      for (const table of MOVED_TABLES.filter((_, index) => filled.has(index)).toReversed()) {
        const [, , more] = await left.batch(hasLeft, ...clearStatements(table, moved))
        if (more.length > 0) return false
      }
      await left.batch(hasLeft, statement(sql`DELETE FROM move_changes WHERE study_id = ${study}`))
      try {
        await left.batch(...endCaptureStatements())
      } catch (failure) {
        // Another study is moved from there.
        if (!isStillMoving(failure)) throw failure
      }
      await db.home.batch(
        statement(
          sql`UPDATE placements SET state = 'here', other = NULL WHERE study_id = ${study} AND state = 'clearing'`,
        ),
      )
      return true
    },
  }
}
