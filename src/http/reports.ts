import type { Context, TypedResponse } from 'hono'
import type { z } from '@hono/zod-openapi'
import {
  deleteReportEntry,
  getReportEntry,
  listReportEntries,
  putReportEntries,
  rollUpReport,
} from '../domain/report-entries.ts'
import { deleteReport, getReport, listReports, type ReportName, updateReport } from '../domain/reports.ts'
import { elementsOf, memberOf } from '../json-text.ts'
import type { Identifier, ParticipantId, StudyId } from '../model/ids.ts'
import { mapPage } from '../model/page.ts'
import type { EntryKey } from '../model/report-entries.ts'
import { type AppEnv, scopeOf } from '../wire/context.ts'
import { onParticipantReports, onStudyReports } from './report-operations.ts'
import {
  type EntriesIn,
  type EntriesQuery,
  entryPageText,
  presentBucket,
  presentReport,
  type RollupQuery,
  type StudyReportChanges,
} from './report-shapes.ts'
import { newRouter } from './router.ts'
import { pageRequest } from './schemas.ts'

type C = Context<AppEnv>
/** What a path holds; without a participant, it is the study's. */
type Place = { study: StudyId; participant?: ParticipantId | 'me' }
type Named = Place & { identifier: Identifier }
type Dated = Named & { at: EntryKey }

const nameOf = ({ participant, identifier }: Omit<Named, 'study'>): ReportName => ({
  owner: participant ?? null,
  identifier,
})

/** JSON text, sent as it is. That it is what the operation says is for its maker to see to. */
const tellText = (c: C, json: string) => {
  const headers = { 'Content-Type': 'application/json', 'Cache-Control': 'private, no-cache' }
  const response: Response = c.body(json, 200, headers)
  return response as Response & TypedResponse<never, 200, 'json'>
}

async function list(c: C, { study, participant }: Place, query: { limit: number; cursor?: string | undefined }) {
  const found = await listReports(scopeOf(c), study, { owner: participant ?? null, page: pageRequest(query) })
  return c.json(mapPage(found, presentReport), 200)
}

async function get(c: C, { study, ...name }: Named) {
  return c.json(presentReport(await getReport(scopeOf(c), study, nameOf(name))), 200)
}

async function update(c: C, { study, ...name }: Named, changes: z.output<typeof StudyReportChanges>) {
  return c.json(presentReport(await updateReport(scopeOf(c), study, { name: nameOf(name), changes })), 200)
}

async function remove(c: C, { study, ...name }: Named) {
  await deleteReport(scopeOf(c), study, nameOf(name))
  return c.body(null, 204)
}

async function listEntries(c: C, { study, ...name }: Named, query: z.output<typeof EntriesQuery>) {
  const { kind, from, until, order, ...page } = query
  const asked = { name: nameOf(name), range: { kind, from, until }, order, page: pageRequest(page) }
  return tellText(c, entryPageText(await listReportEntries(scopeOf(c), study, asked)))
}

/** Values are kept as they are written in the body. */
async function addEntries(c: C, { study, ...name }: Named, body: z.output<typeof EntriesIn>) {
  const sources = elementsOf(memberOf(await c.req.text(), 'entries') ?? '')
  const entries = body.entries.map(({ at }, index) => ({ ...at, data: memberOf(sources[index] ?? '', 'data') ?? '' }))
  return c.json(presentReport(await putReportEntries(scopeOf(c), study, { name: nameOf(name), entries })), 200)
}

async function getEntry(c: C, { study, at, ...name }: Dated) {
  const { data } = await getReportEntry(scopeOf(c), study, { name: nameOf(name), key: at })
  return tellText(c, data)
}

async function putEntry(c: C, { study, at, ...name }: Dated) {
  const entries = [{ ...at, data: await c.req.text() }]
  return c.json(presentReport(await putReportEntries(scopeOf(c), study, { name: nameOf(name), entries })), 200)
}

async function removeEntry(c: C, { study, at, ...name }: Dated) {
  await deleteReportEntry(scopeOf(c), study, { name: nameOf(name), key: at })
  return c.body(null, 204)
}

async function rollUp(c: C, { study, ...name }: Named, query: z.output<typeof RollupQuery>) {
  const { summaries, moreFields } = await rollUpReport(scopeOf(c), study, { name: nameOf(name), ...query })
  return c.json({ buckets: summaries.map(presentBucket), moreFields }, 200)
}

export const participantReports = newRouter()
  .openapi(onParticipantReports.list, async (c) => list(c, c.req.valid('param'), c.req.valid('query')))
  .openapi(onParticipantReports.get, async (c) => get(c, c.req.valid('param')))
  .openapi(onParticipantReports.update, async (c) => update(c, c.req.valid('param'), c.req.valid('json')))
  .openapi(onParticipantReports.remove, async (c) => remove(c, c.req.valid('param')))
  .openapi(onParticipantReports.listEntries, async (c) => listEntries(c, c.req.valid('param'), c.req.valid('query')))
  .openapi(onParticipantReports.addEntries, async (c) => addEntries(c, c.req.valid('param'), c.req.valid('json')))
  .openapi(onParticipantReports.getEntry, async (c) => getEntry(c, c.req.valid('param')))
  .openapi(onParticipantReports.putEntry, async (c) => putEntry(c, c.req.valid('param')))
  .openapi(onParticipantReports.removeEntry, async (c) => removeEntry(c, c.req.valid('param')))
  .openapi(onParticipantReports.rollUp, async (c) => rollUp(c, c.req.valid('param'), c.req.valid('query')))

export const studyReports = newRouter()
  .openapi(onStudyReports.list, async (c) => list(c, c.req.valid('param'), c.req.valid('query')))
  .openapi(onStudyReports.get, async (c) => get(c, c.req.valid('param')))
  .openapi(onStudyReports.update, async (c) => update(c, c.req.valid('param'), c.req.valid('json')))
  .openapi(onStudyReports.remove, async (c) => remove(c, c.req.valid('param')))
  .openapi(onStudyReports.listEntries, async (c) => listEntries(c, c.req.valid('param'), c.req.valid('query')))
  .openapi(onStudyReports.addEntries, async (c) => addEntries(c, c.req.valid('param'), c.req.valid('json')))
  .openapi(onStudyReports.getEntry, async (c) => getEntry(c, c.req.valid('param')))
  .openapi(onStudyReports.putEntry, async (c) => putEntry(c, c.req.valid('param')))
  .openapi(onStudyReports.removeEntry, async (c) => removeEntry(c, c.req.valid('param')))
  .openapi(onStudyReports.rollUp, async (c) => rollUp(c, c.req.valid('param'), c.req.valid('query')))
