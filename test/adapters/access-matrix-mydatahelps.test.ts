// Every route of MyDataHelps, by everyone, of everything: from the adapter's routes, the table of what decides each, and
// the policy itself.

import { beforeAll, describe, expect, test } from 'vitest'
import { cellsOf, expectRowsFor, routesOf, tryDoorRow } from '../support/door-matrix.ts'
import { aMyDataHelpsMatrix } from '../support/door-matrix-mydatahelps.ts'
import { ONE_REFUSAL_IN } from '../support/matrix.ts'

const routes = await routesOf('mydatahelps')
let matrix: Awaited<ReturnType<typeof aMyDataHelpsMatrix>>
let cells = 0

beforeAll(async () => {
  matrix = await aMyDataHelpsMatrix()
}, 60_000)

test('there is a row for every route, and for none besides', () => {
  expectRowsFor(routes, { ...matrix.delegated.rows, ...matrix.administration.rows })
})

describe('to those whom the policy lets through, and to nobody else, is open', () => {
  test.each(routes)('%s', async (route) => {
    const of = route in matrix.delegated.rows ? matrix.delegated : matrix.administration
    const tried = await tryDoorRow(of, route)
    expect(tried.wrong).toEqual([])
    cells += tried.cells
  })

  test('all that, in hundreds of cells', () => {
    // oxlint-disable-next-line no-console -- how much was tried is to be read
    console.info(`mydatahelps: ${cells} cells`)
    const there = cellsOf(matrix.delegated) + cellsOf(matrix.administration)
    expect(cells).toBeGreaterThanOrEqual(there / ONE_REFUSAL_IN)
    expect(there).toBeGreaterThan(500)
  })
})
