import { sql } from './sql.ts'
import type { StudyId } from '../model/ids.ts'
import type { Move } from '../model/moves.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { type Database, first, statement } from './database.ts'
import { type Databases, missing } from './databases.ts'
import { captureStatements } from './move-capture.ts'
import { type Carrying, changesLeft, copyNext, filledIn, replayNext, verifyNext, type Walked } from './move-copies.ts'
import { claimHosts } from './move-ends.ts'
import { type Key } from './moved-tables.ts'
import { placementOf } from './placements.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** How long a study may stand still: its last changes are copied in that time, or it goes on where it was. */
const FREEZE_MS = 5_000
/** So few changes are left for that time. */
const FEW_CHANGES = 1_000
/** How often what has changed meanwhile is replayed before copying goes on. */
const ROUNDS = 3
/** The copy itself is begun by, and the copy that is held against its rows ends with. */
type Phase = 'copy' | 'verify'
export type Progress = Readonly<{ phase: Phase; table: number; after: Key | null; rows: number; copied: number }>
const BEGINNING: Progress = { phase: 'copy', table: 0, after: null, rows: 0, copied: 0 }

/** A move as its driver goes on with it. */
export type Moving = Readonly<{ carrying: Carrying; source: number; target: number; progress: Progress }>

/** What was copied is held against its rows next, from the beginning. */
const progressTo = (walked: Walked | undefined, { phase, rows, copied }: Progress): Progress =>
  walked === undefined
    ? { ...BEGINNING, phase: 'verify', copied: rows }
    : { ...walked, phase, copied: phase === 'copy' ? walked.rows : copied }

const clock = sql.raw(`CAST(unixepoch('now', 'subsec') * 1000 AS INTEGER)`)

export const moveStore = (db: Databases) => {
  const at = (number: number): Database => db.all[number] ?? missing(number)

  return {
    isOne: db.places === undefined,
    exists: (database: number): boolean => db.all[database] !== undefined,

    /** Whether the caller may, which is the operator's to do; put on record where a move `begins`. */
    async permit(caller: Caller, { rule, begins }: { rule: Rule; begins: boolean }): Promise<Principal | undefined> {
      const [who] = await db.of(caller.study).batch(
        whoStatement(caller),
        begins
          ? record(
              caller,
              { action: 'study.move', owner: sql`''`, object: null },
              sql`EXISTS (SELECT 1 FROM studies s WHERE s.id = ${caller.study})
                AND ${allows(rule, targetStudy(caller.study))}`,
            )
          : statement(withWho(caller, sql`SELECT 1 WHERE 0`)),
      )
      return principalOf(first(who), caller.study)
    },

    /** Where a study is, and where it is on its way to; undefined: the directory has none. */
    async find(study: StudyId): Promise<(Pick<Move, 'database' | 'state'> & { other: number | null }) | undefined> {
      const row = await placementOf(db, study)
      return row && { database: row.database, state: row.state, other: row.other }
    },

    /** That a move is under way, which this database is the end of. */
    async begin(study: StudyId, to: number, now: Date): Promise<void> {
      await db.home.batch(
        statement(
          sql`UPDATE placements SET state = 'copying', other = ${to}, progress = ${JSON.stringify(BEGINNING)},
              updated_at = ${now.getTime()}
            WHERE study_id = ${study} AND state = 'here' AND database <> ${to}`,
        ),
      )
    },

    /**
     * Takes a move over from whoever drove it before. The source is asked first: once it is decided there that the study
     * goes, nobody holds it back. `decided`: only what is left of that is to be done.
     */
    async drive(study: StudyId, driver: string): Promise<(Moving & { decided: boolean }) | undefined> {
      const row = await placementOf(db, study)
      if (row?.state !== 'copying' || row.other === null) return undefined
      const carrying: Carrying = {
        from: at(row.database),
        to: at(row.other),
        moved: { study, number: row.number },
        driver,
      }
      const moving = {
        carrying,
        source: row.database,
        target: row.other,
        // What was put in.
        progress: row.progress === null ? BEGINNING : (JSON.parse(row.progress) as Progress),
      }
      const isDecided = sql`EXISTS (SELECT 1 FROM absences WHERE study_id = ${study} AND until IS NULL)`
      const [, , decided, triggers] = await carrying.from.batch(
        statement(
          sql`INSERT INTO moves (study_id, driver) SELECT ${study}, ${driver} WHERE NOT ${isDecided}
            ON CONFLICT (study_id) DO UPDATE SET driver = excluded.driver`,
        ),
        // What an earlier driver has left: nothing waits for it any more.
        statement(sql`DELETE FROM absences WHERE study_id = ${study} AND state = 'frozen' AND until IS NOT NULL`),
        statement<{ yes: number }>(sql`SELECT 1 AS yes WHERE ${isDecided}`),
        statement<{ n: number }>(sql`SELECT count(*) AS n FROM sqlite_schema WHERE name GLOB 'moving_*'`),
      )
      if (decided.length > 0) {
        await carrying.to.batch(
          statement(sql`UPDATE absences SET driver = ${driver} WHERE study_id = ${study} AND state = 'arriving'`),
        )
        return { ...moving, decided: true }
      }
      // Only now, when nobody drops them any more, and before anything is copied.
      const capture = captureStatements()
      if (first(triggers)?.n !== capture.length) await carrying.from.batch(...capture)
      await carrying.to.batch(
        statement(
          sql`INSERT INTO absences (study_id, state, driver) VALUES (${study}, 'arriving', ${driver})
            ON CONFLICT (study_id) DO UPDATE SET state = 'arriving', until = NULL, driver = excluded.driver`,
        ),
      )
      return { ...moving, decided: false }
    },

    /** Tables that have rows to go through. What comes to the others from now on is noted, and replayed. */
    filled: async ({ carrying: { from, to, moved }, progress }: Moving): Promise<ReadonlySet<number>> =>
      filledIn(progress.phase === 'copy' ? [from] : [from, to], moved),

    /** One stretch of copying, or of holding the copy against its rows; `over`: nothing is left but the last changes. */
    async goOn({ carrying, progress }: Moving): Promise<{ progress: Progress; over: boolean; differs?: string }> {
      const { study } = carrying.moved
      const isCopying = progress.phase === 'copy'
      const verified = isCopying ? undefined : await verifyNext(carrying, progress)
      if (verified?.differs !== undefined) return { progress, over: false, differs: verified.differs }
      const walked = isCopying ? await copyNext(carrying, progress) : verified?.walked
      if (walked === undefined && !isCopying) return { progress, over: true }
      if (walked === undefined) await claimHosts(db, carrying)
      const next = progressTo(walked, progress)
      // To look again for rows where there were none costs less than to put down that there are none.
      if (walked !== undefined && walked.rows === progress.rows) return { progress: next, over: false }
      await db.home.batch(
        statement(
          sql`UPDATE placements SET progress = ${JSON.stringify(next)} WHERE study_id = ${study} AND state = 'copying'`,
        ),
      )
      return { progress: next, over: false }
    },

    /** Replays what has changed; `caughtUp`: little enough is left for the time that the study may stand still. */
    async catchUp({ carrying }: Moving): Promise<{ caughtUp: boolean; differs?: string }> {
      for (let round = 0; round < ROUNDS; round += 1) {
        const { differs } = await replayNext(carrying)
        if (differs !== undefined) return { caughtUp: false, differs }
        if ((await changesLeft(carrying.from, carrying.moved.study)) <= FEW_CHANGES) return { caughtUp: true }
      }
      return { caughtUp: false }
    },

    /**
     * The study stands still, its last changes are replayed, and then it is decided, by one statement: that in time
     * nothing else has changed. Where it is not, the study goes on where it was, by itself at the latest.
     */
    async decide({ carrying }: Moving): Promise<{ decided: boolean; stoodStillMs: number; differs?: string }> {
      const { from, moved, driver } = carrying
      const { study } = moved
      const mine = sql`EXISTS (SELECT 1 FROM moves WHERE study_id = ${study} AND driver = ${driver})`
      const since = Date.now()
      await from.batch(
        statement(
          sql`INSERT INTO absences (study_id, state, until, driver)
            SELECT ${study}, 'frozen', ${clock} + ${FREEZE_MS}, ${driver} WHERE ${mine}
            ON CONFLICT (study_id) DO UPDATE SET until = excluded.until, driver = excluded.driver`,
        ),
      )
      let differs: string | undefined
      for (;;) {
        const replay = await replayNext(carrying)
        differs = replay.differs
        if (replay.replayed === 0 || Date.now() - since > FREEZE_MS) break
      }
      const [, , , decided] = await from.batch(
        statement(
          sql`UPDATE absences SET until = NULL
            WHERE study_id = ${study} AND state = 'frozen' AND until > ${clock} AND driver = ${driver} AND ${mine}
              AND ${differs === undefined} AND NOT EXISTS (SELECT 1 FROM move_changes WHERE study_id = ${study})`,
        ),
        statement(sql`DELETE FROM moves WHERE study_id = ${study} AND changes() > 0`),
        statement(sql`DELETE FROM absences WHERE study_id = ${study} AND until IS NOT NULL AND driver = ${driver}`),
        statement<{ yes: number }>(
          sql`SELECT 1 AS yes FROM absences WHERE study_id = ${study} AND until IS NULL AND driver = ${driver}`,
        ),
      )
      return { decided: decided.length > 0, stoodStillMs: Date.now() - since, ...(differs && { differs }) }
    },
  }
}
