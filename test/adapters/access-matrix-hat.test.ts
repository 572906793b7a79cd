// Every route of HAT, by everyone, of everything: from the adapter's routes, the table of what decides each, and the
// policy itself.

import { beforeAll, describe, expect, test } from 'vitest'
import { create } from '../../src/adapters/hat/index.ts'
import { PREFIXES } from '../../src/adapters/hat/paths.ts'
import { cellsOf, type DoorMatrix, expectRowsFor, routesOf, tryDoorRow } from '../support/door-matrix.ts'
import { aHatMatrix } from '../support/door-matrix-hat-world.ts'
import { ONE_REFUSAL_IN } from '../support/matrix.ts'

const routes = await routesOf('hat')
let matrix: DoorMatrix
let cells = 0

beforeAll(async () => {
  matrix = await aHatMatrix()
}, 60_000)

test('there is a row for every route, and for none besides', () => {
  expectRowsFor(routes, matrix.rows)
})

test('under each prefix are the same handlers', () => {
  const own = create().routes.filter(({ method }) => method !== 'ALL')
  const under = (prefix: string) =>
    own
      .filter(({ path }) => path.startsWith(`${prefix}/files/`))
      .map(({ method, path, handler }) => [method, path.slice(prefix.length), handler])
  const [first, ...others] = PREFIXES.map(under)
  expect(first?.length).toBeGreaterThan(10)
  for (const other of others) expect(other).toEqual(first)
})

describe('to those whom the policy lets through, and to nobody else, is open', () => {
  test.each(routes)('%s', async (route) => {
    const tried = await tryDoorRow(matrix, route)
    expect(tried.wrong).toEqual([])
    cells += tried.cells
  })

  test('all that, in thousands of cells', () => {
    // oxlint-disable-next-line no-console -- how much was tried is to be read
    console.info(`hat: ${cells} cells`)
    const there = cellsOf(matrix)
    expect(cells).toBeGreaterThanOrEqual(there / ONE_REFUSAL_IN)
    expect(there).toBeGreaterThan(1_800)
  })
})
