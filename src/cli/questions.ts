import { createInterface } from 'node:readline'
import { addAbortSignal, Writable } from 'node:stream'
import { text as readAll } from 'node:stream/consumers'
import { interrupted, notMeant, usage } from './failures.ts'
import type { Terminal } from './terminal.ts'

const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() })

type Asking = Readonly<{ isSecret?: boolean }>

/** Asks whoever sits there; what is secret is not shown while it is typed. */
export async function ask(
  { stdin, stderr, signal }: Terminal,
  question: string,
  { isSecret = false }: Asking = {},
): Promise<string> {
  // From here on the terminal itself shows nothing: what is typed as soon as it is asked for must not be seen either.
  const lines = createInterface({ input: stdin, output: isSecret ? nowhere() : stderr, terminal: true, prompt: '' })
  if (isSecret) stderr.write(question)
  try {
    return await new Promise<string>((resolve, reject) => {
      // It has the terminal to itself, and the keys that interrupt come to it.
      lines.once('SIGINT', () => reject(interrupted()))
      signal.addEventListener('abort', () => reject(interrupted()), { once: true })
      lines.once('close', () => reject(usage('There was no answer.')))
      lines.question(isSecret ? '' : question, (answer) => resolve(answer.trim()))
    })
  } finally {
    lines.close()
    if (isSecret) stderr.write('\n')
  }
}

export const isAsked = ({ stdin, stderr }: Terminal): boolean => stdin.isTTY === true && stderr.isTTY === true

/** All of what is piped in, unless it is to stop before that ends. */
export const piped = async ({ stdin, signal }: Terminal): Promise<string> => readAll(addAbortSignal(signal, stdin))

/** @throws Failure unless it is meant: said by an option, or by whoever is asked */
export async function mustMean(terminal: Terminal, question: string, isSaid: boolean): Promise<void> {
  if (isSaid) return
  if (!isAsked(terminal)) throw usage('There is nobody to ask: say --yes.')
  if (!/^y(es)?$/i.test(await ask(terminal, `${question} [y/N] `))) throw notMeant()
}
