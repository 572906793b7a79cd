import { anonymous, type Answer, type Caller } from './client.ts'
import { aFile, aKey, aParticipant, aStudy, begin, ok } from './world.ts'

// Every operation that the service describes, with what it takes to ask for it of something that is there.

type Parameter = { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema?: { example?: unknown } }
type Described = {
  operationId: string
  security: object[]
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { example?: unknown }> }
}

export type Operation = {
  method: string
  /** With names in braces. */
  template: string
  parameters: readonly Parameter[]
  /** One that it takes; undefined where it takes none. */
  body: { type: string; example: unknown } | undefined
}

export type DescribedOperation = Operation & { id: string; security: readonly object[] }

export async function operations(): Promise<DescribedOperation[]> {
  const { paths } = (await anonymous.get('/openapi.json')).body as { paths: Record<string, Record<string, Described>> }
  return Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods).map(([method, { operationId, security, parameters = [], requestBody }]) => {
      const [content] = Object.entries(requestBody?.content ?? {})
      return {
        id: operationId,
        security,
        method: method.toUpperCase(),
        template,
        parameters,
        body: content && { type: content[0], example: content[1].example },
      }
    }),
  )
}

/**
 * A study with one of each thing that a path can name, and those names. Of the file nobody knows but its
 * owner and a member with whom it is shared.
 */
export async function aFurnishedStudy() {
  const study = await aStudy()
  const participant = await aParticipant(study, { id: 'ada' })
  const file = await aFile(participant, study)
  const { upload } = await begin(participant, study)
  const link = ok(await participant.post(`${study.path}/files/${file.id}/download-tokens`, { seconds: 600 }))
  const member = ok(await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 's', role: 'staff' }))
  const grants = `${study.path}/files/${file.id}/grants`
  ok(await participant.put(`${grants}/member:${member.id}`, { level: 'metadata' }))
  ok(await participant.put(`${study.path}/participants/ada/documents/preferences`, { theme: 'dark' }))
  const codes = `${study.path}/participants/ada/enrolment-codes`
  const names: Record<string, string> = {
    study: study.id,
    participant: 'ada',
    file: file.id,
    handle: 'notes',
    upload: upload.id,
    version: file.version.id,
    token: link.id,
    member: member.id,
    principal: `member:${member.id}`,
    key: (await aKey(study, { role: 'staff' })).id,
    identifier: 'preferences',
    code: ok(await study.admin.post(codes, { label: 'phone' })).id,
    erasure: ok(await study.admin.delete(`${study.path}/participants/${(await aParticipant(study)).id}`)).id,
  }
  return { study, participant, names }
}

/** The URL of an operation on what the names say; for what they do not, the document's own examples. */
export function pathOf(
  { template, parameters }: Pick<Operation, 'template' | 'parameters'>,
  names: Readonly<Record<string, string>>,
): string {
  const exampleOf = ({ name, schema }: Parameter) => {
    if (typeof schema?.example === 'string') return schema.example
    throw new Error(`Nothing is furnished for ${name} of ${template}, and it has no example.`)
  }
  const named = (name: string) => {
    const parameter = parameters.find((each) => each.in === 'path' && each.name === name)
    return names[name] ?? exampleOf(parameter ?? { name, in: 'path' })
  }
  const query = parameters
    .filter((parameter) => parameter.in === 'query' && parameter.required === true)
    .map((parameter) => [parameter.name, exampleOf(parameter)])
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(named(name)))
  return query.length === 0 ? path : `${path}?${new URLSearchParams(query).toString()}`
}

/** Asks for what an operation does to what the names say, in a way that would do for somebody who may. */
export async function askFor(
  caller: Caller,
  operation: Operation,
  names: Readonly<Record<string, string>>,
): Promise<Answer> {
  const { method, template, body } = operation
  const path = pathOf(operation, names)
  const type = { 'Content-Type': body?.type ?? '' }
  switch (method) {
    case 'GET':
      return caller.get(path)
    case 'DELETE':
      return caller.delete(path)
    case 'POST':
      return body === undefined ? caller.post(path) : caller.post(path, body.example, type)
    case 'PUT':
      return caller.put(path, body?.example, type)
    case 'PATCH':
      return caller.patch(path, body?.example, type)
    default:
      throw new Error(`Nobody knows how to ask for ${method} ${template}.`)
  }
}
