import { hashOf } from '../../support/bytes.ts'
import { ok } from '../../support/builders.ts'
import type { Caller } from '../../support/callers.ts'
import { mustSend } from './carrel.ts'

/** Larger numbers, for `npm run test:slow`. */
export const SLOW = process.env['CARREL_SLOW'] === '1'

type PartUrl = { number: number; bytes: number; method: 'PUT'; url: string; headers: Record<string, string> }

/** URLs for parts, bound to their MD5 where one is given. */
export const partUrls = async (
  caller: Caller,
  uploadPath: string,
  parts: readonly { number: number; md5?: string }[],
): Promise<PartUrl[]> => ok(await caller.post(`${uploadPath}/parts`, { parts })).parts

/** One part, from asking for its URL to reporting its ETag. */
export async function sendPart(
  caller: Caller,
  uploadPath: string,
  { number, bytes }: { number: number; bytes: Uint8Array },
): Promise<void> {
  const [url] = await partUrls(caller, uploadPath, [{ number, md5: hashOf('md5', bytes) }])
  if (url === undefined) throw new Error('no URL for the part')
  const etag = await mustSend(url, bytes)
  ok(await caller.put(`${uploadPath}/parts`, { parts: [{ number, etag }] }))
}
