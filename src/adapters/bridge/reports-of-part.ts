import { type Context, Hono } from 'hono'
import { getParticipant, type SeenParticipant } from '../../domain/participants.ts'
import { deleteReportName, getReportName } from '../../domain/report-names.ts'
import { accountNotFound, DomainError, reportNotFound } from '../../model/errors.ts'
import type { Identifier } from '../../model/ids.ts'
import type { SharedName } from '../../model/report-names.ts'
import type { AppEnv } from '../../wire/context.ts'
import { type Caller, CONSENTED, forRoles, operation } from './access.ts'
import { tell, tellMessage } from './answers.ts'
import { readBody } from './bodies.ts'
import { identifierInPath, limitRecord, recordIn } from './reports-body.ts'
import { presentIndices, presentName } from './reports-present.ts'
import { accountCalled, everyName, removeRecord, removeReport, saveRecord, tellByTime } from './reports-verbs.ts'

// v5: participants' reports by a study of the app. The app itself has every index and every account; otherwise a study has
// those that are marked with it, and all else is not there.

type C = Context<AppEnv>

const COORDINATORS = forRoles('study_designer', 'study_coordinator')
const REMOVERS = forRoles('developer')

const partIn = (c: C): string => c.req.param('studyId') ?? ''

const isOf = (c: C, { study }: Caller, labels: readonly string[]): boolean =>
  partIn(c) === study || labels.includes(partIn(c))

function requireEnrolled(c: C, caller: Caller, participant: SeenParticipant): SeenParticipant {
  if (!isOf(c, caller, participant.labels)) throw accountNotFound()
  return participant
}

const accountOf = async (c: C, caller: Caller) => requireEnrolled(c, caller, await accountCalled(c, caller))
const ownAccount = async (c: C, caller: Caller) =>
  requireEnrolled(c, caller, await getParticipant(caller.scope, caller.study, 'me'))

async function indexOf(c: C, caller: Caller, identifier: Identifier): Promise<SharedName> {
  const name = await getReportName(caller.scope, caller.study, identifier)
  if (!isOf(c, caller, name.labels)) throw reportNotFound()
  return name
}

/** Of a name that only others use, nobody is told: to who has no such report yet, it is an empty one. */
async function requireNotOfOthers(c: C, caller: Caller, identifier: Identifier): Promise<void> {
  const { labels } = await getReportName(caller.scope, caller.study, identifier).catch((failure: unknown) => {
    if (failure instanceof DomainError && failure.code === 'report_not_found') return { labels: [partIn(c)] }
    throw failure
  })
  if (!isOf(c, caller, labels)) throw reportNotFound()
}

const listIndices = operation(COORDINATORS, async (c, caller) => {
  const names = (await everyName(caller)).filter(({ labels }) => isOf(c, caller, labels))
  return tell(c, presentIndices(names.map(presentName), { reportType: 'participant', studyId: partIn(c) }))
})

const readIndexOf = operation(COORDINATORS, async (c, caller) =>
  tell(c, presentName(await indexOf(c, caller, identifierInPath(c)))),
)

const deleteIndex = operation(REMOVERS, async (c, caller) => {
  const { identifier } = await indexOf(c, caller, identifierInPath(c))
  await deleteReportName(caller.scope, caller.study, identifier)
  return tellMessage(c, 'Participant report index deleted.')
})

const read = operation(COORDINATORS, async (c, caller) => {
  const { identifier } = await indexOf(c, caller, identifierInPath(c))
  const { id } = await accountOf(c, caller)
  return tellByTime(c, caller, { owner: id, identifier })
})

const readOwn = operation(CONSENTED, async (c, caller) => {
  const identifier = identifierInPath(c)
  await ownAccount(c, caller)
  await requireNotOfOthers(c, caller, identifier)
  return tellByTime(c, caller, { owner: 'me', identifier })
})

const saveFor = async (c: C, caller: Caller, { id }: SeenParticipant) => {
  const record = recordIn(c, await readBody(c))
  await saveRecord(caller, { owner: id, record, part: partIn(c) === caller.study ? undefined : partIn(c) })
  return tellMessage(c, 'Participant report saved.', 201)
}

const remove = operation(REMOVERS, async (c, caller) => {
  const { id } = await accountOf(c, caller)
  await indexOf(c, caller, identifierInPath(c))
  return removeReport(c, caller, id)
})

const removeOne = operation(REMOVERS, async (c, caller) => {
  const { id } = await accountOf(c, caller)
  await indexOf(c, caller, identifierInPath(c))
  return removeRecord(c, caller, id)
})

const PARTICIPANTS = '/v5/studies/:studyId/participants'
const SELF = `${PARTICIPANTS}/self/reports/:identifier`
const THEIRS = `${PARTICIPANTS}/:userIdToken/reports/:identifier`

export const reportsOfParts = new Hono<AppEnv>()
  .get(`${PARTICIPANTS}/reports`, listIndices)
  .get(`${PARTICIPANTS}/reports/:identifier`, readIndexOf)
  .delete(`${PARTICIPANTS}/reports/:identifier`, deleteIndex)
  .get(SELF, readOwn)
  .post(
    SELF,
    limitRecord,
    operation(CONSENTED, async (c, caller) => saveFor(c, caller, await ownAccount(c, caller))),
  )
  .get(THEIRS, read)
  .post(
    THEIRS,
    limitRecord,
    operation(COORDINATORS, async (c, caller) => saveFor(c, caller, await accountOf(c, caller))),
  )
  .delete(THEIRS, remove)
  .delete(`${THEIRS}/:date`, removeOne)
