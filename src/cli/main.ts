#!/usr/bin/env node
import { constants } from 'node:os'
import { carrel } from './carrel.ts'

/** One Ctrl-C can come twice: from the terminal, and passed on by npx. */
const ONE_PRESS_MS = 1_000

const stopping = new AbortController()
let pressedAt = 0
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  const exit = 128 + constants.signals[name]
  process.on(name, () => {
    // Asked again, it ends as it is: what was saved is whole.
    if (stopping.signal.aborted && performance.now() - pressedAt > ONE_PRESS_MS) process.exit(exit)
    if (stopping.signal.aborted) return
    pressedAt = performance.now()
    stopping.abort(exit)
  })
}

const { stdin, stdout, stderr, env } = process
process.exitCode = await carrel({
  args: process.argv.slice(2),
  env,
  cwd: process.cwd(),
  stdin,
  stdout,
  stderr,
  signal: stopping.signal,
})
