import fc from 'fast-check'
import { anonymous } from './client.ts'
import { type Named, nearly, type Schema, type Schemas, textOf, valuesBy } from './fuzz-json.ts'
import * as plans from './fuzz-plans.ts'

// Requests of the native API, made of what its OpenAPI document says of each operation.

type Parameter = { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema }
type Described = {
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema: Schema; example?: unknown }> }
}
type Document = { paths: Record<string, Record<string, Described>>; components: { schemas: Schemas } }

const CURSORS = [0, 1, 2, 3, 4].map((index) => `⟦@.cursor${index}⟧`)
/** By the name of a parameter, or of a body's field. */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  study: ['⟦@.study⟧'],
  participant: ['⟦@.participant⟧', 'bob', 'gone', 'me'],
  externalId: ['⟦@.externalId⟧', 'PT-2'],
  file: ['⟦@.file⟧', '⟦@.studyFile⟧'],
  ids: ['⟦@.file⟧', '⟦@.studyFile⟧', '⟦shut.file⟧'],
  handle: ['⟦@.handle⟧', 'diary'],
  version: ['⟦@.version⟧'],
  upload: ['⟦@.upload⟧', '⟦@.parted⟧', '⟦@.sent⟧'],
  token: ['⟦@.token⟧'],
  member: ['⟦@.member⟧'],
  principal: ['⟦@.principal⟧', 'participant:bob', 'participant:gone', 'anonymous'],
  key: [...Array.from({ length: 9 }, () => '⟦@.key⟧'), 'self'],
  identifier: ['preferences', 'steps', 'diary'],
  at: ['2026-11-20', '2026-11-21T08:30:00.000Z', '2026-11-22'],
  host: ['⟦@.host⟧', 'localhost:9', 'hat.example.org'],
  phone: ['+15555550123', '+491700000001'],
  erasure: ['⟦@.erasure⟧'],
  cursor: [...CURSORS, '⟦shut.cursor0⟧', '⟦shut.cursor4⟧'],
}
const named: Named = (field) => NAMES[field]
/** What a path names otherwise than a body, or than other paths. */
const IN_PATH: readonly (readonly [where: RegExp, name: string, values: readonly string[]])[] = [
  [/^\/d\//, 'token', ['⟦open.link⟧', '⟦open.askingLink⟧', '⟦shut.link~40⟧', '⟦shut.link~9⟧']],
  [/reports/, 'identifier', ['steps', 'steps', 'steps', 'diary']],
  [/documents/, 'identifier', ['preferences', 'preferences', 'diary']],
  [/document-schemas/, 'identifier', ['diary', 'preferences']],
  [/codes/, 'code', ['⟦@.code⟧']],
]
const namedIn = (template: string, name: string): readonly string[] =>
  IN_PATH.find(([where, known]) => known === name && where.test(template))?.[2] ?? NAMES[name] ?? ['x']

const spoiled = (text: fc.Arbitrary<string>) =>
  plans.rarely(
    fc.tuple(text, fc.nat(99)).map(([each, at]) => each.replace('⟧', `~${at}⟧`)),
    '',
    4,
  )

/** The platform warns of any other header. */
const ascii = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?')

export async function nativePlans(): Promise<fc.Arbitrary<plans.Plan>> {
  const { paths, components } = (await anonymous.get('/openapi.json')).body as Document // as it says of itself
  const valueBy = valuesBy(components.schemas, named)

  const pathBy = (template: string) =>
    plans.pathOf(
      template
        .slice(1)
        .split('/')
        .map((part) => {
          const [, name] = /^\{(\w+)\}$/.exec(part) ?? []
          return name === undefined ? part : plans.segment(namedIn(template, name))
        }),
    )

  function queryBy(parameters: readonly Parameter[]): fc.Arbitrary<string> {
    const required = parameters.filter((one) => one.in === 'query' && one.required === true)
    const always = required.map(({ name, schema }) => `${name}=${String(schema.example ?? schema.enum?.[0])}`).join('&')
    const fields = parameters
      .filter((one) => one.in === 'query')
      .map(({ name, schema }) => {
        const text = valueBy(schema, name).map((value) => (typeof value === 'string' ? value : textOf(value)))
        const cursor = name === 'cursor' ? spoiled(fc.constantFrom(...CURSORS)) : fc.constant('')
        const escaped = fc.tuple(text, cursor).map(([each, other]) => {
          const said = other === '' ? each : other
          return said.startsWith('⟦') ? said : encodeURIComponent(said.toWellFormed())
        })
        return [name, plans.weighted([9, escaped], [1, plans.field()])] as const
      })
    return fields.length === 0
      ? plans.rarely(plans.fieldsOf({}), '', 20)
      : plans.weighted([1, fc.constant(always)], [1, plans.fieldsOf(Object.fromEntries(fields))])
  }

  function sentBy({ requestBody }: Described): fc.Arbitrary<plans.Sent> {
    const [content] = Object.entries(requestBody?.content ?? {})
    const json = (type: string, text: fc.Arbitrary<string>) =>
      fc.record({ headers: plans.contentType(type).map((header) => [header]), body: plans.body(text, 'json') })
    if (content === undefined) {
      const unasked = json('application/json', fc.constantFrom('{}', 'null', '[]', '{"a":1}'))
      return plans.weighted<plans.Sent>([9, fc.constant(plans.NOTHING)], [1, unasked])
    }
    const [type, { schema, example }] = content
    const valid = plans.weighted([2, fc.constant(example)], [1, valueBy(schema)])
    const enrolling = fc.constantFrom({ code: '⟦open.enrolment⟧' }, { code: '⟦shut.enrolment~6⟧' })
    const value = 'code' in (schema.properties ?? {}) ? plans.weighted<unknown>([2, enrolling], [2, valid]) : valid
    return json(type, nearly(value).map(textOf))
  }

  const headersBy = (parameters: readonly Parameter[]) =>
    fc.array(
      fc.oneof(
        fc.constant<plans.Header>(['Accept-Language', 'en']),
        ...parameters
          .filter((one) => one.in === 'header')
          .map(({ name, schema }) => valueBy(schema, name).map((value): plans.Header => [name, ascii(String(value))])),
      ),
      { maxLength: 1 },
    )

  const each = Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, described]) =>
      fc
        .record({
          method: plans.methodOr(method.toUpperCase()),
          path: pathBy(template),
          query: queryBy(described.parameters ?? []),
          headers: plans.together(
            plans.credentials([(key) => ['Authorization', `Bearer ${key}`]]),
            headersBy(described.parameters ?? []),
            plans.oddHeaders,
          ),
          sent: sentBy(described),
          where: plans.place,
        })
        .map((made) => plans.planOf(made, false)),
    ),
  )
  return fc.oneof(...each)
}
