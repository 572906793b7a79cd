// Every route of Bridge, by everyone, of everything: from the adapter's routes, the table of what decides each, and
// the policy itself.

import { beforeAll, describe, expect, test } from 'vitest'
import { cellsOf, expectRowsFor, routeIn, routesOf, tryDoorRow } from '../support/door-matrix.ts'
import { aBridgeMatrix } from '../support/door-matrix-bridge-world.ts'
import { ONE_REFUSAL_IN } from '../support/matrix.ts'

const routes = await routesOf('bridge')
let matrix: Awaited<ReturnType<typeof aBridgeMatrix>>
let cells = 0

beforeAll(async () => {
  matrix = await aBridgeMatrix()
}, 60_000)

test('there is a row for every route, and for none besides', () => {
  expectRowsFor(routes, { ...matrix.ofCaller.rows, ...matrix.byApp.rows })
})

describe('to those whom the policy lets through, and to nobody else, is open', () => {
  test.each(routes)('%s', async (route) => {
    for (const each of [matrix.ofCaller, matrix.byApp]) {
      for (const row of Object.keys(each.rows).filter((name) => routeIn(name) === route)) {
        const tried = await tryDoorRow(each, row)
        expect(tried.wrong).toEqual([])
        cells += tried.cells
      }
    }
  })

  test('all that, in thousands of cells', () => {
    // oxlint-disable-next-line no-console -- how much was tried is to be read
    console.info(`bridge: ${cells} cells`)
    const there = cellsOf(matrix.ofCaller) + cellsOf(matrix.byApp)
    expect(cells).toBeGreaterThanOrEqual(there / ONE_REFUSAL_IN)
    expect(there).toBeGreaterThan(2_000)
  })
})
