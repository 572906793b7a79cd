import { sql } from './sql.ts'
import type { StudyId } from '../model/ids.ts'
import { first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import type { placements } from './schema/placements.ts'

export type PlacementRow = Omit<Row<typeof placements>, 'updatedAt' | 'studyId'>

/** Where a study is and how far its move; undefined: there is none. */
export async function placementOf({ home }: Databases, study: StudyId): Promise<PlacementRow | undefined> {
  const [, rows] = await home.batch(
    // One that was made while there was one database has been in the first ever since.
    statement(
      sql`INSERT INTO placements (study_id, number, database, updated_at)
        SELECT id, number, 0, 0 FROM studies WHERE id = ${study} ON CONFLICT DO NOTHING`,
    ),
    statement<PlacementRow>(
      sql`SELECT number, database, state, other, progress FROM placements WHERE study_id = ${study}`,
    ),
  )
  return first(rows)
}
