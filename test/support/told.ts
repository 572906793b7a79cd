import { dereference, initialBaseURI, validate } from '@cfworker/json-schema'
import type { Answer } from './callers.ts'

type Json = Record<string, unknown>
type Told = { description: string; content?: Record<string, { schema: Json }> }
type Operation = { operationId: string; responses: Record<string, Told> }
type Schemas = { components: { schemas: Record<string, Json> } }
type Document = Schemas & { paths: Record<string, Record<string, Operation>> }

/** Without examples: the validator takes an `$id` or `id` that it meets in one for a schema's. */
const withoutExamples = (schema: Json): Json =>
  JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === 'example' ? undefined : value)))

/** Says what is wrong with a value, by a JSON Schema of the document. */
export function errorsBy({ components }: Schemas) {
  const lookup = dereference(withoutExamples({ components }))
  const known = new Map<Json, Json>()
  /** A schema with its references looked up, those into `components` once for all. */
  const lookedUp = (schema: Json): Json => {
    const own = withoutExamples(schema)
    dereference(own, lookup, initialBaseURI, `/schemas/${known.size}`)
    known.set(schema, own)
    return own
  }
  return (schema: Json, value: unknown) =>
    validate(value, known.get(schema) ?? lookedUp(schema), '2020-12', lookup, false).errors
}
type ErrorsOf = ReturnType<typeof errorsBy>

/** No answers of an operation's: there is no such path, or not by this method. */
const ASIDE = ['route_not_found', 'method_not_allowed']

function wrongProblem(told: Told | undefined, { code }: { code: string }): string | undefined {
  return ASIDE.includes(code) || told?.description.includes(`\`${code}\``) ? undefined : code
}

/** Content is of any type and of any form. */
function wrongJson(errorsOf: ErrorsOf, told: Told | undefined, body: unknown): string | undefined {
  const content = told?.content ?? {}
  if ('*/*' in content) return undefined
  const schema = content['application/json']?.schema
  if (schema === undefined) return 'with JSON'
  const [error] = errorsOf(schema, body)
  return error && `with another ${error.instanceLocation}: ${error.error}`
}

/** Says of an answer why it is not one that the document tells of; undefined: it is, or it is no operation's. */
export function againstDocument(document: Document) {
  const templates = Object.entries(document.paths)
    .map(([path, operations]) => ({
      pattern: new RegExp(`^${path.replaceAll('.', String.raw`\.`).replaceAll(/\{\w+\}/g, '[^/]+')}$`),
      operations,
      wildcards: path.split('{').length,
    }))
    .toSorted((a, b) => a.wildcards - b.wildcards)

  const errorsOf = errorsBy(document)

  return ({ method, url }: Request, { status, headers, body }: Answer): string | undefined => {
    const name = method.toLowerCase()
    const path = new URL(url).pathname
    const operation = templates.find(({ pattern, operations }) => pattern.test(path) && name in operations)?.operations[
      name
    ]
    if (operation === undefined) return undefined
    const told = operation.responses[status]
    const type = headers.get('Content-Type')?.split(';')[0]
    const wrong =
      type === 'application/problem+json'
        ? wrongProblem(told, body)
        : type === 'application/json' && wrongJson(errorsOf, told, body)
    if (!wrong) return undefined
    return `${operation.operationId} answering ${status} ${wrong}`
  }
}
