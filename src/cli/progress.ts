import { MultiBar, Presets, type SingleBar } from 'cli-progress'
import { charactersOf, shown, sizeText } from './shown.ts'
import type { Output } from './terminal.ts'

// How far transfers are: a bar for each on a terminal, lines where nobody watches.

export type Bar = Readonly<{ move: (bytes: number) => void; end: () => void }>
export type Progress = Readonly<{ begin: (name: string, totalBytes: number) => Bar; stop: () => void }>

const NAME_WIDTH = 32
const QUARTERS = 4

/** The end of a long name tells more. */
function short(name: string): string {
  const characters = charactersOf(shown(name))
  return characters.length <= NAME_WIDTH ? characters.join('') : `…${characters.slice(1 - NAME_WIDTH).join('')}`
}

const labelOf = (name: string) => short(name).padEnd(NAME_WIDTH)

function barsOn(stream: Output): Progress {
  const bars = new MultiBar(
    {
      stream,
      format: '{label} {bar} {percentage}% {done}/{whole}',
      hideCursor: true,
      clearOnComplete: true,
      // Who began the transfers ends them in order.
      gracefulExit: false,
      linewrap: false,
      emptyOnZero: true,
    },
    Presets.shades_grey,
  )
  return {
    begin: (name, totalBytes) => {
      const whole = sizeText(totalBytes)
      const bar: SingleBar = bars.create(totalBytes, 0, { label: labelOf(name), whole, done: sizeText(0) })
      return {
        move: (bytes) => bar.update(bytes, { done: sizeText(bytes) }),
        end: () => void bars.remove(bar),
      }
    },
    stop: () => bars.stop(),
  }
}

/** A line for each quarter: enough for a log, and not too much. */
function linesOn(stream: Output): Progress {
  return {
    begin: (name, totalBytes) => {
      let told = 0
      return {
        move: (bytes) => {
          const quarter = totalBytes === 0 ? QUARTERS : Math.floor((bytes / totalBytes) * QUARTERS)
          if (quarter <= told) return
          told = quarter
          stream.write(`${shown(name)}: ${sizeText(bytes)} of ${sizeText(totalBytes)}\n`)
        },
        end: () => undefined,
      }
    },
    stop: () => undefined,
  }
}

const SILENT: Progress = {
  begin: () => ({ move: () => undefined, end: () => undefined }),
  stop: () => undefined,
}

export function progressOn(stream: Output, { isQuiet }: { isQuiet: boolean }): Progress {
  if (isQuiet) return SILENT
  return stream.isTTY === true ? barsOn(stream) : linesOn(stream)
}
