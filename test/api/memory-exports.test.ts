import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import worker from '../../src/index.ts'
import { ORIGIN } from '../support/client.ts'
import { overriding } from '../support/faults.ts'
import { projectOf } from '../support/mydatahelps-files.ts'
import { seedBulk } from '../support/seed.ts'
import { aParticipant, aStudy, type Participant, type Study } from '../support/world.ts'

// What is gathered for somebody is held a stretch of a hundred at a time, however much there is of it: counted is what
// D1 has answered with, in JSON, and whoever asked has not been told yet.

const SMALL = 150
const LARGE = 16 * SMALL
/** Two stretches, of files and their versions, of which each is about a kilobyte here. */
const MOST_HELD = 2 * 100 * 2_000

type Asked = Readonly<{ study: Study; owner: Participant }>
let small: Asked
let large: Asked

beforeAll(async () => {
  ;[small, large] = [await aStudyOf(SMALL), await aStudyOf(LARGE)]
})

async function aStudyOf(files: number): Promise<Asked> {
  const study = await aStudy()
  const owner = await aParticipant(study)
  const recipe = {
    owner: `'${owner.id}'`,
    name: `'a name that is not short ' || i || '.txt'`,
    category: `'diary'`,
    source: `'phone'`,
    tags: `'["walk"]'`,
    visibility: `'study'`,
  }
  await seedBulk(study, { from: 1, to: files, recipe })
  return { study, owner }
}

const EXPORTS: Record<string, (asked: Asked) => { path: string; key: string | undefined }> = {
  "a participant's export": ({ study, owner }) => ({ path: `${study.path}/participants/me/export`, key: owner.key }),
  "a participant's export as a table": ({ study, owner }) => ({
    path: `${study.path}/participants/me/export?format=csv`,
    key: owner.key,
  }),
  "a study's manifest": ({ study }) => ({ path: `${study.path}/manifest`, key: study.staff.key }),
  "a study's manifest as a table": ({ study }) => ({ path: `${study.path}/manifest?format=csv`, key: study.staff.key }),
  "MyDataHelps' table of files": ({ study }) => ({
    path: `${projectOf(study)}/files/UploadedFiles.csv`,
    key: study.worker.key,
  }),
}

const idsIn = (text: string) => text.match(/fil_\d{26}/g) ?? []

/** D1, and what it has answered with: each answer by the files in it that are still to be told of. */
function countingDatabase() {
  const answers: { bytes: number; untold: Set<string> }[] = []
  const told = new Set<string>()
  const batch = async <Row>(statements: D1PreparedStatement[]) => {
    const results = await env.DB.batch<Row>(statements)
    const text = JSON.stringify(results.map((each) => each.results))
    answers.push({ bytes: text.length, untold: new Set(idsIn(text).filter((id) => !told.has(id))) })
    return results
  }
  return {
    DB: overriding(env.DB, { batch }),
    told,
    /** The client has these: what an answer was for goes with the last of its files. */
    tells: (ids: readonly string[]) => {
      for (const id of ids) {
        told.add(id)
        for (const { untold } of answers) untold.delete(id)
      }
    },
    held: () => answers.reduce((sum, { bytes, untold }) => sum + (untold.size > 0 ? bytes : 0), 0),
  }
}

/** Takes an answer a chunk at a time, and looks each time what is held. */
async function take({ path, key }: { path: string; key: string | undefined }) {
  const { DB, told, tells, held } = countingDatabase()
  const context = createExecutionContext()
  const request = new Request(`${ORIGIN}${path}`, { headers: { Authorization: `Bearer ${key}` } })
  const answer = await worker.fetch(request, { ...env, DB }, context)
  expect(answer.status).toBe(200)
  let [mostHeld, largestChunk, rest] = [held(), 0, '']
  for await (const chunk of answer.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    largestChunk = Math.max(largestChunk, chunk.length)
    rest += chunk
    mostHeld = Math.max(mostHeld, held())
    tells(idsIn(rest))
    // An id may be cut in two.
    rest = rest.slice(-40)
  }
  await waitOnExecutionContext(context)
  return { files: told.size, mostHeld, largestChunk }
}

test.each(Object.entries(EXPORTS))('%s holds as much of many files as of few', async (_, exported) => {
  const [few, many] = [await take(exported(small)), await take(exported(large))]
  expect([few.files, many.files]).toEqual([SMALL, LARGE])
  for (const { mostHeld, largestChunk } of [few, many]) {
    expect(mostHeld).toBeLessThanOrEqual(MOST_HELD)
    expect(largestChunk).toBeLessThanOrEqual(MOST_HELD)
  }
})
