import DataLoader from 'dataloader'
import type { Scope } from '../../../domain/scope.ts'
import { listVersionsOf, type VersionsOfFile } from '../../../domain/versions.ts'
import type { File } from '../../../model/entities.ts'

/** How many files' versions are read in one trip. */
const FILES_PER_TRIP = 100

export type Order = 'oldest' | 'newest'
export type VersionsAsked = Readonly<{ file: File; order: Order; limit: number }>
export type VersionLoader = DataLoader<VersionsAsked, VersionsOfFile>

/** What can be read together: files of a study, of which the same is asked. */
const sameTrip = ({ file, order, limit }: VersionsAsked) => `${file.study} ${order} ${limit}`

const NONE: VersionsOfFile = { items: [], more: false }

/** The first versions of the files on a page, of all of them together. */
export const createVersionLoader = (scope: Scope, trip: () => void): VersionLoader =>
  new DataLoader(
    async (asked) => {
      const groups = Object.values(Object.groupBy(asked, sameTrip))
      const found = await Promise.all(groups.map(async (group) => versionsOf(scope, group ?? [], trip)))
      return asked.map(({ file, ...rest }) => {
        const group = sameTrip({ file, ...rest })
        return found.find((each) => each.group === group)?.versions.get(file.id) ?? NONE
      })
    },
    // Nothing is kept: what one field of a mutation is told, the next may have changed.
    { maxBatchSize: FILES_PER_TRIP, cache: false },
  )

async function versionsOf(scope: Scope, group: readonly VersionsAsked[], trip: () => void) {
  const [first] = group
  if (first === undefined) return { group: '', versions: new Map() }
  trip()
  const { order, limit } = first
  const files = group.map(({ file }) => file.id)
  return {
    group: sameTrip(first),
    versions: await listVersionsOf(scope, first.file.study, { files, order, limit }),
  }
}
