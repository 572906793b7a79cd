import { exports } from 'cloudflare:workers'
import { bridgeCallers } from './bridge.ts'
import { callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'

/** A client of the Worker in this process: with a session or a key in place of one, or nobody in particular. */
export const bridgeAs = bridgeCallers(
  callersOf(
    async (request) => exports.default.fetch(request),
    () => ORIGIN,
  ),
)
