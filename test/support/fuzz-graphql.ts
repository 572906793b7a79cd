import fc from 'fast-check'
import {
  getNamedType,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLOutputType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import { createSchema } from '../../src/adapters/kidsfirst/graphql/schema.ts'
import { hostileText, hostileValue, nearly, textOf } from './fuzz-json.ts'
import * as plans from './fuzz-plans.ts'
import {
  CREATE_FILE,
  CREATE_TOKEN,
  CREATE_VERSION,
  DELETE_FILE,
  DELETE_TOKEN,
  FORM_BOUNDARY,
  formOf,
  inFrontOf,
  MATCH,
  SIGNED_URL,
  UPDATE_FILE,
  UPDATE_VERSION,
} from './kidsfirst-mutations.ts'
import { FILE, FILES, STUDY } from './kidsfirst-queries.ts'

// Documents of GraphQL, made of the schema.

const IDS = [
  '⟦@.fileKfId⟧',
  '⟦@.versionKfId⟧',
  '⟦@.study⟧',
  '⟦shut.fileKfId⟧',
  '⟦shut.versionKfId⟧',
  '⟦shut.study⟧',
  'U3R1ZHlOb2RlOlNEX0RFTTBERU0w',
  'RmlsZU5vZGU6U0ZfMDAwMDAwMDA=',
]
const literal = (value: unknown) => textOf(value).replaceAll('\u2028', ' ')

/** A value of a type, as a document writes it. */
function valueOf(type: GraphQLInputType): fc.Arbitrary<string> {
  if (isNonNullType(type)) return valueOf(type.ofType)
  if (isListType(type)) return fc.array(valueOf(type.ofType), { maxLength: 3 }).map((values) => `[${values.join()}]`)
  if (isEnumType(type)) return fc.constantFrom(...type.getValues().map(({ name }) => name))
  if (isInputObjectType(type)) {
    const members = Object.values(type.getFields()).map((each) =>
      valueOf(each.type).map((one) => `${each.name}:${one}`),
    )
    return fc.tuple(...members).map((said) => `{${said.join()}}`)
  }
  switch (type.name) {
    case 'ID':
      return plans.weighted([5, fc.constantFrom(...IDS).map(literal)], [1, hostileText.map(literal)])
    case 'Int':
      return plans.weighted([3, fc.constantFrom('0', '1', '5', '100')], [1, fc.integer().map(String)])
    case 'Boolean':
      return fc.constantFrom('true', 'false')
    default:
      return plans.weighted(
        [5, fc.constantFrom(...IDS, 'data.csv', '-created_at').map(literal)],
        [1, hostileText.map(literal)],
        [1, fc.constantFrom('$x', 'null', '1')],
      )
  }
}

function argumentsOf(taken: readonly GraphQLArgument[]): fc.Arbitrary<string> {
  const each = taken.map(({ name, type }) => {
    const said = valueOf(type).map((value) => `${name}:${value}`)
    return isNonNullType(type)
      ? plans.weighted([1, fc.constant('')], [20, said])
      : plans.weighted([2, fc.constant('')], [1, said])
  })
  return fc.tuple(...each).map((said) => {
    const told = said.filter((one) => one !== '').join()
    return told === '' ? '' : `(${told})`
  })
}

const known = new Map<string, fc.Arbitrary<string>>()

/** What is asked for of a type, so many levels down. */
function selectionOf(type: GraphQLOutputType, levels: number): fc.Arbitrary<string> {
  const named = getNamedType(type)
  if (!isObjectType(named) && !isInterfaceType(named)) return fc.constant('')
  const key = `${named.name} ${levels}`
  const before = known.get(key)
  if (before !== undefined) return before
  const fields = Object.values(named.getFields())
    .filter((field) => levels > 1 || !('getFields' in getNamedType(field.type)))
    .map((field) =>
      fc
        .tuple(argumentsOf(field.args), levels > 1 ? selectionOf(field.type, levels - 1) : fc.constant(''))
        .map(([said, inside]) => `${field.name}${said}${inside}`),
    )
  const inside = fc
    .array(fc.oneof(...fields, fc.constant('__typename')), { minLength: 1, maxLength: 4 })
    .map((asked) => `{${asked.join(' ')}}`)
  known.set(key, inside)
  return inside
}

const schema = createSchema()
const root = (name: 'query' | 'mutation') => {
  const type = name === 'query' ? schema.getQueryType() : schema.getMutationType()
  if (!type) throw new Error(`The schema has no ${name}.`)
  return selectionOf(type, 5).map((asked) => `${name} ${asked}`)
}

const documents = plans.weighted(
  [5, root('query')],
  [3, root('mutation')],
  [
    1,
    fc.constantFrom(
      '{__schema{types{name fields{name}}}}',
      'subscription{x}',
      '{',
      'query A{myProfile{id}} query B{x}',
      '{...F} fragment F on Query{...F}',
      `{${'a:myProfile{id} '.repeat(30)}}`,
      '{myProfile'.repeat(200),
    ),
  ],
)
const MUTATIONS = [CREATE_FILE, UPDATE_FILE, DELETE_FILE, UPDATE_VERSION, SIGNED_URL, CREATE_TOKEN, DELETE_TOKEN, MATCH]
const asked = plans.weighted<unknown>(
  [4, fc.record({ query: documents, variables: fc.constantFrom({}, { x: 'a' }) })],
  [
    3,
    fc.record({
      query: fc.constantFrom(FILE, STUDY, FILES, ...MUTATIONS),
      variables: fc.record(
        {
          kfId: fc.constantFrom(...IDS),
          fileId: fc.constantFrom(...IDS),
          versionId: fc.constantFrom(...IDS),
          version: fc.constantFrom(...IDS),
          study: fc.constantFrom(...IDS),
          studyId: fc.constantFrom(...IDS),
          file: plans.weighted<unknown>([3, fc.constantFrom(...IDS)], [1, fc.constant(null)]),
          name: plans.weighted<unknown>([3, fc.constant('data.csv')], [1, hostileValue]),
          description: fc.constantFrom('a', ''),
          fileType: fc.constantFrom('OTH', 'SHM', 'X'),
          state: fc.constantFrom('APP', 'PEN'),
          tags: fc.constantFrom(['a'], [null], []),
          first: fc.constantFrom(1, 100, -1, 2 ** 31),
          after: fc.constantFrom('⟦@.cursor0⟧', '⟦@.cursor0~9⟧', 'x'),
          input: fc.constantFrom({ fileVersion: 'a', study: 'b' }),
        },
        { requiredKeys: ['kfId', 'fileId', 'version', 'study', 'studyId', 'name', 'description', 'fileType'] },
      ),
    }),
  ],
)

const form = fc
  .record({
    variables: fc.record({ fileId: fc.constantFrom(...IDS), study: fc.constantFrom(...IDS) }, { requiredKeys: [] }),
    map: plans.rarely(fc.constantFrom({}, { 1: [] }, { 1: ['variables.x'] }, { 1: ['variables.file', 'x'] }, [], 'x'), {
      1: ['variables.file'],
    }),
    filename: plans.rarely(hostileText, 'data.csv', 4),
    content: fc.string({ maxLength: 40 }),
  })
  .map(({ variables, map, filename, content }) =>
    formOf([
      ...inFrontOf({ query: CREATE_VERSION, variables: { ...variables, file: null } }, Object(map)),
      { name: '1', filename: filename.replaceAll(/["\r\n]/g, ''), content },
    ]),
  )

/** A request's body, as JSON or as a form with a file. */
export const graphqlSent = plans.weighted(
  [
    6,
    fc.record({
      headers: plans.contentType('application/json').map((header) => [header]),
      body: plans.body(nearly(asked).map(textOf), 'json'),
    }),
  ],
  [
    1,
    fc.record({
      headers: plans.contentType(`multipart/form-data; boundary=${FORM_BOUNDARY}`).map((header) => [header]),
      body: plans.body(form, 'plain'),
    }),
  ],
)
