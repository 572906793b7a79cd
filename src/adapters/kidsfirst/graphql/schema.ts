import {
  buildSchema,
  GraphQLObjectType,
  GraphQLScalarType,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql'
import type { Asking, GraphqlContext } from './context.ts'
import { devTokenFields } from './dev-tokens.ts'
import { fileFields, filesOfStudy } from './files.ts'
import { groupFields, permissionFields } from './groups.ts'
import { FILES_SDL } from './sdl-files.ts'
import { OPERATIONS_SDL } from './sdl-operations.ts'
import { STUDIES_SDL } from './sdl-studies.ts'
import { studyFields } from './studies.ts'
import { fileUploadOf } from './upload.ts'
import { userFields } from './users.ts'
import { versionFields } from './versions.ts'

/** What a node's field is, made of what the node comes from: `never` stands for whatever that is, and for its arguments. */
type Field = (source: never, args: never, asking: Asking) => unknown

/** Each type whose nodes come from the domain, with all of its fields. */
const NODES: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  FileNode: fileFields,
  VersionNode: versionFields,
  StudyNode: { ...studyFields, files: filesOfStudy },
  DevDownloadTokenNode: devTokenFields,
  UserNode: userFields,
  GroupNode: groupFields,
  PermissionNode: permissionFields,
}

const resolverOf =
  (field: Field): GraphQLFieldResolver<unknown, GraphqlContext> =>
  (...[source, args, context, info]) =>
    // What resolves to a node resolves to what its fields are made of, and the schema has seen to the arguments.
    field(source as never, args as never, { context, info })

/** As Django tells it: microseconds, and the offset as a number. */
const dateTime = (value: unknown): string => {
  if (!(value instanceof Date)) throw new TypeError('a DateTime is a Date')
  return value.toISOString().replace('Z', '000+00:00')
}

function typeNamed<Type>(schema: GraphQLSchema, name: string, kind: new (...given: never[]) => Type): Type {
  const type = schema.getType(name)
  if (type instanceof kind) return type
  throw new Error(`the schema has no such type ${name}`)
}

/** @throws Error where a node has a field that nothing says what it is */
export function createSchema(): GraphQLSchema {
  const schema = buildSchema(FILES_SDL + STUDIES_SDL + OPERATIONS_SDL)
  typeNamed(schema, 'DateTime', GraphQLScalarType).serialize = dateTime
  // No text is a file, wherever it stands.
  Object.assign(typeNamed(schema, 'Upload', GraphQLScalarType), {
    parseValue: fileUploadOf,
    parseLiteral: fileUploadOf,
  })
  for (const [name, fields] of Object.entries(NODES)) {
    for (const field of Object.values(typeNamed(schema, name, GraphQLObjectType).getFields())) {
      const made = fields[field.name]
      if (made === undefined) throw new Error(`nothing says what ${name}.${field.name} is`)
      field.resolve = resolverOf(made)
    }
  }
  return schema
}
