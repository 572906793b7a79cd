import { Validator } from '@cfworker/json-schema'

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
  const validators = new Map<string, Validator>()
  return (schema: Json, value: unknown) => {
    const key = JSON.stringify(schema)
    const validator = validators.get(key) ?? new Validator(withoutExamples({ ...schema, components }), '2020-12', false)
    validators.set(key, validator)
    return validator.validate(value).errors
  }
}
type ErrorsOf = ReturnType<typeof errorsBy>

/** No answers of an operation's: there is no such path, or not by this method. */
const ASIDE = ['route_not_found', 'method_not_allowed']

async function wrongProblem(told: Told | undefined, response: Response): Promise<string | undefined> {
  const { code } = await response.json<{ code: string }>()
  return ASIDE.includes(code) || told?.description.includes(`\`${code}\``) ? undefined : code
}

/** Content is of any type and of any form. */
async function wrongJson(errorsOf: ErrorsOf, told: Told | undefined, response: Response): Promise<string | undefined> {
  const content = told?.content ?? {}
  if ('*/*' in content) return undefined
  const schema = content['application/json']?.schema
  if (schema === undefined) return 'with JSON'
  const [error] = errorsOf(schema, await response.json())
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

  return async ({ method, url }: { method: string; url: string }, response: Response): Promise<string | undefined> => {
    const name = method.toLowerCase()
    const path = new URL(url).pathname
    const operation = templates.find(({ pattern, operations }) => pattern.test(path) && name in operations)?.operations[
      name
    ]
    if (operation === undefined) return undefined
    const told = operation.responses[response.status]
    const type = response.headers.get('Content-Type')?.split(';')[0]
    const wrong =
      type === 'application/problem+json'
        ? await wrongProblem(told, response.clone())
        : type === 'application/json' && (await wrongJson(errorsOf, told, response.clone()))
    if (!wrong) return undefined
    return `${operation.operationId} answering ${response.status} ${wrong}`
  }
}
