// Every route of Kids First and every field of its schema's roots, by everyone, of everything: from the adapter's routes,
// the schema, the table of what decides each, and the policy itself.

import { beforeAll, describe, expect, test } from 'vitest'
import { createSchema } from '../../src/adapters/kidsfirst/graphql/schema.ts'
import { create } from '../../src/adapters/kidsfirst/index.ts'
import { cellsOf, expectRowsFor, routeIn, routesOf, tryDoorRow } from '../support/door-matrix.ts'
import { aKidsFirstMatrix, type KidsFirstMatrices } from '../support/door-matrix-kidsfirst-world.ts'
import { ONE_REFUSAL_IN } from '../support/matrix.ts'

const schema = createSchema()
const fieldsOf = (kind: 'query' | 'mutation') => {
  const root = kind === 'query' ? schema.getQueryType() : schema.getMutationType()
  return Object.keys(root?.getFields() ?? {}).map((name) => `${kind} ${name}`)
}
const paths = await routesOf('kidsfirst')
const routes = [...paths, ...fieldsOf('query'), ...fieldsOf('mutation')]
let matrices: KidsFirstMatrices
let cells = 0

beforeAll(async () => {
  matrices = await aKidsFirstMatrix(paths)
}, 60_000)

const all = () => [matrices.byPath, matrices.graphql, matrices.ofTokens]

test('there is a row for every route and every field, and for none besides', () => {
  expect(routes.length).toBeGreaterThan(30)
  expectRowsFor(routes, Object.assign({}, ...all().map(({ rows }) => rows)))
})

test('however a path is written, the same handler answers', () => {
  const own = create().routes.filter(({ method }) => method === 'GET')
  const handlersOf = (...names: string[]) =>
    new Set(own.filter(({ path }) => names.some((name) => path.startsWith(`/${name}/`))).map(({ handler }) => handler))
  expect([handlersOf('download').size, handlersOf('signed-url', 'study').size]).toEqual([1, 1])
})

describe('to those whom the policy lets through, and to nobody else, is open', () => {
  test.each(routes)('%s', async (route) => {
    for (const each of all()) {
      for (const row of Object.keys(each.rows).filter((name) => routeIn(name) === route)) {
        const tried = await tryDoorRow(each, row)
        expect(tried.wrong).toEqual([])
        cells += tried.cells
      }
    }
  })

  test('all that, in thousands of cells', () => {
    // oxlint-disable-next-line no-console -- how much was tried is to be read
    console.info(`kidsfirst: ${cells} cells`)
    const there = all().reduce((sum, each) => sum + cellsOf(each), 0)
    expect(cells).toBeGreaterThanOrEqual(there / ONE_REFUSAL_IN)
    expect(there).toBeGreaterThan(2_000)
  })
})
