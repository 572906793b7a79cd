/** @jsxImportSource preact */

export type Point = Readonly<{ at: string; value: number }>

const WIDTH = 720
const HEIGHT = 240
const EDGE = { left: 84, right: 12, top: 16, bottom: 40 } as const

const timeOf = ({ at }: Point): number => Date.parse(at)
const numberText = (value: number): string => value.toLocaleString('en', { maximumFractionDigits: 2 })

/** The ends of what is shown; a single value is in the middle of its own. */
function rangeOf(values: readonly number[]): readonly [number, number] {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  return low === high ? [low - 1, high + 1] : [low, high]
}

const between = ([low, high]: readonly [number, number], value: number): number => (value - low) / (high - low)

/** Numbers over time, as a line; the words for it are said, and a table beside it has all of them. */
export function Chart({ name, points }: Readonly<{ name: string; points: readonly Point[] }>) {
  const [first, last] = [points[0], points.at(-1)]
  if (first === undefined || last === undefined) return null
  const times = rangeOf(points.map(timeOf))
  const values = rangeOf(points.map(({ value }) => value))
  const xOf = (point: Point) => EDGE.left + between(times, timeOf(point)) * (WIDTH - EDGE.left - EDGE.right)
  const yOf = (value: number) => HEIGHT - EDGE.bottom - between(values, value) * (HEIGHT - EDGE.top - EDGE.bottom)
  const about = `${name}: ${points.length} values from ${first.at.slice(0, 10)} to ${last.at.slice(0, 10)}, between ${numberText(values[0])} and ${numberText(values[1])}`
  return (
    <figure class="chart">
      <figcaption>
        <bdi>{name}</bdi>
      </figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-label={about}>
        {[values[0], (values[0] + values[1]) / 2, values[1]].map((value) => (
          <g key={value}>
            <line class="grid" x1={EDGE.left} x2={WIDTH - EDGE.right} y1={yOf(value)} y2={yOf(value)} />
            <text x={EDGE.left - 8} y={yOf(value) + 4} text-anchor="end">
              {numberText(value)}
            </text>
          </g>
        ))}
        <text x={EDGE.left} y={HEIGHT - 10}>
          {first.at.slice(0, 10)}
        </text>
        <text x={WIDTH - EDGE.right} y={HEIGHT - 10} text-anchor="end">
          {last.at.slice(0, 10)}
        </text>
        <polyline class="line" points={points.map((point) => `${xOf(point)},${yOf(point.value)}`).join(' ')} />
        {points.length <= 62 &&
          points.map((point) => <circle key={point.at} cx={xOf(point)} cy={yOf(point.value)} r="4" />)}
      </svg>
    </figure>
  )
}
