import { CommanderError } from '@commander-js/extra-typings'
import { CarrelError, type FieldError } from '../client/index.ts'

/** As docs/cli.md tells them; a signal adds its number to 128. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  denied: 3,
  notFound: 4,
  conflict: 5,
  unreachable: 6,
  refused: 7,
  interrupted: 130,
  pipeClosed: 141,
} as const
export type Exit = (typeof EXIT)[keyof typeof EXIT]

/** A command cannot go on, for a reason that the message tells in full. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: string
  readonly exit: number

  constructor(message: string, { code, exit }: { code: string; exit: number }) {
    super(message)
    this.code = code
    this.exit = exit
  }
}

export const usage = (message: string) => new Failure(message, { code: 'usage', exit: EXIT.usage })
export const notSignedIn = (message: string) => new Failure(message, { code: 'not_signed_in', exit: EXIT.denied })
export const isThere = (message: string) => new Failure(message, { code: 'is_there', exit: EXIT.conflict })
export const damaged = (message: string) => new Failure(message, { code: 'damaged', exit: EXIT.failed })
export const notMeant = () => new Failure('Nothing was done.', { code: 'not_meant', exit: EXIT.failed })
export const interrupted = (exit: number = EXIT.interrupted) => new Failure('Stopped.', { code: 'interrupted', exit })

/** What is told of a failure, to people and to programs. */
export type Told = Readonly<{
  code: string
  detail: string
  exit: number
  status?: number | undefined
  errors?: readonly FieldError[]
  requestId?: string | undefined
}>

const EXIT_OF_STATUS: Readonly<Record<number, Exit>> = {
  401: EXIT.denied,
  403: EXIT.denied,
  404: EXIT.notFound,
  409: EXIT.conflict,
  410: EXIT.notFound,
  412: EXIT.conflict,
  429: EXIT.unreachable,
  500: EXIT.failed,
  502: EXIT.unreachable,
  503: EXIT.unreachable,
  504: EXIT.unreachable,
}

/** Nothing answered, or what did is not Carrel, or not at work. */
const UNREACHED: ReadonlySet<string> = new Set(['network', 'timeout', 'storage', 'unexpected_answer'])

function exitOf({ code, status }: CarrelError): Exit {
  if (code === 'source_changed' || code === 'content_changed') return EXIT.conflict
  if (code === 'aborted') return EXIT.interrupted
  if (UNREACHED.has(code)) return EXIT.unreachable
  return EXIT_OF_STATUS[status ?? 0] ?? EXIT.refused
}

const isOfSystem = (failure: unknown): failure is Error & { code: string } =>
  failure instanceof Error && 'code' in failure && typeof failure.code === 'string' && 'syscall' in failure

/** Undefined for what is nobody's fault but this program's. */
export function toldOf(failure: unknown): Told | undefined {
  if (failure instanceof Failure) return { code: failure.code, detail: failure.message, exit: failure.exit }
  if (failure instanceof CarrelError) {
    const { code, detail, status, errors, requestId } = failure
    return { code, detail, exit: exitOf(failure), status, errors, requestId }
  }
  if (failure instanceof CommanderError) {
    return { code: 'usage', detail: failure.message.replace(/^error: /, ''), exit: EXIT.usage }
  }
  // It says what was done to which path, which is the caller's own.
  if (isOfSystem(failure)) return { code: failure.code, detail: failure.message, exit: EXIT.failed }
  return undefined
}

/** Of several that failed: what they have in common. */
export function exitOfAll(failures: readonly Told[]): number {
  const [first = EXIT.done, ...others] = new Set(failures.map(({ exit }) => exit))
  return others.length === 0 ? first : EXIT.failed
}
