import { env, exports } from 'cloudflare:workers'
import { callersOf } from './callers.ts'
import { againstDocument } from './told.ts'

export type { Answer, Caller } from './callers.ts'

export const ORIGIN = 'http://localhost'

const makeCheck = async () =>
  againstDocument(await (await exports.default.fetch(new Request(`${ORIGIN}/openapi.json`))).json())
let check: ReturnType<typeof makeCheck> | undefined

/** Whatever is answered must be what the OpenAPI document tells of. */
export const told = (send: (request: Request) => Promise<Response>) => async (request: Request) => {
  const response = await send(request)
  check ??= makeCheck()
  const surprise = await (await check)(request, response)
  if (surprise !== undefined) throw new Error(`The OpenAPI document does not tell of ${surprise}.`)
  return response
}

/** A caller: with a key, or nobody in particular. */
export const as = callersOf(
  told(async (request) => exports.default.fetch(request)),
  () => ORIGIN,
)

export const anonymous = as()
export const operator = as(env.OPERATOR_KEY)
