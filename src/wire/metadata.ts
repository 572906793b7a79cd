import type { Metadata } from '../model/entities.ts'

// What a caller's own JSON object about a file may be, by whichever door it comes.

export const MAX_METADATA_CHARACTERS = 64 * 1024
export const MAX_METADATA_DEPTH = 32

export const isMetadata = (value: unknown): value is Metadata =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Depth without recursion, since it is what a hostile body would make deep. */
export function isShallow(value: unknown): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_METADATA_DEPTH) return false
    level = level.flatMap((each) => (typeof each === 'object' && each !== null ? Object.values(each) : []))
  }
  return true
}
