import { sql, type SQL } from './sql.ts'
import { NO_STUDY, type StudyId } from '../model/ids.ts'
import { overloaded } from '../model/errors.ts'
import { type Database, openDatabase, type Queryable, statement } from './database.ts'
import { directoryStore, type Place, type Places, type Remembered } from './directory.ts'

// One database, or several among which the studies are: what stores ask for the one that they mean.

/** Databases by their numbers, from the first on, which has the directory. */
export type Queryables = readonly [Queryable, ...Queryable[]]

export type Databases = Readonly<{
  /** The first: the directory's, and of what is of no study. */
  home: Database
  /** Every one, by number. */
  all: readonly Database[]
  /**
   * The same work on each, for the cron: on those whose turn it is, where they are more than one run could look at. Of
   * what they answer, the first of each comes first.
   */
  swept: <Answer>(now: Date, work: (database: Database) => Promise<readonly Answer[]>) => Promise<Answer[]>
  /** The one that has a study: asked anew where it has moved since, waited for while it moves. */
  of: (study: StudyId) => Database
  /** The same for a study that only its number is known of. */
  ofNumber: (number: number) => Database
  /** Work on things of several studies: done once for each database that has some of them. */
  divided: <Item, Answer>(
    items: readonly Item[],
    studyOf: (item: Item) => StudyId,
    work: (database: Database, items: readonly Item[]) => Promise<readonly Answer[]>,
  ) => Promise<Answer[]>
  /**
   * ` AND …` for what goes through all studies of a database: that the row is of one that is served here, and not of
   * one on its way in or out. Nothing where there is one database.
   */
  served: (study: string) => SQL
  /** The same for what only reads: one that waits to be elsewhere is shown here. */
  shown: (study: string) => SQL
  /** Where studies are; undefined: there is one database. */
  places: Places | undefined
}>

/** So many are looked at by one run of the cron, which may ask a thousand statements. */
const IN_TURN = 10
const TURN_MS = 60_000

const ABSENT = /absent: (arriving|frozen|left)/
/** Waited for what is about to be elsewhere: six seconds in all, which is longer than a study stands still. */
const WAITS_MS = [20, 40, 80, 160, 300, 400, 500, 500, 500, 500, 500, 500, 500, 500, 500, 500] as const

/** One that fails its whole batch where the database does not serve these studies, or not now. A row is read only then. */
const isServedStatement = (studies: SQL) =>
  statement(sql`SELECT json_extract('{}', 'absent: ' || state) FROM absent WHERE study_id IN (${studies})`)

const absenceIn = (failure: unknown) => (failure instanceof Error ? ABSENT.exec(failure.message)?.[1] : undefined)

/** One that was taken out of the settings while there are studies in it. */
export function missing(database: number): never {
  throw overloaded(new Error(`There is no binding for database ${database}.`))
}

/** Of rows that two databases may show for a moment, each but once. */
export const eachOnce = <Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[] => [
  ...new Map(items.map((item) => [keyOf(item), item])).values(),
]

const alone = (home: Database): Databases => ({
  home,
  all: [home],
  swept: async (_, work) => [...(await work(home))],
  of: () => home,
  ofNumber: () => home,
  // What one database answers, of all items together.
  divided: async (items, _, work) => [...(await work(home, items))],
  served: () => sql``,
  shown: () => sql``,
  places: undefined,
})

/** A batch under the condition that these studies are served there. */
function guarded(database: Database, studies: SQL): Database {
  const guard = isServedStatement(studies)
  // The guard's own answer, which is none, goes: what is left are the rows of what was asked.
  return {
    batch: async (...asked) => (await database.batch(guard, ...asked)).slice(1) as never,
    batchOnce: async (...asked) => (await database.batchOnce(guard, ...asked)).slice(1) as never,
    bytes: async () => database.bytes(),
  }
}

/**
 * `directory` is asked for where a study is, by the primary; what is remembered of it may be behind, which costs a trip and
 * is never wrong: a database that a study has left refuses.
 */
export function openDatabases(
  queryables: Queryables,
  { directory, ...edge }: Readonly<{ directory: Queryable; remembered: Remembered; kv: KVNamespace }>,
): Databases {
  const [home, ...others] = [openDatabase(queryables[0]), ...queryables.slice(1).map(openDatabase)] as const
  if (others.length === 0) return alone(home)
  const all = [home, ...others]
  const places = directoryStore(openDatabase(directory), edge)
  const at = ({ database }: Place): Database => all[database] ?? missing(database)

  async function run<Answer>(study: StudyId, ask: (database: Database) => Promise<Answer>): Promise<Answer> {
    let place = await places.find(study)
    for (const wait of [0, ...WAITS_MS]) {
      try {
        return await ask(guarded(at(place), sql`${study}`))
      } catch (failure) {
        if (absenceIn(failure) === undefined) throw failure
        const seen = place
        place = await places.findAnew(study)
        if (place.database === seen.database) await scheduler.wait(wait)
      }
    }
    throw overloaded(new Error('A study is being moved for longer than it may be.'))
  }

  const of = (study: StudyId): Database =>
    study === NO_STUDY
      ? home
      : {
          batch: async (...asked) => run(study, async (database) => database.batch(...asked)),
          batchOnce: async (...asked) => run(study, async (database) => database.batchOnce(...asked)),
          bytes: async () => at(await places.find(study)).bytes(),
        }

  const ofNumber = (number: number): Database => {
    const found = async () => of((await places.numbered(number)) ?? NO_STUDY)
    return {
      batch: async (...asked) => (await found()).batch(...asked),
      batchOnce: async (...asked) => (await found()).batchOnce(...asked),
      bytes: async () => (await found()).bytes(),
    }
  }

  return {
    home,
    all,
    swept: async (now, work) => {
      const from = (Math.floor(now.getTime() / TURN_MS) * IN_TURN) % all.length
      const turn = [...all, ...all].slice(from, from + Math.min(IN_TURN, all.length))
      const answers = await Promise.all(turn.map(work))
      const ranked = answers.flatMap((each) => each.map((answer, rank) => ({ answer, rank })))
      return ranked.toSorted((one, other) => one.rank - other.rank).map(({ answer }) => answer)
    },
    of,
    ofNumber,
    async divided(items, studyOf, work) {
      const studies = [...new Set(items.map(studyOf))]
      const found = await Promise.all(studies.map(async (study) => [study, await places.find(study)] as const))
      const databaseOf = new Map(found.map(([study, { database }]) => [study, database]))
      const groups = [...Map.groupBy(items, (item) => databaseOf.get(studyOf(item)) ?? 0)]
      const answers = await Promise.all(
        groups.map(async ([database, group]) => {
          const ids = JSON.stringify([...new Set(group.map(studyOf))])
          try {
            return await work(guarded(at({ database }), sql`SELECT value FROM json_each(${ids})`), group)
          } catch (failure) {
            if (absenceIn(failure) === undefined) throw failure
            // One of them has moved: each for itself finds where it is.
            const byStudy = [...Map.groupBy(group, studyOf)]
            return (await Promise.all(byStudy.map(async ([study, own]) => work(of(study), own)))).flat()
          }
        }),
      )
      return answers.flat()
    },
    served: (study) => sql` AND ${sql.raw(study)} NOT IN (SELECT study_id FROM absent)`,
    shown: (study) => sql` AND ${sql.raw(study)} NOT IN (SELECT study_id FROM absences WHERE state <> 'frozen')`,
    places,
  }
}
