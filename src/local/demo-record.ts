import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'

const DemoParticipant = z.object({
  id: z.string(),
  number: z.number(),
  externalId: z.string(),
  email: z.string().nullable(),
  firstName: z.string().nullable(),
  key: z.string(),
})
export type DemoParticipant = z.infer<typeof DemoParticipant>

const Demo = z.object({
  url: z.string(),
  operatorKey: z.string(),
  study: z.string(),
  adminKey: z.string(),
  workerKey: z.string(),
  staffKey: z.string(),
  downloadKey: z.string(),
  participants: z.tuple([DemoParticipant, DemoParticipant]),
})
/** What is needed to use the demo study. The service shows a key once, so this record is the only place that has them. */
export type Demo = z.infer<typeof Demo>

/** Undefined where there is no record, or none that can be read: then fresh keys are issued. */
export async function readRecord(path: string): Promise<Demo | undefined> {
  try {
    return Demo.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return undefined
  }
}

/** Whole or not at all: it is written beside its place and moved there. */
export async function writeRecord(path: string, demo: Demo) {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const draft = `${path}.${process.pid}`
  await writeFile(draft, `${JSON.stringify(demo, null, 2)}\n`, { mode: 0o600 })
  await rename(draft, path)
}
