import type { StudyId } from './ids.ts'

/**
 * How far the move of a study to another database is. `here`: it is where it was asked to be; `copying`: it is served where
 * it was; `clearing`: it is where it was asked to be, and rows of it are still where it was.
 */
export const MOVE_STATES = ['here', 'copying', 'clearing'] as const
export type MoveState = (typeof MOVE_STATES)[number]

export type Move = Readonly<{
  study: StudyId
  /** Which one serves it now. */
  database: number
  state: MoveState
  /** Rows that were copied so far, and of these, that were held against what they are copies of. */
  copied: number
  verified: number
  /** How many milliseconds the study stood still for, where it has just moved. */
  stoodStillMs: number | null
  /** The table whose copy is not what it is a copy of: then it is not moved. */
  differs: string | null
}>
