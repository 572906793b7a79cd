import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { AppEnv } from '../wire/context.ts'

const DESCRIPTION = `A study-participant file and data store at the edge.

Bytes go straight to object storage: begin a file, PUT its bytes to the URL with the headers that the answer gives,
complete the upload. What creates takes an \`Idempotency-Key\`: the same request, sent again with the same key within
24 hours, makes nothing twice. Every failure is an RFC 9457 problem whose \`code\` is stable. Cursors are opaque. \`me\`
stands for the caller's own participant id.`

type Document = ReturnType<OpenAPIHono<AppEnv>['getOpenAPI31Document']>
type Schema = NonNullable<NonNullable<Document['components']>['schemas']>[string]

const exampleOf = (schema: Schema | undefined): unknown =>
  schema !== undefined && 'example' in schema ? schema.example : undefined

/** Where the schema of a page's items is; undefined for what is no page. */
function itemsOf(schema: Schema): string | undefined {
  if (!('properties' in schema) || schema.properties?.['nextCursor'] === undefined) return undefined
  const { items } = schema.properties
  const item = items !== undefined && 'items' in items ? items.items : undefined
  return item !== undefined && '$ref' in item ? item.$ref : undefined
}

/** A page's example is a page of one: its item's own example. */
function withPageExamples(document: Document): Document {
  const schemas = document.components?.schemas ?? {}
  for (const schema of Object.values(schemas)) {
    const item = itemsOf(schema)?.replace('#/components/schemas/', '')
    if (item !== undefined) Object.assign(schema, { example: { items: [exampleOf(schemas[item])], nextCursor: null } })
  }
  return document
}

/** The OpenAPI 3.1 document of the native API, made when it is asked for from the schemas that validate. */
export const openApiDocument = (app: OpenAPIHono<AppEnv>) => (c: Context<AppEnv>) =>
  c.json(
    withPageExamples(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'Carrel',
          version: '1',
          description: DESCRIPTION,
          license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
        },
        servers: [{ url: new URL(c.req.url).origin }],
        tags: [
          { name: 'Studies', description: 'Tenants: each owns everything below it.' },
          { name: 'Participants', description: 'The people whose data it is.' },
          { name: 'Members', description: 'Users of a login provider, and their role in a study.' },
          { name: 'Keys', description: 'Long-lived secrets with one role.' },
          { name: 'Enrolment', description: "A phone's first key, by a code that its participant is given." },
          { name: 'Files', description: 'Named things with metadata and versions.' },
          { name: 'Uploads', description: 'Begin, PUT, complete.' },
          { name: 'Sharing', description: 'Files that others of the study may see, for as long as that is granted.' },
          { name: 'Versions', description: 'Immutable contents of a file.' },
          { name: 'Content', description: 'Bytes out.' },
          { name: 'Download links', description: 'Links that work once.' },
          { name: 'Documents', description: 'JSON values that a participant keeps under names of their own.' },
          {
            name: 'Reports',
            description: 'Series of JSON values by date or instant, of a participant or of the study.',
          },
          { name: 'Erasure', description: 'All of a participant, or of a study, and the receipt for it.' },
          { name: 'Audit', description: 'Who did what to whose things.' },
          { name: 'Service', description: 'The service itself.' },
        ],
      }),
    ),
    200,
    { 'Cache-Control': 'public, max-age=300' },
  )
