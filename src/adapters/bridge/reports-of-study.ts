import { type Context, Hono } from 'hono'
import { getReport, listReports, type ReportName, updateReport } from '../../domain/reports.ts'
import { DomainError, type ErrorCode, reportNotFound } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { ANYONE, type Caller, forRoles, operation, SIGNED_IN } from './access.ts'
import { tell, tellMessage } from './answers.ts'
import { identifierInPath, limitRecord, readIndex, recordIn } from './reports-body.ts'
import { readBody } from './bodies.ts'
import { presentIndices, presentStudyReport } from './reports-present.ts'
import {
  everyPage,
  removeRecord,
  removeReport,
  saveRecord,
  tellByDate,
  tellByTime,
  tellNames,
} from './reports-verbs.ts'

// Reports of the app. Participants read those that were made here, for as long as these are for no part of the study.

type C = Context<AppEnv>

const WRITERS = forRoles('developer', 'worker')
const REPORTS_AT_ONCE = 500

const named = (c: C): ReportName => ({ owner: null, identifier: identifierInPath(c) })

const listIndices = operation(SIGNED_IN, async (c, caller) => {
  if (c.req.query('type')?.toLowerCase() === 'participant') return tellNames(c, caller)
  const { scope, study } = caller
  const reports = await everyPage(REPORTS_AT_ONCE, async (page) => listReports(scope, study, { owner: null, page }))
  return tell(c, presentIndices(reports.map(presentStudyReport), { reportType: 'study' }))
})

const save = async (c: C, caller: Caller) => {
  await saveRecord(caller, { owner: null, record: recordIn(c, await readBody(c)) })
  return tellMessage(c, 'Report data saved.', 201)
}

const readIndexOf = operation(SIGNED_IN, async (c, { scope, study }) =>
  tell(c, presentStudyReport(await getReport(scope, study, named(c)))),
)

/** One that is public no more is the participants' again. */
const changeIndex = operation(forRoles('developer', 'researcher'), async (c, { scope, study }) => {
  const name = named(c)
  const { isPublic, studyIds } = await readIndex(c)
  await updateReport(scope, study, {
    name,
    changes: { public: isPublic ? true : 'participants', labels: studyIds },
  })
  return tellMessage(c, 'Report index updated.')
})

/** To whom shows nothing, what is not public is not there. */
const HIDDEN: readonly ErrorCode[] = ['unauthenticated', 'study_not_found', 'report_not_found']

const readPublic = operation(ANYONE, async (c, { scope, study }) => {
  const name = named(c)
  try {
    await getReport(scope, study, name)
    return await tellByDate(c, { scope, study }, name)
  } catch (failure) {
    throw failure instanceof DomainError && HIDDEN.includes(failure.code) ? reportNotFound() : failure
  }
})

const REPORT = '/reports/:identifier'
const OF_APP = [`/v1/apps/:appId${REPORT}`, `/v3/studies/:appId${REPORT}`]

export const studyReports = new Hono<AppEnv>()
  .get('/v3/reports', listIndices)
  .get(
    `/v3${REPORT}`,
    operation(SIGNED_IN, async (c, caller) => tellByDate(c, caller, named(c))),
  )
  .get(
    `/v4${REPORT}`,
    operation(SIGNED_IN, async (c, caller) => tellByTime(c, caller, named(c))),
  )
  .on('POST', [`/v3${REPORT}`, `/v4${REPORT}`], limitRecord, operation(WRITERS, save))
  .on(
    'DELETE',
    [`/v3${REPORT}`, `/v4${REPORT}`],
    operation(WRITERS, async (c, caller) => removeReport(c, caller, null)),
  )
  .get(`/v3${REPORT}/index`, readIndexOf)
  .post(`/v3${REPORT}/index`, changeIndex)
  .delete(
    `/v3${REPORT}/:date`,
    operation(WRITERS, async (c, caller) => removeRecord(c, caller, null)),
  )
  .on('GET', OF_APP, readPublic)
  .on('POST', OF_APP, limitRecord, operation(forRoles('worker'), save))
