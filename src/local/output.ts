import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { stripVTControlCharacters } from 'node:util'

type Output = Readonly<{ stdout: Readable; stderr: Readable }>

const LAST_LINES = 30

/** `[ERROR]` is Wrangler's own or the Worker's `console.error`; `[wrangler:error]` is what the Worker threw. */
const ERROR = /\[ERROR\]|^\[wrangler:error\]/
const CONTINUED = /^(\s|$)/
/** Its path can be a download link's, token and all; the Worker's own line for the same request names none. */
const REQUEST = /^\[wrangler:info\] [A-Z]+ \//

export const isWorthKeeping = (line: string) => line.trim() !== '' && !REQUEST.test(line)

/** Says of one line after the other whether it belongs to an error: its first line, or an indented one below it. */
export function errorLines() {
  let inError = false
  return (line: string) => {
    inError = ERROR.test(line) || (inError && CONTINUED.test(line))
    return inError
  }
}

/** The log is of this run: an older one is replaced. Errors are shown too; the result says whether there were any. */
export function writeLog({ stdout, stderr }: Output, path: string) {
  const log = createWriteStream(path, { flags: 'w', mode: 0o600 })
  let shown = false
  for (const stream of [stdout, stderr]) {
    const isError = errorLines()
    onLines(stream, (line) => {
      if (isWorthKeeping(line)) log.write(`${line}\n`)
      if (!isError(line)) return
      process.stderr.write(`${line}\n`)
      shown = true
    })
  }
  return () => shown
}

export function keepLastLines({ stdout, stderr }: Output) {
  const lines: string[] = []
  for (const stream of [stdout, stderr]) {
    onLines(stream, (line) => {
      if (isWorthKeeping(line)) lines.push(line)
      if (lines.length > LAST_LINES) lines.shift()
    })
  }
  return () => lines.join('\n')
}

function onLines(stream: Readable, take: (line: string) => void) {
  createInterface({ input: stream }).on('line', (line) => take(stripVTControlCharacters(line)))
}
