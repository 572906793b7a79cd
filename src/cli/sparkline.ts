const BARS = '▁▂▃▄▅▆▇█'
const GAP = ' '

const mean = (numbers: readonly number[]): number | undefined =>
  numbers.length === 0 ? undefined : numbers.reduce((sum, number) => sum + number, 0) / numbers.length

/** As many as there is room for: of several that share a place, the mean. */
function fitted(values: readonly (number | undefined)[], width: number): readonly (number | undefined)[] {
  if (values.length <= width) return values
  return Array.from({ length: width }, (_, at) => {
    const [from, to] = [at, at + 1].map((place) => Math.floor((place * values.length) / width))
    return mean(values.slice(from, to).filter((value) => value !== undefined))
  })
}

/** Numbers as a row of bars, from the lowest to the highest; what has no number is a gap. */
export function sparkline(values: readonly (number | undefined)[], width: number): string {
  const shown = fitted(values, Math.max(1, width))
  const numbers = shown.filter((value) => value !== undefined)
  const low = Math.min(...numbers)
  const span = Math.max(...numbers) - low
  const barOf = (value: number) => BARS[span === 0 ? 3 : Math.round(((value - low) / span) * (BARS.length - 1))] ?? GAP
  return shown.map((value) => (value === undefined ? GAP : barOf(value))).join('')
}
