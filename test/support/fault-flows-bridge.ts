import { bridgeCallers } from './bridge.ts'
import { callersOf } from './callers.ts'
import { type Answer, ORIGIN } from './client.ts'
import { type DoorFlow, type DoorFlows, type Expected, inSteps, type Prepared } from './fault-runs.ts'
import { sendingTo } from './faults.ts'
import { aParticipant, ok, aStudy, put } from './world.ts'

// What clients of Bridge change, and how they come again: with the same request, and the session that they have.

const MAIL = 'ada@example.org'

async function anApp(settings: object = {}) {
  const study = await aStudy({ allowPublic: true, ...settings })
  const ada = await aParticipant(study, { id: 'ada', externalId: 'Ext-1', email: MAIL, labels: ['arm-a'] })
  return { study, ada, signIn: { appId: study.id, email: MAIL, password: ada.key } }
}
type App = Awaited<ReturnType<typeof anApp>>
type As = ReturnType<typeof bridgeCallers>

const clients = (bindings: object): As => bridgeCallers(callersOf(sendingTo(bindings), () => ORIGIN))
const whole = clients({})

type Ask = (as: As, app: App) => Promise<Answer>
type More = Expected & { isMain?: boolean; before?: (app: App) => Promise<unknown>; settings?: object }

/** One request, by whoever `ask` says, when `before` has made what it is on. */
const once = (routes: readonly string[], ask: Ask, { before, settings, ...expected }: More = {}): DoorFlow => ({
  routes,
  ...expected,
  prepare: async () => {
    const app = await anApp(settings)
    await before?.(app)
    return { study: app.study.id, ask: async (bindings) => ask(clients(bindings), app) }
  },
})

const gone = { doneBefore: [404] } as const
const both = (method: string, path: string) => [`${method} /v3${path}`, `${method} /v4${path}`]

/** Whoever has a session: it is asked for before anything fails. */
const withSession = (
  routes: readonly string[],
  ask: (as: As, session: { sessionToken: string; reauthToken: string }, app: App) => Promise<Answer>,
  expected: Expected & { isMain?: boolean } = {},
): DoorFlow => ({
  routes,
  ...expected,
  prepare: async () => {
    const app = await anApp()
    const session = ok(await whole().post('/v4/auth/signIn', app.signIn))
    return { study: app.study.id, ask: async (bindings) => ask(clients(bindings), session, app) }
  },
})

const DATA = '/v3/users/self/data/answers'
const sessions = {
  'a sign-in': {
    // Admins sign in by the same handler.
    routes: ['/v4/auth/signIn', '/v3/auth/signIn', '/api/v1/auth/signIn', '/v3/auth/admin/signIn'].map(
      (path) => `POST ${path}`,
    ),
    makesAnew: ['sessions'],
    isMain: true,
    prepare: async () => {
      const { study, signIn } = await anApp()
      const ask = inSteps(
        async (bindings) => clients(bindings)().post('/v4/auth/signIn', signIn),
        async (bindings, [{ body } = { body: undefined }]) =>
          clients(bindings)(body.sessionToken).post(DATA, { data: 1 }),
      )
      return { study: study.id, ask }
    },
  },
  'a session that is renewed': withSession(
    ['POST /v3/auth/reauth'],
    async (as, { reauthToken }, { study }) =>
      as().post('/v3/auth/reauth', { appId: study.id, email: MAIL, reauthToken }),
    { makesAnew: ['sessions'] },
  ),
  'a sign-out': withSession(
    ['POST /v4/auth/signOut'],
    async (as, { sessionToken }) => as(sessionToken).post('/v4/auth/signOut'),
    { doneBefore: [400] },
  ),
  'a sign-out that is never refused': withSession(
    ['POST /v3/auth/signOut', 'GET /api/v1/auth/signOut'],
    async (as, { sessionToken }) => as(sessionToken).post('/v3/auth/signOut'),
  ),
} satisfies Record<string, DoorFlow>

const OWN = '/v3/users/self/data/:identifier'
const THEIRS = '/v1/apps/:appId/participants/:userId/data'
const theirs = ({ study }: App) => `/v1/apps/${study.id}/participants/ada/data`
const saved = async ({ ada }: App) => ok(await whole(ada.key).post(DATA, { data: { theme: 'dark' } }))
const data = {
  'data of their own': once([`POST ${OWN}`], async (as, { ada }) =>
    as(ada.key).post(DATA, { data: { theme: 'light' } }),
  ),
  'data of their own, as it was read': {
    routes: [`POST ${OWN}`],
    doneBefore: [409],
    prepare: async () => {
      const app = await anApp()
      await saved(app)
      const etag = (await whole(app.ada.key).get(DATA)).headers.get('ETag') ?? ''
      return {
        study: app.study.id,
        ask: async (bindings) => clients(bindings)(app.ada.key).post(DATA, { data: 2 }, { 'If-Match': etag }),
      }
    },
  },
  'data of their own, deleted': once([`DELETE ${OWN}`], async (as, { ada }) => as(ada.key).delete(DATA), {
    before: saved,
    ...gone,
  }),
  'data that a worker saves': once([`POST ${THEIRS}/:identifier`], async (as, app) =>
    as(app.study.worker.key).post(`${theirs(app)}/answers`, { data: [1] }),
  ),
  'data that an admin deletes': once(
    [`DELETE ${THEIRS}/:identifier`],
    async (as, app) => as(app.study.admin.key).delete(`${theirs(app)}/answers`),
    { before: saved, ...gone },
  ),
  'all data, deleted': once([`DELETE ${THEIRS}`], async (as, app) => as(app.study.admin.key).delete(theirs(app)), {
    before: saved,
  }),
} satisfies Record<string, DoorFlow>

const FILES = '/v3/participants/self/files'
const FILE = `${FILES}/:fileId`
const TEXT = { mimeType: 'text/plain' }
const begun = async ({ ada }: App) => ok(await whole(ada.key).post(`${FILES}/scan`, TEXT))
/** Sent, and noticed. */
async function kept(app: App) {
  await put((await begun(app)).uploadUrl)
  ok(await whole(app.ada.key).get(FILES))
}

/** A file is begun, sent, and noticed by who looks at `path`. */
const sending = (routes: readonly string[], path: string, { before, settings, ...expected }: More = {}): DoorFlow => ({
  routes: [`POST ${FILE}`, ...routes],
  forAWhile: ['uploads'],
  ...expected,
  prepare: async (): Promise<Prepared> => {
    const app = await anApp(settings)
    await before?.(app)
    const ask = inSteps(
      async (bindings) => clients(bindings)(app.ada.key).post(`${FILES}/scan`, TEXT),
      async (bindings, [{ body } = { body: undefined }]) => {
        await put(body.uploadUrl, 'what was sent')
        return clients(bindings)(app.ada.key).get(path)
      },
    )
    return { study: app.study.id, ask }
  },
})

const files = {
  'a file that is begun': once([`POST ${FILE}`], async (as, { ada }) => as(ada.key).post(`${FILES}/scan`, TEXT), {
    forAWhile: ['uploads'],
    isMain: true,
  }),
  'a file that is sent, and found on the list': sending([`GET ${FILES}`], FILES, { isMain: true }),
  'a file that is sent, and opened': sending([`GET ${FILE}`], `${FILES}/scan`),
  'a file that is sent anew': sending([`GET ${FILES}`], FILES, { before: kept }),
  'a file that is sent anew, where only the latest is kept': sending([`GET ${FILES}`], FILES, {
    before: kept,
    settings: { retention: 'latest' },
    isMain: true,
  }),
  'a file, deleted': once([`DELETE ${FILE}`], async (as, { ada }) => as(ada.key).delete(`${FILES}/scan`), {
    before: kept,
    ...gone,
    isMain: true,
  }),
  'a file that nothing was sent to, deleted': once(
    [`DELETE ${FILE}`],
    async (as, { ada }) => as(ada.key).delete(`${FILES}/scan`),
    { before: begun, ...gone },
  ),
} satisfies Record<string, DoorFlow>

const RECORD = { date: '2026-11-21', data: { steps: 8211 } }
const [REPORTS, OF_ONE] = ['/v3/participants/reports/:identifier', '/participants/:userIdToken/reports/:identifier']
const PART = '/v5/studies/:studyId/participants'
const walked = async ({ study }: App) =>
  ok(await whole(study.admin.key).post(`/v3/participants/ada/reports/walks`, RECORD))
const ofPart = { before: async ({ ada }: App) => ok(await whole(ada.key).post(`${inPart}/self/reports/walks`, RECORD)) }
const inPart = '/v5/studies/arm-a/participants'
const participantReports = {
  'a record of their own': once(both('POST', '/users/self/reports/:identifier'), async (as, { ada }) =>
    as(ada.key).post('/v4/users/self/reports/walks', RECORD),
  ),
  'a record that the team saves': once(both('POST', OF_ONE), async (as, { study }) =>
    as(study.staff.key).post('/v3/participants/ada/reports/walks', RECORD),
  ),
  'a record that a worker saves': once([`POST ${REPORTS}`], async (as, { study }) =>
    as(study.worker.key).post('/v3/participants/reports/walks', { healthCode: 'ada', ...RECORD }),
  ),
  'an index, deleted': once(
    [`DELETE ${REPORTS}`],
    async (as, { study }) => as(study.admin.key).delete('/v3/participants/reports/walks'),
    { before: walked, ...gone },
  ),
  'a report, deleted': once(
    both('DELETE', OF_ONE),
    async (as, { study }) => as(study.worker.key).delete('/v3/participants/ada/reports/walks'),
    { before: walked },
  ),
  'a record, deleted': once(
    [`DELETE /v3${OF_ONE}/:date`],
    async (as, { study }) => as(study.worker.key).delete('/v3/participants/ada/reports/walks/2026-11-21'),
    { before: walked },
  ),
  'a record for a part of the study': once([`POST ${PART}/self/reports/:identifier`], async (as, { ada }) =>
    as(ada.key).post(`${inPart}/self/reports/walks`, RECORD),
  ),
  'a record that the team saves for a part': once(
    [`POST ${PART}/:userIdToken/reports/:identifier`],
    async (as, { study }) => as(study.staff.key).post(`${inPart}/ada/reports/walks`, RECORD),
  ),
  'an index of a part, deleted': once(
    [`DELETE ${PART}/reports/:identifier`],
    async (as, { study }) => as(study.admin.key).delete(`${inPart}/reports/walks`),
    { ...ofPart, ...gone },
  ),
  'a report of a part, deleted': once(
    [`DELETE ${PART}/:userIdToken/reports/:identifier`],
    async (as, { study }) => as(study.admin.key).delete(`${inPart}/ada/reports/walks`),
    { ...ofPart, ...gone },
  ),
  'a record of a part, deleted': once(
    [`DELETE ${PART}/:userIdToken/reports/:identifier/:date`],
    async (as, { study }) => as(study.admin.key).delete(`${inPart}/ada/reports/walks/2026-11-21`),
    ofPart,
  ),
} satisfies Record<string, DoorFlow>

const OF_APP = ['POST /v1/apps/:appId/reports/:identifier', 'POST /v3/studies/:appId/reports/:identifier']
const published = {
  before: async ({ study }: App) => ok(await whole(study.worker.key).post('/v3/reports/news', RECORD)),
}
const studyReports = {
  'a record of the app': once([...both('POST', '/reports/:identifier'), ...OF_APP], async (as, { study }) =>
    as(study.worker.key).post('/v4/reports/news', RECORD),
  ),
  'a report of the app that becomes public': once(
    ['POST /v3/reports/:identifier/index'],
    async (as, { study }) => as(study.admin.key).post('/v3/reports/news/index', { public: true, studyIds: ['arm-a'] }),
    published,
  ),
  'a report of the app, deleted': once(
    both('DELETE', '/reports/:identifier'),
    async (as, { study }) => as(study.worker.key).delete('/v3/reports/news'),
    published,
  ),
  'a record of the app, deleted': once(
    ['DELETE /v3/reports/:identifier/:date'],
    async (as, { study }) => as(study.worker.key).delete('/v3/reports/news/2026-11-21'),
    published,
  ),
} satisfies Record<string, DoorFlow>

export const BRIDGE: DoorFlows = {
  flows: { ...sessions, ...data, ...files, ...participantReports, ...studyReports },
  without: {
    'it is refused to everybody': [
      '/v3/auth/email',
      '/v3/auth/email/signIn',
      '/v3/auth/phone',
      '/v3/auth/phone/signIn',
      '/v3/auth/oauth/signIn',
      '/v3/auth/app',
      '/v3/auth/study',
    ].map((path) => `POST ${path}`),
    'it reads what is there': [
      '/v3/users/self/data',
      OWN,
      THEIRS,
      `${THEIRS}/:identifier`,
      '/v3/participants/reports',
      `${REPORTS}/index`,
      ...['/v3', '/v4'].flatMap((at) => [`${at}/users/self/reports/:identifier`, `${at}${OF_ONE}`]),
      ...['/v1/apps', '/v2/apps', '/v3/studies', '/v4/studies'].map((at) => `${at}/:appId${OF_ONE}`),
      `${PART}/reports`,
      `${PART}/reports/:identifier`,
      `${PART}/self/reports/:identifier`,
      `${PART}/:userIdToken/reports/:identifier`,
      '/v3/reports',
      '/v3/reports/:identifier',
      '/v4/reports/:identifier',
      '/v3/reports/:identifier/index',
      '/v1/apps/:appId/reports/:identifier',
      '/v3/studies/:appId/reports/:identifier',
    ].map((path) => `GET ${path}`),
  },
}
