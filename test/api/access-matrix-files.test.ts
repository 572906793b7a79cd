// The part of the access matrix that is about files and uploads: own, shared in each way, others', of another study.

import { beforeAll, describe, expect, test } from 'vitest'
import type { Answer } from '../support/client.ts'
import { listedFor, mayRead, ONE_REFUSAL_IN, type Who } from '../support/matrix.ts'
import { aMatrix, type Matrix, tryRow } from '../support/matrix-cells.ts'
import { isOfFiles, ROWS } from '../support/matrix-rows.ts'

let matrix: Matrix
let cells = 0

beforeAll(async () => {
  matrix = await aMatrix()
}, 60_000)

describe('to those whom the policy lets through, and to nobody else, is open', () => {
  test.each(Object.keys(ROWS).filter(isOfFiles))('%s', async (name) => {
    const tried = await tryRow(matrix, name)
    expect(tried.wrong).toEqual([])
    cells += tried.cells
  })

  test('all that, in thousands of cells', async ({ annotate }) => {
    await annotate(`${cells} cells`)
    expect(cells).toBeGreaterThan(6_000 / ONE_REFUSAL_IN)
  })
})

/** What everyone who is answered at all is answered in each of the two studies, and the files that are there. */
async function askedOf(ask: (who: Who, study: string) => Promise<Answer>) {
  const answers = []
  for (const place of ['home', 'elsewhere'] as const) {
    const files = matrix.things.file.filter((thing) => thing.place === place && thing.isThere)
    for (const who of matrix.callers) {
      const { status, body } = await ask(who, `/v1/studies/${files[0]?.names['study']}`)
      if (status === 200) answers.push({ who, body, listed: listedFor(who, files) })
    }
  }
  expect(answers.length).toBeGreaterThan(4)
  return answers
}
type Item = { id: string; kind: string; file: { id: string }; url: string | null }
const byWhom = (who: Who, entries: [unknown, unknown][]) => ({ who: who.name, found: new Map(entries) })

describe('what a caller may find, and nothing else, is', () => {
  test.each<[string, (who: Who, study: string) => Promise<Answer>]>([
    ['on the list of files', async ({ caller }, study) => caller.get(`${study}/files?limit=100`)],
    ['on the list of a category', async ({ caller }, study) => caller.get(`${study}/files?limit=100&category=hush`)],
    [
      'found by its words',
      async ({ caller }, study) => caller.post(`${study}/files/search`, { q: 'hush', limit: 100 }),
    ],
  ])('%s', async (_where, ask) => {
    for (const { who, body, listed } of await askedOf(ask)) {
      const found: Item[] = body.items
      expect(
        byWhom(
          who,
          found.map(({ id }) => [id, 1]),
        ),
      ).toEqual(
        byWhom(
          who,
          listed.map(({ names }) => [names['file'], 1]),
        ),
      )
      expect(found).toHaveLength(listed.length)
    }
  })

  test("in the study's manifest, with a link where its content may be read", async () => {
    for (const { who, body, listed } of await askedOf(async ({ caller }, study) => caller.get(`${study}/manifest`))) {
      const items: Item[] = body.items
      const files = items.filter(({ kind }) => kind === 'file')
      expect(
        byWhom(
          who,
          files.map(({ file, url }) => [file.id, url !== null]),
        ),
      ).toEqual(
        byWhom(
          who,
          listed.map((file) => [file.names['file'], mayRead(who, file)]),
        ),
      )
      const isStaff = who.name.includes('staff')
      expect([who.name, items.some(({ kind }) => kind === 'document')]).toEqual([who.name, !isStaff])
    }
  })
})
