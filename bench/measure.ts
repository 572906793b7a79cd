import { busyMilliseconds, cpuMillisecondsOf } from './cpu.ts'
import { type Ran, type Side, SIDES } from './sides.ts'
import type { Kind, Operation } from './operations.ts'
import type { Service } from './processes.ts'

export type Figures = Readonly<{
  perSecond: number
  p50: number
  p99: number
  /** Of all processes together: what asks, the service, and its storage. */
  cpuMilliseconds: number
  /** Of these, of the service and its storage. */
  serviceMilliseconds: number
}>
export type Measured = Readonly<{
  operation: string
  kind: Kind
  files: number
  carrel: Figures
  same: Figures
  bare: Figures
  /** Of the processor's time, Carrel's to that of a bare Worker that asks the same of storage: the middle of the rounds. */
  ratio: number
  /** The same without what asks. */
  serviceRatio: number
  /** And to that of a bare Worker that asks no more than it has to. */
  bareRatio: number
  /** How well the ratio is known, as a part of it: how far apart the middle half of the rounds' are, for so many rounds. */
  spread: number
  /** Which part of what the processors did meanwhile was somebody else's. */
  others: number
}>

const ROUNDS = { quick: 3, whole: 9 }
/** What is not known well enough by its rounds is given as many more, so often at most. */
const LOTS = { quick: 1, whole: 3 }
/** As a part of a ratio. */
export const KNOWN_TO = 0.05
const PER_ROUND = { quick: 150, whole: 600 }
/** Asked before anything counts: code is compiled as it is used, and statements are prepared. */
const WARM_UP = { quick: 100, whole: 2_000 }

const sortedOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)
const at = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
const middleOf = (values: readonly number[]) => at(sortedOf(values), 0.5)

type Round = Readonly<{ ran: Ran; cpuMilliseconds: number; serviceMilliseconds: number }>

function figuresOf(rounds: readonly Round[]): Figures {
  const latencies = sortedOf(rounds.flatMap(({ ran }) => ran.milliseconds))
  const seconds = rounds.reduce((sum, { ran }) => sum + ran.wallMilliseconds, 0) / 1_000
  return {
    perSecond: latencies.length / seconds,
    p50: at(latencies, 0.5),
    p99: at(latencies, 0.99),
    cpuMilliseconds: middleOf(rounds.map(({ ran, cpuMilliseconds }) => cpuMilliseconds / ran.milliseconds.length)),
    serviceMilliseconds: middleOf(
      rounds.map(({ ran, serviceMilliseconds }) => serviceMilliseconds / ran.milliseconds.length),
    ),
  }
}

/** How far apart the middle half of some ratios is, as a part of their middle, for as many as they are. */
const spreadOf = (sorted: readonly number[]): number =>
  (at(sorted, 0.75) - at(sorted, 0.25)) / at(sorted, 0.5) / Math.sqrt(sorted.length)

/** In turn, round by round, so that what else the machine does falls on both. */
export async function measure(
  service: Service,
  operation: Operation,
  { files, isQuick }: { files: number; isQuick: boolean },
): Promise<Measured> {
  const size = isQuick ? 'quick' : 'whole'
  const each = PER_ROUND[size]
  let from = 0
  const prepare = async (count: number): Promise<void> => {
    await service.order({ do: 'prepare', operation: operation.name, times: SIDES.length * count })
    from = 0
  }
  const run = async (side: Side, count: number): Promise<Round> => {
    const [before, serviceBefore] = [cpuMillisecondsOf(process.pid), service.cpuMilliseconds()]
    const ran = (await service.order({ do: 'run', side, from, times: count })) as Ran // what this order answers
    from += count
    if (ran.failures.length > 0) throw new Error(`${operation.name}, ${side}: ${ran.failures.join('; ')}`)
    return {
      ran,
      cpuMilliseconds: cpuMillisecondsOf(process.pid) - before,
      serviceMilliseconds: service.cpuMilliseconds() - serviceBefore,
    }
  }
  await prepare(WARM_UP[size])
  for (const side of SIDES) await run(side, WARM_UP[size])
  const rounds: Record<Side, Round[]> = { carrel: [], same: [], bare: [] }
  let [busy, ours] = [0, 0]
  const measureLot = async (): Promise<void> => {
    await prepare(ROUNDS[size] * each)
    const [busyBefore, oursBefore] = [busyMilliseconds(), cpuMillisecondsOf(process.pid)]
    for (let round = 0; round < ROUNDS[size]; round += 1) {
      for (const side of SIDES) rounds[side].push(await run(side, each))
    }
    busy += busyMilliseconds() - busyBefore
    ours += cpuMillisecondsOf(process.pid) - oursBefore
  }
  const ratiosTo = (side: Side, of: 'cpuMilliseconds' | 'serviceMilliseconds') =>
    sortedOf(rounds.carrel.map((round, i) => round[of] / (rounds[side][i]?.[of] ?? 0)))
  const ratios = () => ratiosTo('same', 'cpuMilliseconds')
  await measureLot()
  for (let lot = 1; lot < LOTS[size] && spreadOf(ratios()) > KNOWN_TO; lot += 1) await measureLot()
  return {
    operation: operation.name,
    kind: operation.kind,
    files,
    carrel: figuresOf(rounds.carrel),
    same: figuresOf(rounds.same),
    bare: figuresOf(rounds.bare),
    ratio: at(ratios(), 0.5),
    serviceRatio: at(ratiosTo('same', 'serviceMilliseconds'), 0.5),
    bareRatio: at(ratiosTo('bare', 'cpuMilliseconds'), 0.5),
    spread: spreadOf(ratios()),
    others: Math.max(0, 1 - ours / busy),
  }
}
