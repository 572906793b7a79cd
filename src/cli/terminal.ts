import type { Readable, Writable } from 'node:stream'
import type { RetryOptions } from '../client/index.ts'

type Shown = { isTTY?: boolean; columns?: number }
export type Output = Writable & Shown
export type Input = Readable & Shown & { setRawMode?: (isRaw: boolean) => unknown }

/** All that a command knows of where it runs. */
export type Terminal = Readonly<{
  args: readonly string[]
  env: Readonly<Record<string, string | undefined>>
  cwd: string
  stdin: Input
  stdout: Output
  stderr: Output
  /** Aborted when the command is to stop; the reason is its exit code. */
  signal: AbortSignal
  /** The client's own where it is left out. */
  retry?: Partial<RetryOptions>
}>
