import type { Identifier } from './ids.ts'

/** What participants of a study call a report of theirs: one for all who call one so. */
export type SharedName = Readonly<{
  identifier: Identifier
  /** Which parts of the study it is for; none: all. */
  labels: readonly string[]
  createdAt: Date
}>

/**
 * What is said of a report with an entry, in a protocol that keeps an index of reports and lets participants read those
 * of the study: a report of the study's that is made so is opened to them.
 */
export type Indexing = Readonly<{
  /** Which parts of the study it is for. They are said with the first entry, or again as they are; undefined: not said. */
  labels: readonly string[] | undefined
  /** One that it is for from now on, whatever else it is for. */
  part: string | undefined
}>
