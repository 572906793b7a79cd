import { cors } from 'hono/cors'
import { methodNotAllowed } from 'hono/method-not-allowed'
import { requestId } from 'hono/request-id'
import { secureHeaders } from 'hono/secure-headers'
import { apiKeys } from './http/api-keys.ts'
import { audit } from './http/audit.ts'
import { authenticate } from './http/authenticate.ts'
import { limitBody, requireJson } from './http/body.ts'
import { content } from './http/content.ts'
import { newRouter } from './http/context.ts'
import { corsOptions, SECURE_HEADERS } from './http/browsers.ts'
import { documentSchemas } from './http/document-schemas.ts'
import { documents } from './http/documents.ts'
import { downloadTokens } from './http/download-tokens.ts'
import { enrolmentCodes } from './http/enrolment-codes.ts'
import { erasures } from './http/erasures.ts'
import { exports } from './http/exports.ts'
import { file } from './http/file.ts'
import { files } from './http/files.ts'
import { grantTemplates } from './http/grant-templates.ts'
import { grants } from './http/grants.ts'
import { health } from './http/health.ts'
import { links } from './http/links.ts'
import { logRequest } from './http/log-request.ts'
import { manifests } from './http/manifests.ts'
import { members } from './http/members.ts'
import { openApiDocument } from './http/openapi.ts'
import { participants } from './http/participants.ts'
import { limitCallers } from './http/rate-limits.ts'
import { removals } from './http/removals.ts'
import { refuseMethod, renderNotFound } from './http/problem.ts'
import { renderRefusal } from './http/refusals.ts'
import { participantReports, studyReports } from './http/reports.ts'
import { search } from './http/search.ts'
import { studies } from './http/studies.ts'
import { uploads } from './http/uploads.ts'
import { requireUtf8 } from './http/utf8.ts'
import { versions } from './http/versions.ts'
import { LandingPage } from './pages/landing.tsx'
import { pageHeaders } from './pages/headers.ts'

/** The map of the service. */
export function createApp() {
  const app = newRouter()
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: "An API key, the operator's key, or a JWT of an issuer that the service knows.",
  })
  app.use(requestId(), async (c, next) => {
    c.set('now', new Date())
    c.set('credential', { kind: 'anonymous' })
    await next()
  })
  app.use(logRequest, secureHeaders(SECURE_HEADERS), cors(corsOptions))
  app.use(methodNotAllowed({ app, onMethodNotAllowed: refuseMethod }))

  app.get('/', (c) => c.html(LandingPage(), 200, { ...pageHeaders }))
  app.get('/openapi.json', openApiDocument(app))
  app.route('/', health)
  app.use('/d/*', limitBody)
  app.route('/', links)

  app.use('/v1/*', authenticate, limitCallers, requireUtf8, limitBody, requireJson)
  for (const routes of [
    studies,
    participants,
    members,
    apiKeys,
    enrolmentCodes,
    files,
    search,
    file,
    removals,
    uploads,
    versions,
    content,
    downloadTokens,
    grants,
    grantTemplates,
    documents,
    documentSchemas,
    participantReports,
    studyReports,
    erasures,
    exports,
    manifests,
    audit,
  ]) {
    app.route('/v1', routes)
  }
  return app.onError(renderRefusal).notFound(renderNotFound)
}
