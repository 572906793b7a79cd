import { methodNotAllowed } from 'hono/method-not-allowed'
import { secureHeaders } from 'hono/secure-headers'
import { LandingPage } from '../pages/landing.tsx'
import { pageHeaders } from '../pages/headers.ts'
import { languageOf } from '../pages/texts.ts'
import { SECURE_HEADERS } from '../wire/browsers.ts'
import { comingBy } from '../wire/context.ts'
import { limitCallers } from '../wire/rate-limits.ts'
import { apiKeys } from './api-keys.ts'
import { audit } from './audit.ts'
import { authenticate } from './authenticate.ts'
import { limitBody, requireJson } from './body.ts'
import { cors } from './browsers.ts'
import { content } from './content.ts'
import { documentSchemas } from './document-schemas.ts'
import { documents } from './documents.ts'
import { downloadTokens } from './download-tokens.ts'
import { enrolmentCodes } from './enrolment-codes.ts'
import { erasures } from './erasures.ts'
import { exports } from './exports.ts'
import { file } from './file.ts'
import { files } from './files.ts'
import { grantTemplates } from './grant-templates.ts'
import { grants } from './grants.ts'
import { health } from './health.ts'
import { hosts } from './hosts.ts'
import { links } from './links.ts'
import { manifests } from './manifests.ts'
import { members } from './members.ts'
import { moves } from './moves.ts'
import { openApiDocument } from './openapi.ts'
import { participants } from './participants.ts'
import { refuseMethod } from './problem.ts'
import { renderRefusal } from './refusals.ts'
import { removals } from './removals.ts'
import { participantReports, studyReports } from './reports.ts'
import { newRouter } from './router.ts'
import { search } from './search.ts'
import { studies } from './studies.ts'
import { uploads } from './uploads.ts'
import { requireUtf8 } from './utf8.ts'
import { versions } from './versions.ts'

/** The native API, links and pages: whatever of the service speaks no foreign protocol. */
export function createNative() {
  const native = newRouter()
  native.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    description: "An API key, the operator's key, or a JWT of an issuer that the service knows.",
  })
  native.use(secureHeaders(SECURE_HEADERS), cors)
  native.use(methodNotAllowed({ app: native, onMethodNotAllowed: refuseMethod }))

  native.get('/', (c) => {
    const language = languageOf(c.req.header('Accept-Language'))
    return c.html(LandingPage({ language }), 200, { ...pageHeaders })
  })
  native.get('/openapi.json', openApiDocument(native))
  native.route('/', health)
  native.use('/d/*', comingBy('link'), limitBody)
  native.route('/', links)

  native.use('/v1/*', authenticate, limitCallers, requireUtf8, limitBody, requireJson)
  for (const routes of [
    studies,
    moves,
    participants,
    hosts,
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
    native.route('/v1', routes)
  }
  // What is not found is told by the app, inside of what is around it here.
  return native.onError(renderRefusal)
}
