import { factsOf, permits, rules } from '../../src/domain/policy.ts'
import { by, CONSENTED } from './door-matrix-bridge.ts'
import { type Asked, canaryOf, type DoorRow, type DoorRows, type DoorThing, itself, seenBy } from './door-matrix.ts'
import { OWNER, WITHDRAWN } from './matrix-people.ts'

// Bridge's reports: of participants, of participants by a study of the app, and of the app.

const SIGNED_IN = { admits: ['participant', 'staff', 'worker', 'admin'] } as const
const TEAM = { admits: ['staff', 'worker', 'admin'] } as const
const WRITERS = { admits: ['staff', 'admin'] } as const
const REMOVERS = { admits: ['worker', 'admin'] } as const
const WORKER = { admits: ['worker'] } as const
const ADMIN = { admits: ['admin'] } as const

const DAY = '2026-11-21'
const DAYS = 'startDate=2026-11-01&endDate=2026-11-30'
const TIMES = 'startTime=2026-11-01T00:00:00.000Z&endTime=2026-11-30T00:00:00.000Z'
const RECORD = { date: DAY, data: 1 }
export const STEPS = 'hush-steps'

type Verdict = NonNullable<DoorRow['decide']>
type Shows = NonNullable<DoorRow['shows']>
const CREATED = { allowed: 201 } as const
/** A report that is not there, or not to be seen, is an empty one. */
const EMPTY = { report_not_found: 200 } as const

const spanOf = (path: string) => (/^\/(?:v3\/(?!studies)|v1|v3\/studies)/.test(path) ? DAYS : TIMES)
const inApp = (path: string, { thing: { names } }: Asked) =>
  path
    .replace(':appId', names['study'] ?? '')
    .replace(':studyId', names['study'] ?? '')
    .replace(':userIdToken', names['participant'] ?? '')
    .replace(':identifier', names['identifier'] ?? '')
    .replace(':date', DAY)

const reading = (path: string): Pick<DoorRow, 'ask'> => ({
  ask: async (asked) => by(asked).get(`${inApp(path, asked)}?${spanOf(path)}`),
})
const saving = (path: string): Pick<DoorRow, 'ask' | 'changes' | 'says'> => ({
  ask: async (asked) => by(asked).post(inApp(path, asked), { ...RECORD, healthCode: asked.thing.names['participant'] }),
  changes: 'always',
  says: CREATED,
})
const removing = (path: string): Pick<DoorRow, 'ask' | 'changes'> => ({
  ask: async (asked) => by(asked).delete(inApp(path, asked)),
  changes: 'once',
})

/** The team has nothing of its own to save to. */
const onThemselves: Verdict = (principal) =>
  principal !== undefined && ['staff', 'worker', 'admin'].includes(principal.role) ? 'participant_not_found' : undefined

/** A name is there to participants where they have such a report themselves. */
const byName: Verdict = (principal) => {
  if (principal?.role !== 'participant') return undefined
  const theirs = [OWNER, WITHDRAWN].filter((id) => id === principal.participant).map(() => principal.participant)
  return theirs.some((id) => permits(rules.readReportName, principal, factsOf(id))) ? 'allowed' : 'report_not_found'
}

const SELF = '/users/self/reports/:identifier'
const INDICES = '/v3/participants/reports'
const THEIRS = '/participants/:userIdToken/reports/:identifier'
const ON_PARTICIPANTS = { of: 'report', sees: 'readParticipant', unseen: 'participant_not_found' } as const
const readTheirs = { ...ON_PARTICIPANTS, needs: ['readReport'], shows: itself } as const
const ownReport = { ...SIGNED_IN, of: 'own report', own: true, sees: 'readReport', unseen: 'report_not_found' } as const

const rowsAt = (method: string, paths: readonly string[], row: (path: string) => DoorRow): DoorRows =>
  Object.fromEntries(paths.map((path) => [`${method} ${path}`, row(path)]))
const either = (path: string) => [`/v3${path}`, `/v4${path}`]

const namesFor = (names: readonly DoorThing[]): Shows => {
  const seen = seenBy('readReportName', names)
  return (_, { asker }) => seen(asker).map(canaryOf)
}

const participantRows = (names: readonly DoorThing[]): DoorRows => ({
  ...rowsAt('GET', either(SELF), (path) => ({ ...ownReport, shows: itself, says: EMPTY, ...reading(path) })),
  ...rowsAt('POST', either(SELF), (path) => ({
    ...SIGNED_IN,
    of: 'own report',
    own: true,
    needs: ['addReportEntry'],
    absent: 'made',
    decide: onThemselves,
    ...saving(path),
  })),
  [`GET ${INDICES}`]: {
    ...SIGNED_IN,
    of: 'nothing',
    shows: namesFor(names),
    ask: async (asked) => by(asked).get(INDICES),
  },
  [`GET ${INDICES}/:identifier/index`]: {
    ...SIGNED_IN,
    of: 'name',
    needs: ['readReportName'],
    decide: byName,
    ...reading(`${INDICES}/:identifier/index`),
  },
  [`POST ${INDICES}/:identifier`]: {
    ...WORKER,
    ...ON_PARTICIPANTS,
    needs: ['addReportEntry'],
    ...saving(`${INDICES}/:identifier`),
  },
  [`DELETE ${INDICES}/:identifier`]: {
    ...ADMIN,
    of: 'name',
    needs: ['readReportName', 'deleteReportName'],
    ...removing(`${INDICES}/:identifier`),
  },
  [`GET /v3${THEIRS}`]: { ...TEAM, ...readTheirs, ...reading(`/v3${THEIRS}`) },
  [`GET /v4${THEIRS}`]: { ...SIGNED_IN, ...readTheirs, ...reading(`/v4${THEIRS}`) },
  ...rowsAt('POST', either(THEIRS), (path) => ({
    ...WRITERS,
    ...ON_PARTICIPANTS,
    needs: ['addReportEntry'],
    ...saving(path),
  })),
  ...rowsAt('DELETE', [...either(THEIRS), `/v3${THEIRS}/:date`], (path) => ({
    ...REMOVERS,
    ...ON_PARTICIPANTS,
    needs: ['deleteReport'],
    ...removing(path),
  })),
  ...rowsAt(
    'GET',
    ['/v1/apps', '/v3/studies', '/v2/apps', '/v4/studies'].map((at) => `${at}/:appId${THEIRS}`),
    (path) => ({ ...WORKER, ...readTheirs, of: 'report in the app', ...reading(path) }),
  ),
})

const PART = '/v5/studies/:studyId/participants'
const OF_PART = `${PART}/:userIdToken/reports/:identifier`
const SELF_OF_PART = `${PART}/self/reports/:identifier`

/** Nobody of another app is in a study of this one. */
const inPart: Verdict = (principal, { asker }) =>
  principal?.role === 'participant' && principal.status === 'active' && asker.home?.role === 'stranger'
    ? 'account_not_found'
    : undefined
const ofPart = { of: 'report in the app', sees: 'readParticipant', unseen: 'participant_not_found' } as const
const nameOfPart = { of: 'name in the app', unseen: 'report_not_found' } as const

const partRows = (names: readonly DoorThing[]): DoorRows => ({
  [`GET ${PART}/reports`]: {
    ...WRITERS,
    of: 'nothing in the app',
    absent: 'empty',
    needs: ['readReportName'],
    ...reading(`${PART}/reports`),
    shows: (principal, asked) =>
      principal !== undefined && 'study' in principal && principal.study === asked.thing.names['study']
        ? namesFor(names)(principal, asked)
        : [],
  },
  [`GET ${PART}/reports/:identifier`]: {
    ...WRITERS,
    ...nameOfPart,
    needs: ['readReportName'],
    ...reading(`${PART}/reports/:identifier`),
  },
  [`DELETE ${PART}/reports/:identifier`]: {
    ...ADMIN,
    ...nameOfPart,
    needs: ['readReportName', 'deleteReportName'],
    ...removing(`${PART}/reports/:identifier`),
  },
  [`GET ${SELF_OF_PART}`]: {
    ...CONSENTED,
    of: 'own report',
    sees: 'readReport',
    unseen: 'report_not_found',
    decide: inPart,
    shows: itself,
    says: EMPTY,
    ...reading(SELF_OF_PART),
  },
  [`POST ${SELF_OF_PART}`]: {
    ...CONSENTED,
    of: 'own report',
    needs: ['addReportEntry'],
    absent: 'made',
    decide: inPart,
    ...saving(SELF_OF_PART),
  },
  [`GET ${OF_PART}`]: { ...WRITERS, ...ofPart, needs: ['readReport'], shows: itself, ...reading(OF_PART) },
  [`POST ${OF_PART}`]: { ...WRITERS, ...ofPart, needs: ['addReportEntry'], ...saving(OF_PART) },
  ...rowsAt('DELETE', [OF_PART, `${OF_PART}/:date`], (path) => ({
    ...ADMIN,
    ...ofPart,
    needs: ['deleteReport'],
    ...removing(path),
  })),
})

const REPORT = '/reports/:identifier'
const OF_APP = ['/v1/apps', '/v3/studies'].map((at) => `${at}/:appId${REPORT}`)
const ON_APP = { of: 'app report', sees: 'readReport', unseen: 'report_not_found' } as const

const appRows = (names: readonly DoorThing[], reports: readonly DoorThing[]): DoorRows => ({
  'GET /v3/reports': {
    ...SIGNED_IN,
    of: 'nothing',
    shows: (_, { asker }) => seenBy('listReports', reports)(asker).map(canaryOf),
    ask: async (asked) => by(asked).get('/v3/reports'),
  },
  'GET /v3/reports, of participants': {
    ...SIGNED_IN,
    of: 'nothing',
    shows: namesFor(names),
    ask: async (asked) => by(asked).get('/v3/reports?type=participant'),
  },
  ...rowsAt('GET', either(REPORT), (path) => ({
    ...SIGNED_IN,
    ...ON_APP,
    shows: itself,
    says: EMPTY,
    ...reading(path),
  })),
  ...rowsAt('POST', either(REPORT), (path) => ({
    ...REMOVERS,
    ...ON_APP,
    needs: ['addReportEntry'],
    absent: 'made',
    ...saving(path),
  })),
  ...rowsAt('DELETE', [...either(REPORT), `/v3${REPORT}/:date`], (path) => ({
    ...REMOVERS,
    ...ON_APP,
    needs: ['deleteReport'],
    says: EMPTY,
    ...removing(path),
  })),
  [`GET /v3${REPORT}/index`]: { ...SIGNED_IN, ...ON_APP, ...reading(`/v3${REPORT}/index`) },
  [`POST /v3${REPORT}/index`]: {
    ...WRITERS,
    ...ON_APP,
    needs: ['changeReport'],
    changes: 'always',
    ask: async (asked) => by(asked).post(inApp(`/v3${REPORT}/index`, asked), { public: true }),
  },
  ...rowsAt('POST', OF_APP, (path) => ({
    ...WORKER,
    ...ON_APP,
    of: 'app report in the app',
    needs: ['addReportEntry'],
    ...saving(path),
  })),
})

/** `names`: what participants call their reports; `reports`: the apps' own. */
export const reportRows = (names: readonly DoorThing[], reports: readonly DoorThing[]): DoorRows => ({
  ...participantRows(names),
  ...partRows(names),
  ...appRows(names, reports),
})

/** What everyone may read, whatever they show. */
export const openRows: DoorRows = rowsAt('GET', OF_APP, (path) => ({
  of: 'app report',
  sees: 'readReport',
  asNobody: true,
  anyone: true,
  shows: itself,
  says: { unauthenticated: 404 },
  ...reading(path),
}))
