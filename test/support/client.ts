import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import worker from '../../src/index.ts'
import { bound } from './bound.ts'
import { type Answer, callersOf } from './callers.ts'
import { againstDocument } from './told.ts'

export type { Answer, Caller } from './callers.ts'

export const ORIGIN = 'http://localhost'

/**
 * To the Worker's own handler, and what it leaves to be done after its answer is waited for. The platform's way to it is
 * taken by the clients of foreign protocols, and in `test/e2e`: here it asks for the module anew with each request.
 */
export const sendingWith =
  (bindings: Env) =>
  async (request: Request): Promise<Response> => {
    const context = createExecutionContext()
    const response = await worker.fetch(request, bindings, context)
    await waitOnExecutionContext(context)
    return response
  }
const send = sendingWith(bound)

const makeCheck = async () => againstDocument(await (await send(new Request(`${ORIGIN}/openapi.json`))).json())
let check: ReturnType<typeof makeCheck> | undefined

/** Whatever is answered must be what the OpenAPI document tells of. */
export async function told(request: Request, answer: Answer): Promise<void> {
  check ??= makeCheck()
  const surprise = (await check)(request, answer)
  if (surprise !== undefined) throw new Error(`The OpenAPI document does not tell of ${surprise}.`)
}

/** A caller: with a key, or nobody in particular. */
export const as = callersOf(send, () => ORIGIN, told)

export const anonymous = as()
export const operator = as(env.OPERATOR_KEY)
