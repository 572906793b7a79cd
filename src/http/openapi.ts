import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { AppEnv } from './context.ts'

const DESCRIPTION = `A study-participant file and data store at the edge.

Bytes go straight to object storage: begin a file, PUT its bytes to the URL with the headers that the answer gives,
complete the upload. Every failure is an RFC 9457 problem whose \`code\` is stable. Cursors are opaque. \`me\` stands for
the caller's own participant id.`

/** The OpenAPI 3.1 document of the native API, made when it is asked for from the schemas that validate. */
export const openApiDocument = (app: OpenAPIHono<AppEnv>) => (c: Context<AppEnv>) =>
  c.json(
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
        { name: 'Files', description: 'Named things with metadata and versions.' },
        { name: 'Uploads', description: 'Begin, PUT, complete.' },
        { name: 'Versions', description: 'Immutable contents of a file.' },
        { name: 'Content', description: 'Bytes out.' },
        { name: 'Download links', description: 'Links that work once.' },
        { name: 'Service', description: 'The service itself.' },
      ],
    }),
    200,
    { 'Cache-Control': 'public, max-age=300' },
  )
