// What the document at /openapi.json says, held against the routes that there are and the schemas that they go by.

import { z } from '@hono/zod-openapi'
import { beforeAll, describe, expect, test } from 'vitest'
import { createNative } from '../../src/http/native.ts'
import { anonymous } from '../support/client.ts'
import { errorsBy } from '../support/told.ts'

const METHODS = ['get', 'put', 'post', 'patch', 'delete']
const JSON_TYPE = /json$/

type Json = Record<string, unknown>
type Content = Record<string, { schema?: Json; example?: unknown }>
type Parameter = { name: string; in: string; description?: string; schema: Json }
type Documented = {
  operationId?: string
  summary?: string
  tags?: string[]
  security?: Json[]
  parameters?: Parameter[]
  requestBody?: { content: Content }
  responses: Record<string, { description?: string; content?: Content }>
}
type Described = {
  openapi: string
  tags: { name: string }[]
  paths: Record<string, Record<string, Documented>>
  components: { schemas: Record<string, Json>; securitySchemes: Json }
}

const app = createNative()
let described: Described
let errorsOf: ReturnType<typeof errorsBy>
let operations: { name: string; operation: Documented }[]

beforeAll(async () => {
  described = (await anonymous.get('/openapi.json')).body
  errorsOf = errorsBy(described)
  operations = Object.entries(described.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, operation })),
  )
})

/** The zod schemas of the routes themselves, by the same names. */
const routes = new Map(
  app.openAPIRegistry.definitions.flatMap((definition) =>
    definition.type === 'route' ? [[`${definition.route.method} ${definition.route.path}`, definition.route]] : [],
  ),
)
const routeOf = (name: string) => {
  const route = routes.get(name)
  if (route === undefined) throw new Error(`There is no route ${name}.`)
  return route
}

const EXAMPLE_REF = '#/components/schemas/'
const resolve = (schema: Json) => {
  const ref = schema['$ref']
  return typeof ref === 'string' ? (described.components.schemas[ref.slice(EXAMPLE_REF.length)] ?? {}) : schema
}

const sorted = (names: Iterable<string>) => [...new Set(names)].toSorted()

describe('the OpenAPI document', () => {
  test('has every route of the service, and no other', () => {
    const routed = app.routes
      .filter(({ method, path }) => METHODS.includes(method.toLowerCase()) && /^\/(v1|d|health)\b/.test(path))
      .map(({ method, path }) => `${method.toLowerCase()} ${path.replaceAll(/\/:(\w+)/g, '/{$1}')}`)
    expect(routed.length).toBeGreaterThan(40)
    expect(sorted(operations.map(({ name }) => name))).toEqual(sorted(routed))
  })

  test('names every operation once, and says what it is for and of what kind', () => {
    const ids = operations.map(({ operation }) => operation.operationId)
    expect(new Set(ids).size).toBe(operations.length)
    const tags = described.tags.map(({ name }) => name)
    for (const { name, operation } of operations) {
      expect(operation.operationId ?? '', name).toMatch(/^[a-z][A-Za-z]+$/)
      expect(operation.summary ?? '', name).toMatch(/^\S.{3,100}$/)
      expect(operation.tags, name).toHaveLength(1)
      expect(tags, name).toContain(operation.tags?.[0])
    }
    expect(sorted(operations.flatMap(({ operation }) => operation.tags ?? []))).toEqual(sorted(tags))
  })

  test('says of every operation how it refuses', () => {
    for (const { name, operation } of operations) {
      const refusals = Object.entries(operation.responses).filter(([status]) => Number(status) >= 400)
      expect(refusals.length, name).toBeGreaterThan(0)
      for (const [, { content, description }] of refusals) {
        expect(content, name).toHaveProperty(['application/problem+json', 'schema', '$ref'], `${EXAMPLE_REF}Problem`)
        expect(description ?? '', name).toMatch(/^`[a-z0-9_]+`(, `[a-z0-9_]+`)*$/)
      }
      // Whoever asks for a credential says so, and says what a bad one is answered.
      const takesCredential = operation.security?.some((scheme) => 'bearer' in scheme) ?? false
      expect('401' in operation.responses, name).toBe(takesCredential)
    }
  })

  test('describes every parameter, with an example that its route takes', () => {
    const kinds = { path: 'params', query: 'query', header: 'headers' } as const
    for (const { name, operation } of operations) {
      for (const parameter of operation.parameters ?? []) {
        const which = `${name} ${parameter.name}`
        expect(parameter.description ?? '', which).toMatch(/^\S.+\S$/)
        const shape = routeOf(name).request?.[kinds[parameter.in as keyof typeof kinds]]
        if (!(shape instanceof z.ZodObject)) throw new Error(`${which} is in no object.`)
        if (parameter.schema['example'] === undefined) continue
        expect(shape.shape[parameter.name].safeParse(parameter.schema['example']).error, which).toBeUndefined()
      }
    }
  })

  test('shows of every JSON body that it takes one that its route takes', () => {
    const withBody = operations.filter(({ operation }) => operation.requestBody !== undefined)
    expect(withBody.length).toBeGreaterThan(10)
    for (const { name, operation } of withBody) {
      const own = routeOf(name).request?.body?.content ?? {}
      for (const [type, { example, schema }] of Object.entries(operation.requestBody?.content ?? {})) {
        expect(example, name).toBeDefined()
        expect(zodOf(own[type]).safeParse(example).error, name).toBeUndefined()
        expect(errorsOf(schema ?? {}, example), name).toEqual([])
      }
    }
  })

  test('shows of every JSON answer one that its schema allows, in zod and as JSON Schema', () => {
    let shown = 0
    for (const { name, operation } of operations) {
      for (const [status, { content = {} }] of Object.entries(operation.responses)) {
        for (const [type, { schema = {}, example }] of Object.entries(content)) {
          if (!JSON_TYPE.test(type)) continue
          const which = `${name} ${status}`
          const value = example ?? resolve(schema)['example']
          expect(value, which).toBeDefined()
          expect(zodOf(contentOf(routeOf(name).responses[status])[type]).safeParse(value).error, which).toBeUndefined()
          expect(errorsOf(schema, value), which).toEqual([])
          shown += 1
        }
      }
    }
    expect(shown).toBeGreaterThan(200)
  })

  test('lets a file be without content', async () => {
    const { example } = described.components.schemas['File'] ?? {}
    expect(errorsOf({ $ref: `${EXAMPLE_REF}File` }, { ...(example as object), version: null })).toEqual([])
    expect(errorsOf({ $ref: `${EXAMPLE_REF}Version` }, null)).not.toEqual([])
  })
})

const contentOf = (response: object | undefined): Record<string, object | undefined> =>
  response !== undefined && 'content' in response ? { ...(response.content as object) } : {}

function zodOf(content: object | undefined): z.ZodType {
  if (content !== undefined && 'schema' in content && content.schema instanceof z.ZodType) return content.schema
  throw new Error('This is not described by zod.')
}
