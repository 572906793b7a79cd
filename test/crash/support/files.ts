import { randomUUID } from 'node:crypto'
import { bytesOf, hashOf } from '../../support/bytes.ts'
import type { SingleUpload } from '../../support/builders.ts'
import { answered, type Content, type Desk, download, type Entry, isOf, sent, type Wrong, written } from './journal.ts'

/** As `begin` answers; of an upload that is complete, told again, only that. */
export type Told =
  | ({ kind: 'single' } & SingleUpload)
  | { kind: 'multipart'; id: string; partBytes: number; partCount: number }
  | { kind: 'settled'; id: string }

export type FileEntry = Entry &
  Readonly<{
    name: string
    content: Content
    /** What it is called in paths, once that was acknowledged. */
    id: () => string | undefined
    /** Whether it is whole, and nobody has asked to delete it. */
    isKept: () => boolean
    remove: () => Promise<void>
  }>

/** Brings bytes to where an upload leads, and remembers what has arrived. */
export function sender(desk: Desk, { seed, size }: Content) {
  const { study, participant } = desk
  const etags = new Map<number, string>()
  let arrived = false
  let reported = false

  async function sendParts({ id, partBytes, partCount }: Told & { kind: 'multipart' }) {
    const path = `${study.path}/uploads/${id}/parts`
    const bytes = bytesOf(seed, size)
    for (let number = 1; number <= partCount; number += 1) {
      if (etags.has(number)) continue
      const part = bytes.subarray((number - 1) * partBytes, number * partBytes)
      const asked = participant.post(path, { parts: [{ number, md5: hashOf('md5', part) }] })
      const [url] = (await answered(asked, 200)).body.parts
      etags.set(number, await sent(desk, url, part))
    }
    const parts = [...etags].map(([number, etag]) => ({ number, etag }))
    if (!reported) await written(desk, participant.put(path, { parts }), 200)
    reported = true
  }

  return {
    isUnderWay: () => arrived || etags.size > 0,
    send: async (upload: Told) => {
      if (upload.kind === 'multipart') await sendParts(upload)
      if (upload.kind === 'single' && !arrived) await sent(desk, upload, bytesOf(seed, size))
      arrived = true
    },
    /** Parts that the service said it knows of, and does not. */
    forgotten: async (upload: string): Promise<number> => {
      if (!reported) return 0
      const { status, body } = await answered(participant.get(`${study.path}/uploads/${upload}`), 200, 404)
      // It was completed meanwhile.
      if (status === 404) return 0
      const known = new Set(body.parts.map((part: { etag: string }) => part.etag))
      return [...etags.values()].filter((etag) => !known.has(etag.replaceAll('"', ''))).length
    },
  }
}

/** A new file: begun under an Idempotency-Key, sent to the bucket, completed, and perhaps deleted. */
export function aFile(desk: Desk, { name, content, parts }: { name: string; content: Content; parts: boolean }) {
  const { study, participant } = desk
  const key = { 'Idempotency-Key': randomUUID() }
  const asked = {
    name,
    mediaType: 'application/octet-stream',
    size: content.size,
    sha256: hashOf('sha256', bytesOf(content.seed, content.size)),
    upload: parts ? 'multipart' : 'single',
  }
  const bytes = sender(desk, content)
  let begun: { file: string; upload: string } | undefined
  let state: 'begun' | 'complete' | 'leaving' | 'gone' = 'begun'
  const path = () => `${study.path}/files/${begun?.file}`

  async function begin(): Promise<Told> {
    const { file, upload } = (await written(desk, participant.post(`${study.path}/files`, asked, key), 201)).body
    begun ??= { file: file.id, upload: upload.id }
    if (begun.file !== file.id || begun.upload !== upload.id) throw new Error(`${name} was begun twice`)
    return upload
  }

  async function complete() {
    const upload = await begin()
    await bytes.send(upload)
    await written(desk, participant.post(`${study.path}/uploads/${upload.id}/complete`), 200)
    state = 'complete'
  }

  async function remove() {
    state = 'leaving'
    await written(desk, participant.delete(path()), 204, 404)
    state = 'gone'
  }

  async function wrongs(): Promise<Wrong[]> {
    if (begun === undefined) return []
    const { status, body } = await answered(participant.get(path()), 200, 404)
    if (state === 'gone') return status === 404 ? [] : [{ kind: 'back', what: `${name}, which was deleted` }]
    if (status === 404) return state === 'leaving' ? [] : [{ kind: 'lost', what: `${name}, ${state}` }]
    const forgotten = await bytes.forgotten(begun.upload)
    if (forgotten > 0) return [{ kind: 'lost', what: `${forgotten} parts of ${name}` }]
    const isWhole =
      body.version === null ? state === 'begun' : isOf(content, await download(participant, `${path()}/content`))
    return isWhole ? [] : [{ kind: 'lost', what: `content of ${name}, ${state}` }]
  }

  return {
    name,
    content,
    id: () => begun?.file,
    isKept: () => state === 'complete',
    goOn: async () => {
      if (state === 'begun') await complete()
      if (state === 'leaving') await remove()
    },
    remove,
    wrongs,
  } satisfies FileEntry
}
