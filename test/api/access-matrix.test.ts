// Every operation, by everyone, of everything: from the OpenAPI document, the table of what decides each operation, and
// the policy itself. The cells of files and uploads are in `access-matrix-files.test.ts`.

import { beforeAll, describe, expect, test } from 'vitest'
import { aMatrix, type Matrix, operationIn, tryRow } from '../support/matrix-cells.ts'
import { isOfFiles, ROWS } from '../support/matrix-rows.ts'
import { ONE_REFUSAL_IN } from '../support/matrix.ts'

let matrix: Matrix
let cells = 0

beforeAll(async () => {
  matrix = await aMatrix()
}, 60_000)

test('the matrix has a row for every operation, and for none besides', () => {
  const known = new Set(Object.keys(ROWS).map(operationIn))
  expect([...known].toSorted()).toEqual([...matrix.described.keys()].toSorted())
})

describe('to those whom the policy lets through, and to nobody else, is open', () => {
  test.each(Object.keys(ROWS).filter((name) => !isOfFiles(name)))('%s', async (name) => {
    const tried = await tryRow(matrix, name)
    expect(tried.wrong).toEqual([])
    cells += tried.cells
  })

  test('all that, in thousands of cells', async ({ annotate }) => {
    await annotate(`${cells} cells`)
    expect(cells).toBeGreaterThan(4_000 / ONE_REFUSAL_IN)
  })
})
