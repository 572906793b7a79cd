import { exports } from 'cloudflare:workers'
import { bridgeCallers } from './bridge.ts'
import { callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'

/** A Bridge client of the Worker in this process. */
export const bridgeAs = bridgeCallers(
  callersOf(
    async (request) => exports.default.fetch(request),
    () => ORIGIN,
  ),
)
