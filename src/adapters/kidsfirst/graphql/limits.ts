import {
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  getNamedType,
  getNullableType,
  isListType,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  specifiedRules,
  type ValidationContext,
  type ValidationRule,
} from 'graphql'
import { type ComplexityEstimator, createComplexityRule } from 'graphql-query-complexity'
import { defaultPage } from './connections.ts'

// What one request may ask for. The longest that Kids First's own web app sends has some 300 tokens, one field at its
// root and eight levels.

/** Names, braces and all else that a document is made of: whatever is in it is looked at so often at most. */
export const MAX_TOKENS = 3_000
const MAX_DEPTH = 12
const MAX_ROOT_FIELDS = 20
/** Values that may be answered with: fields, as often as a page may have them. */
const MAX_COST = 400_000

const isIntrospection = ({ name }: FieldNode) => name.value.startsWith('__')

/** How a selection set is measured: what a field adds to what is known of its own selections, and of several the sum. */
type Measure = Readonly<{ ofField: (inside: () => number) => number; together: (one: number, other: number) => number }>

/** Measures selections as if fragments stood where they are spread. Of one that spreads itself, another rule tells. */
function measure(context: ValidationContext, { ofField, together }: Measure): (selections: SelectionSetNode) => number {
  const known = new Map<FragmentDefinitionNode, number>()

  function ofFragment(fragment: FragmentDefinitionNode): number {
    const measured = known.get(fragment)
    if (measured !== undefined) return measured
    known.set(fragment, 0)
    const size = ofSet(fragment.selectionSet)
    known.set(fragment, size)
    return size
  }

  function ofSelection(selection: SelectionNode): number {
    if (selection.kind === Kind.INLINE_FRAGMENT) return ofSet(selection.selectionSet)
    if (selection.kind === Kind.FIELD) {
      const { selectionSet } = selection
      return isIntrospection(selection) ? 0 : ofField(() => (selectionSet === undefined ? 0 : ofSet(selectionSet)))
    }
    const fragment = context.getFragment(selection.name.value)
    return fragment ? ofFragment(fragment) : 0
  }

  const ofSet = ({ selections }: SelectionSetNode): number => selections.map(ofSelection).reduce(together, 0)
  return ofSet
}

const LEVELS: Measure = { ofField: (inside) => 1 + inside(), together: (one, other) => Math.max(one, other) }
/** Those at the root, each of which asks the database. */
const ROOT_FIELDS: Measure = { ofField: () => 1, together: (one, other) => one + other }

const limitOf =
  (by: Measure, most: number, refusal: string): ValidationRule =>
  (context): ASTVisitor => ({
    OperationDefinition(operation: OperationDefinitionNode) {
      if (measure(context, by)(operation.selectionSet) <= most) return
      context.reportError(new GraphQLError(refusal, { nodes: operation }))
    },
  })

/** The rules that cost little: a document is held to them before it is to all others. */
export const LIMITS: readonly ValidationRule[] = [
  limitOf(LEVELS, MAX_DEPTH, `A field may be ${MAX_DEPTH} levels deep at most.`),
  limitOf(ROOT_FIELDS, MAX_ROOT_FIELDS, `At most ${MAX_ROOT_FIELDS} fields may be asked for at once, by any names.`),
]

export const rulesFor = ({ introspection }: { introspection: boolean }): readonly ValidationRule[] =>
  introspection ? specifiedRules : [...specifiedRules, NoSchemaIntrospectionCustomRule]

/** As many as a list of what the schema consists of has, more or less. */
const SCHEMA_LIST = 16

/** A connection costs what a page of it may have, a list of what is in the schema likewise, any other field itself. */
const estimate: ComplexityEstimator = ({ type, field, args, childComplexity }) => {
  const own = 1 + childComplexity
  if (type.name.startsWith('__') && isListType(getNullableType(field.type))) return 1 + SCHEMA_LIST * childComplexity
  if (!getNamedType(field.type).name.endsWith('Connection')) return own
  const { first, last } = args
  const asked: unknown = first ?? last ?? defaultPage(type.name)
  return 1 + (typeof asked === 'number' && asked > 1 ? asked : 1) * childComplexity
}

/** The rule on what an operation costs with the variables that it has. */
export const limitCost = (operationName: string | undefined, variables: Readonly<Record<string, unknown>>) =>
  createComplexityRule({
    maximumComplexity: MAX_COST,
    estimators: [estimate],
    variables,
    ...(operationName === undefined ? {} : { operationName }),
    createError: (most, cost) =>
      new GraphQLError(`This may come to ${cost} values: ${most} are allowed. Ask for smaller pages by \`first\`.`),
  })
