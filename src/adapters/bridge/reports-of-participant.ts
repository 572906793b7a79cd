import { type Context, Hono } from 'hono'
import { deleteReportName, getReportName } from '../../domain/report-names.ts'
import type { ReportName } from '../../domain/reports.ts'
import type { AppEnv } from '../../wire/context.ts'
import { type Caller, forRoles, operation, SIGNED_IN } from './access.ts'
import { tell, tellMessage } from './answers.ts'
import { readBody, Text } from './bodies.ts'
import { badRequest } from './errors.ts'
import { identifierInPath, limitRecord, recordIn } from './reports-body.ts'
import { presentName } from './reports-present.ts'
import {
  accountById,
  accountCalled,
  removeRecord,
  removeReport,
  saveRecord,
  tellByDate,
  tellByTime,
  tellNames,
} from './reports-verbs.ts'

type C = Context<AppEnv>

const ANY_ROLE = forRoles('developer', 'researcher', 'study_coordinator', 'org_admin', 'worker')
const WRITERS = forRoles('developer', 'researcher')
const REMOVERS = forRoles('developer', 'worker')
const WORKER = forRoles('worker')

const ownReport = (c: C): ReportName => ({ owner: 'me', identifier: identifierInPath(c) })

const theirReport = async (c: C, caller: Caller): Promise<ReportName> => {
  const identifier = identifierInPath(c)
  return { owner: (await accountCalled(c, caller)).id, identifier }
}

const byDate = async (c: C, caller: Caller) => tellByDate(c, caller, await theirReport(c, caller))
const byTime = async (c: C, caller: Caller) => tellByTime(c, caller, await theirReport(c, caller))

const saveOwn = operation(SIGNED_IN, async (c, caller) => {
  await saveRecord(caller, { owner: 'me', record: recordIn(c, await readBody(c)) })
  return tellMessage(c, 'Report data saved.', 201)
})

const saveTheirs = operation(WRITERS, async (c, caller) => {
  const { id } = await accountCalled(c, caller)
  await saveRecord(caller, { owner: id, record: recordIn(c, await readBody(c)) })
  return tellMessage(c, 'Report data saved.', 201)
})

/** Workers know participants by their health code, which here is the id. */
const saveByHealthCode = operation(WORKER, async (c, caller) => {
  const body = await readBody(c)
  const healthCode = Text.safeParse(body.members['healthCode']).data
  if (healthCode === undefined) throw badRequest('A health code is required to save report data.')
  const record = recordIn(c, body)
  const { id } = await accountById(caller, healthCode)
  await saveRecord(caller, { owner: id, record })
  return tellMessage(c, 'Report data saved.', 201)
})

const readIndexOfAll = operation(SIGNED_IN, async (c, { scope, study }) =>
  tell(c, presentName(await getReportName(scope, study, identifierInPath(c)))),
)

const deleteIndex = operation(forRoles('admin'), async (c, { scope, study }) => {
  await deleteReportName(scope, study, identifierInPath(c))
  return tellMessage(c, 'Report index deleted.')
})

const remove = operation(REMOVERS, async (c, caller) => removeReport(c, caller, (await accountCalled(c, caller)).id))
const removeOne = operation(REMOVERS, async (c, caller) => removeRecord(c, caller, (await accountCalled(c, caller)).id))

const SELF = '/users/self/reports/:identifier'
const INDICES = '/v3/participants/reports'
const THEIRS = '/participants/:userIdToken/reports/:identifier'

export const participantReports = new Hono<AppEnv>()
  .get(
    `/v3${SELF}`,
    operation(SIGNED_IN, async (c, caller) => tellByDate(c, caller, ownReport(c))),
  )
  .get(
    `/v4${SELF}`,
    operation(SIGNED_IN, async (c, caller) => tellByTime(c, caller, ownReport(c))),
  )
  .on('POST', [`/v3${SELF}`, `/v4${SELF}`], limitRecord, saveOwn)
  // Before those of a participant: none can be reached whose id is `reports`, and whose report is called so too.
  .get(INDICES, operation(SIGNED_IN, tellNames))
  .get(`${INDICES}/:identifier/index`, readIndexOfAll)
  .post(`${INDICES}/:identifier`, limitRecord, saveByHealthCode)
  .delete(`${INDICES}/:identifier`, deleteIndex)
  .get(`/v3${THEIRS}`, operation(ANY_ROLE, byDate))
  .get(`/v4${THEIRS}`, operation(SIGNED_IN, byTime))
  .on('POST', [`/v3${THEIRS}`, `/v4${THEIRS}`], limitRecord, saveTheirs)
  .on('DELETE', [`/v3${THEIRS}`, `/v4${THEIRS}`], remove)
  .delete(`/v3${THEIRS}/:date`, removeOne)
  .on('GET', [`/v1/apps/:appId${THEIRS}`, `/v3/studies/:appId${THEIRS}`], operation(WORKER, byDate))
  .on('GET', [`/v2/apps/:appId${THEIRS}`, `/v4/studies/:appId${THEIRS}`], operation(WORKER, byTime))
