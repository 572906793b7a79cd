export type Random = Readonly<{
  /** A whole number from 0 on, and less than `count`. */
  below: (count: number) => number
  /** One of them; nothing where there is none. */
  oneOf: <Thing>(things: readonly Thing[]) => Thing | undefined
}>

/** Chance that is the same for the same seed. */
export function randomOf(seed: number): Random {
  let state = seed
  // Mulberry32, for all 32 bits of the seed count.
  const below = (count: number) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * count)
  }
  return { below, oneOf: (things) => things[below(things.length)] }
}
