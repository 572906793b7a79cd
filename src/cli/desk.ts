import type { CommandUnknownOpts } from '@commander-js/extra-typings'
import { type Carrel, createCarrel, type List } from '../client/index.ts'
import { EXIT, interrupted, type Told, toldOf } from './failures.ts'
import { findProfile, type Profile } from './profiles.ts'
import { type Columns, layout, shown, shownJson } from './shown.ts'
import type { Terminal } from './terminal.ts'

/** What holds for every command. */
export type Options = Readonly<{ json?: true | undefined; profile?: string | undefined; study?: string | undefined }>
/** Where commands are added. */
export type Program = CommandUnknownOpts

export type Signed = Profile & Readonly<{ carrel: Carrel }>

const LOT = 100

/** What every command works at: who asks, and where it is told, to people in words and to programs in JSON. */
export class Desk {
  readonly terminal: Terminal
  readonly signal: AbortSignal
  /** Goes with every call of the client. */
  readonly call: Readonly<{ signal: AbortSignal }>
  /** Of a command that went on although something failed. */
  exit: number = EXIT.done
  readonly #options: () => Options

  constructor(terminal: Terminal, options: () => Options) {
    this.terminal = terminal
    this.signal = terminal.signal
    this.call = { signal: terminal.signal }
    this.#options = options
  }

  get options(): Options {
    return this.#options()
  }

  get json(): boolean {
    // Of what is wrong with the options themselves it is told in the same way.
    return this.options.json ?? this.terminal.args.includes('--json')
  }

  /** The service, as whoever is signed in. */
  async signed(): Promise<Signed> {
    const profile = await findProfile(this.terminal.env, this.options)
    const { retry } = this.terminal
    return { ...profile, carrel: createCarrel({ ...profile, ...(retry === undefined ? {} : { retry }) }) }
  }

  /** One result: a document for programs, lines for people. */
  async tell(value: unknown, lines: string): Promise<void> {
    await this.write(this.json ? `${shownJson(value)}\n` : `${lines}\n`)
  }

  /** A list as it comes: a line of JSON for each, or a table. */
  async list<Item>(
    list: List<Item> | AsyncIterable<Item> | readonly Item[],
    columns: Columns<Item>,
    most = Infinity,
  ): Promise<void> {
    const table = layout(columns)
    let lot: Item[] = []
    let count = 0
    const flush = async () => {
      await this.write(this.json ? lot.map((item) => `${shownJson(item)}\n`).join('') : table(lot))
      lot = []
    }
    for await (const item of list) {
      if (count >= most) break
      count += 1
      if (lot.push(item) >= LOT) await flush()
    }
    await flush()
  }

  /** Ends when it has been taken: what reads may be slower, or gone. */
  async write(text: string | Uint8Array): Promise<void> {
    const { stdout } = this.terminal
    const { signal } = this
    signal.throwIfAborted()
    if (text.length === 0) return
    await new Promise<void>((resolve, reject) => {
      // Whoever asks to stop does not wait for a slow reader.
      const stop = () => reject(interrupted())
      signal.addEventListener('abort', stop)
      stdout.write(text, (failure) => {
        signal.removeEventListener('abort', stop)
        if (failure) reject(failure)
        else resolve()
      })
    })
  }

  /** Beside the result, for people: it is not the program's business. */
  note(text: string): void {
    this.terminal.stderr.write(`${shown(text)}\n`)
  }

  /** Tells of what failed, and goes on, unless it is to stop. */
  complain(failure: unknown, about?: string): Told {
    if (this.signal.aborted) throw failure
    return this.fail(failure, about)
  }

  /** @throws whatever is nobody's fault but this program's */
  fail(failure: unknown, about?: string): Told {
    const told = toldOf(failure)
    if (told === undefined) throw failure
    this.terminal.stderr.write(this.json ? jsonOf(told, about) : wordsOf(told, about))
    return told
  }
}

const jsonOf = ({ exit, ...told }: Told, about?: string) => `${shownJson({ ...told, about, exit })}\n`

function wordsOf({ detail, errors = [], requestId }: Told, about?: string): string {
  const lines = [
    ...`carrel: ${about === undefined ? '' : `${about}: `}${detail}`.split('\n'),
    ...errors.map(({ pointer, message }) => `  ${pointer}: ${message}`),
    ...(requestId === undefined ? [] : [`  (request ${requestId})`]),
  ]
  return lines.map((line) => `${shown(line)}\n`).join('')
}
