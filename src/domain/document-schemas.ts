import { dereference, type Schema, Validator } from '@cfworker/json-schema'
import type { DocumentSchema } from '../model/entities.ts'
import {
  documentInvalid,
  documentSchemaNotFound,
  type FieldError,
  invalidBody,
  studyNotFound,
} from '../model/errors.ts'
import type { Identifier, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

const DRAFT = '2020-12'
const MAX_ERRORS = 50

/** Interprets the schema: production lets no code be made from text, which is how most validators work. */
const validatorOf = (schema: string) => new Validator(JSON.parse(schema) as Schema, DRAFT, false) // checked when it was put

/** `#/a/b` as a JSON pointer into the document. */
const pointerOf = (location: string) => decodeURIComponent(location.replace(/^#/, ''))

/**
 * Holds a value against its identifier's schema, if there is one; answers the schema's time, null where there is none.
 * @throws DomainError `document_invalid`, with the places that do not fit
 */
export async function requireFit(
  scope: Scope,
  study: StudyId,
  { identifier, data }: { identifier: Identifier; data: string },
): Promise<Date | null> {
  const { schema } = await scope.stores.documentSchemas.find(callerIn(scope, study), identifier)
  if (schema === undefined) return null
  const errors = misfits(schema.schema, data)
  if (errors.length === 0) return schema.updatedAt
  throw documentInvalid(errors.slice(0, MAX_ERRORS))
}

/** The places where a value does not fit. One that the schema cannot be applied to fits nowhere. */
function misfits(schema: string, data: string): FieldError[] {
  try {
    const { errors } = validatorOf(schema).validate(JSON.parse(data))
    return errors.map(({ instanceLocation, error }) => ({ pointer: pointerOf(instanceLocation), message: error }))
  } catch (failure) {
    // Besides depth: a name that is no Unicode, or a keyword of a type that shows only where there is something to hold.
    const why = failure instanceof RangeError ? 'It is nested too deep to' : 'It cannot'
    return [{ pointer: '', message: `${why} be held against the schema.` }]
  }
}

/**
 * From now on, writes to documents of this identifier must fit. What is there already stays as it is.
 * @throws DomainError `invalid_body` for what is no schema
 */
export async function putDocumentSchema(
  scope: Scope,
  study: StudyId,
  { identifier, schema }: { identifier: Identifier; schema: string },
): Promise<DocumentSchema> {
  requireSchema(schema)
  const found = await scope.stores.documentSchemas.put(callerIn(scope, study), {
    rule: rules.manageDocumentSchemas,
    identifier,
    schema,
  })
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.manageDocumentSchemas)
  if (found.schema === undefined) throw denial(principal, studyNotFound())
  return found.schema
}

/** A schema that leads nowhere, or is none, fails here rather than when somebody's document is written. */
function requireSchema(schema: string): void {
  try {
    const found = dereference(JSON.parse(schema) as Schema | boolean) // each part of it is looked at here
    for (const part of Object.values(found)) {
      if (typeof part === 'boolean') continue
      // oxlint-disable-next-line no-underscore-dangle -- the library's name for where a $ref leads
      const target = part.__absolute_ref__
      if (target !== undefined && found[target] === undefined) throw new Error(`Nothing is at ${String(part.$ref)}.`)
      const patterns = [
        ...(part.pattern === undefined ? [] : [part.pattern]),
        ...Object.keys(part.patternProperties ?? {}),
      ]
      for (const pattern of patterns) void new RegExp(pattern, 'u')
    }
    validatorOf(schema).validate({})
  } catch (failure) {
    // What the validator stumbled over says more of its code than of the schema.
    const isStumble = failure instanceof TypeError || failure instanceof RangeError || !(failure instanceof Error)
    const message = isStumble ? 'Must be a JSON Schema.' : failure.message.slice(0, 200)
    throw invalidBody([{ pointer: '', message }])
  }
}

/** @throws DomainError `document_schema_not_found` */
export async function getDocumentSchema(scope: Scope, study: StudyId, identifier: Identifier): Promise<DocumentSchema> {
  const found = await scope.stores.documentSchemas.find(callerIn(scope, study), identifier)
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.readDocumentSchema)
  if (found.schema === undefined) throw denial(principal, documentSchemaNotFound())
  return found.schema
}

export async function listDocumentSchemas(
  scope: Scope,
  study: StudyId,
  page: PageRequest,
): Promise<Page<DocumentSchema>> {
  const found = await scope.stores.documentSchemas.list(callerIn(scope, study), page)
  requirePermission(await identify(scope, found.principal), rules.readDocumentSchema)
  return found.page
}

/** @throws DomainError `document_schema_not_found` */
export async function deleteDocumentSchema(scope: Scope, study: StudyId, identifier: Identifier): Promise<void> {
  const found = await scope.stores.documentSchemas.remove(callerIn(scope, study), {
    rule: rules.manageDocumentSchemas,
    identifier,
  })
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.manageDocumentSchemas)
  if (!found.removed) throw denial(principal, documentSchemaNotFound())
}
