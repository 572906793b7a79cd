// Every route of Open Humans, by everyone, of everything: from the adapter's routes, the table of what decides each, and
// the policy itself.

import { beforeAll, describe, expect, test } from 'vitest'
import { cellsOf, expectRowsFor, routeIn, routesOf, tryDoorRow } from '../support/door-matrix.ts'
import { anOpenHumansMatrix } from '../support/door-matrix-openhumans-world.ts'
import { ONE_REFUSAL_IN } from '../support/matrix.ts'

const routes = await routesOf('openhumans')
let matrix: Awaited<ReturnType<typeof anOpenHumansMatrix>>
let cells = 0

beforeAll(async () => {
  matrix = await anOpenHumansMatrix()
}, 60_000)

test('there is a row for every route, and for none besides', () => {
  expectRowsFor(routes, { ...matrix.ofProject.rows, ...matrix.byNumber.rows })
})

describe('to those whom the policy lets through, and to nobody else, is open', () => {
  test.each(routes)('%s', async (route) => {
    for (const each of [matrix.ofProject, matrix.byNumber]) {
      for (const row of Object.keys(each.rows).filter((name) => routeIn(name) === route)) {
        const tried = await tryDoorRow(each, row)
        expect(tried.wrong).toEqual([])
        cells += tried.cells
      }
    }
  })

  test('all that, in hundreds of cells', () => {
    // oxlint-disable-next-line no-console -- how much was tried is to be read
    console.info(`openhumans: ${cells} cells`)
    const there = cellsOf(matrix.ofProject) + cellsOf(matrix.byNumber)
    expect(cells).toBeGreaterThanOrEqual(there / ONE_REFUSAL_IN)
    expect(there).toBeGreaterThan(900)
  })
})
