import {
  type DocumentNode,
  execute,
  type ExecutionResult,
  getOperationAST,
  GraphQLError,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
  OperationTypeNode,
  parse,
  validate,
  type ValidationRule,
} from 'graphql'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { ErrorCode } from '../../../model/errors.ts'
import { recordRefusal } from '../../../wire/refusals.ts'
import type { GraphqlContext } from './context.ts'
import { judge, type Judged } from './errors.ts'
import { LIMITS, limitCost, MAX_TOKENS, rulesFor } from './limits.ts'
import { mutations } from './mutations.ts'
import { queries } from './queries.ts'
import { createSchema } from './schema.ts'

/** One operation, as a client has sent it. */
export type Params = Readonly<{
  query: string
  operationName: string | undefined
  variables: Readonly<Record<string, unknown>>
}>

/** What is answered to it. `passing`: why nothing could be, which may be over in a while. */
export type Outcome = Readonly<{
  status: ContentfulStatusCode
  body: Readonly<{ errors?: readonly GraphQLFormattedError[]; data?: ExecutionResult['data'] }>
  passing?: ErrorCode
}>

/** Nobody needs to be told of more at once. */
const MAX_ERRORS = 20

let schema: GraphQLSchema | undefined
/** Made once per isolate, when it is first asked for. */
const theSchema = (): GraphQLSchema => (schema ??= createSchema())

const ROOT = { ...queries, ...mutations }

const refuse = (errors: readonly GraphQLError[]): Outcome => ({
  status: 400,
  body: { errors: errors.map((error) => error.toJSON()) },
})

function parsed(query: string): DocumentNode | GraphQLError {
  try {
    return parse(query, { maxTokens: MAX_TOKENS })
  } catch (failure) {
    if (failure instanceof GraphQLError) return failure
    throw failure
  }
}

/** Whether the schema is told. */
type Openness = Readonly<{ introspection: boolean }>

/** What is wrong with a document. Whoever is not told the schema is not told either what is called nearly so. */
function faultsOf(
  document: DocumentNode,
  rules: readonly ValidationRule[],
  { introspection }: Openness,
): readonly GraphQLError[] {
  try {
    return validate(theSchema(), document, rules, { maxErrors: MAX_ERRORS, hideSuggestions: !introspection })
  } catch (failure) {
    // The rule on the cost throws where there is too much to count.
    if (failure instanceof GraphQLError) return [failure]
    throw failure
  }
}

/** The operation that is to run, or what is wrong with it: what costs least to find out comes first. */
function checked(
  document: DocumentNode,
  { operationName, variables }: Params,
  openness: Openness,
): OperationDefinitionNode | readonly GraphQLError[] {
  for (const rules of [LIMITS, rulesFor(openness)]) {
    const faults = faultsOf(document, rules, openness)
    if (faults.length > 0) return faults
  }
  const operation = operationOf(document, operationName)
  if (operation instanceof GraphQLError) return [operation]
  const faults = faultsOf(document, [limitCost(operationName, variables)], openness)
  return faults.length > 0 ? faults : operation
}

function operationOf(document: DocumentNode, name: string | undefined): OperationDefinitionNode | GraphQLError {
  const operation = getOperationAST(document, name)
  if (operation?.operation === OperationTypeNode.SUBSCRIPTION) return new GraphQLError('Nothing can be subscribed to.')
  if (operation) return operation
  return new GraphQLError(
    name === undefined
      ? 'Must provide operation name if query contains multiple operations.'
      : 'There is no operation of this name.',
  )
}

/** Runs an operation. What it is refused is among its errors, in the words of this protocol. */
export async function run(params: Params, context: GraphqlContext, openness: Openness): Promise<Outcome> {
  const document = parsed(params.query)
  if (document instanceof GraphQLError) return refuse([document])
  const operation = checked(document, params, openness)
  if (!('kind' in operation)) return refuse(operation)
  const result = await execute({
    schema: theSchema(),
    document,
    rootValue: ROOT,
    contextValue: context,
    variableValues: params.variables,
    operationName: params.operationName,
  })
  return outcomeOf(result, operation, context)
}

/** Failures of ours. */
const OURS: readonly ErrorCode[] = ['overloaded', 'internal', 'misconfigured']

/** Failures of fields, each judged, written down and put on record once, however many fields it has failed. */
function judging({ c }: GraphqlContext): (failure: Error) => Judged {
  const known = new Map<Error, Judged>()
  return (failure) => {
    const judged = known.get(failure) ?? judge(failure, c)
    if (!known.has(failure)) recordRefusal(c, failure)
    known.set(failure, judged)
    return judged
  }
}

/**
 * What was answered, in this protocol's words. Data of which a part is missing because storage was out of reach looks
 * like data in which that part is not: a query of which any part failed so is not answered at all. Of a mutation, what
 * was done must be told; only one of which nothing was done is not answered.
 */
function outcomeOf(
  { data, errors = [] }: ExecutionResult,
  operation: OperationDefinitionNode,
  context: GraphqlContext,
): Outcome {
  if (data === undefined) return refuse(errors)
  if (errors.length === 0) return { status: 200, body: { data } }
  const judged = judging(context)
  // What has no cause is about the arguments that the client has sent.
  const told = errors.map(({ originalError: cause, message, locations, path }) => ({
    by: cause === undefined || cause === null ? undefined : judged(cause),
    error: { message, ...(locations && { locations }), ...(path && { path }) },
  }))
  const body = {
    errors: told.map(({ by, error }) => ({
      ...error,
      message: by?.message ?? error.message,
      ...(by?.hint !== undefined && { extensions: { hint: by.hint } }),
    })),
  }
  const ours = told.map(({ by }) => by).find((by) => by !== undefined && OURS.includes(by.code))
  const isDone =
    operation.operation === OperationTypeNode.MUTATION && Object.values(data ?? {}).some((each) => each !== null)
  if (ours === undefined || isDone) return { status: 200, body: { ...body, data } }
  return { status: ours.status, body, passing: ours.code }
}
