import { z } from '@hono/zod-openapi'
import { answer, jsonBody, operation } from './operation.ts'
import {
  EntriesIn,
  EntriesQuery,
  EntryAt,
  EntryOut,
  ParticipantReportChanges,
  ReportOut,
  RollupOut,
  RollupQuery,
  StudyReportChanges,
  Value,
} from './report-shapes.ts'
import { IdentifierText, PageQuery, pageSchema, ParticipantRef, StudyIdText } from './schemas.ts'

// The same operations on the reports of a participant and on those of the study.

const tags = ['Reports']

const ReportPage = pageSchema('ReportPage', ReportOut)
const EntryPage = pageSchema('ReportEntryPage', EntryOut)

const READ = ['study_not_found', 'report_not_found'] as const
const WRITE = ['forbidden', 'participant_withdrawn', ...READ] as const
const ADD = ['participant_not_found', ...WRITE] as const

type Place<Path, List, Named, Dated, Changes> = Readonly<{
  path: Path
  /** What the paths hold: down to the reports, to one of them, to one of its entries. */
  list: List
  named: Named
  dated: Dated
  /** What can be changed of a report. */
  changes: Changes
  changesExample: { labels: string[]; public?: boolean }
  /** In operation ids, and in summaries. */
  kind: 'Participant' | 'Study'
  whose: "a participant's" | "the study's"
  /** Public reports are read by anyone. */
  door: 'bearer' | 'anyone'
}>

function operationsAt<
  const Path extends string,
  List extends z.ZodObject,
  Named extends z.ZodObject,
  Dated extends z.ZodObject,
  Changes extends z.ZodType,
>({ path, list, named, dated, changes, changesExample, kind, whose, door }: Place<Path, List, Named, Dated, Changes>) {
  const report = `${path}/{identifier}` as const
  const entries = `${report}/entries` as const
  const entry = `${entries}/{at}` as const
  return {
    list: operation(
      {
        method: 'get',
        path,
        operationId: `list${kind}Reports`,
        summary: `List ${whose} reports, by identifier`,
        tags,
        request: { params: list, query: z.strictObject(PageQuery) },
        responses: { 200: answer('A page.', ReportPage) },
      },
      { problems: ['forbidden', 'study_not_found', 'participant_not_found', 'cursor_invalid'] },
    ),
    get: operation(
      {
        method: 'get',
        path: report,
        operationId: `get${kind}Report`,
        summary: `Read what is known of one of ${whose} reports`,
        tags,
        request: { params: named },
        responses: { 200: answer('The report, without its entries.', ReportOut) },
      },
      { problems: READ, door },
    ),
    update: operation(
      {
        method: 'patch',
        path: report,
        operationId: `update${kind}Report`,
        summary: `Change what is said of one of ${whose} reports`,
        tags,
        request: { params: named, body: changesBody(changes, changesExample) },
        responses: { 200: answer('The report.', ReportOut) },
      },
      { problems: kind === 'Study' ? [...WRITE, 'public_not_allowed'] : WRITE },
    ),
    remove: operation(
      {
        method: 'delete',
        path: report,
        operationId: `delete${kind}Report`,
        summary: `Delete one of ${whose} reports with all its entries`,
        tags,
        request: { params: named },
        responses: { 204: { description: 'It is gone.' } },
      },
      { problems: WRITE },
    ),
    listEntries: operation(
      {
        method: 'get',
        path: entries,
        operationId: `list${kind}ReportEntries`,
        summary: `List the entries of one of ${whose} reports, by date or instant`,
        tags,
        request: { params: named, query: EntriesQuery },
        responses: { 200: answer('A page, which is shorter where the values are large.', EntryPage) },
      },
      { problems: ['cursor_invalid', ...READ], door },
    ),
    addEntries: operation(
      {
        method: 'post',
        path: entries,
        operationId: `add${kind}ReportEntries`,
        summary: `Add entries to one of ${whose} reports, all or none`,
        tags,
        request: {
          params: named,
          body: jsonBody(EntriesIn, {
            entries: [
              { at: '2026-11-20', data: { steps: 7011 } },
              { at: '2026-11-21', data: { steps: 8211 } },
            ],
          }),
        },
        responses: { 200: answer('The report, with them.', ReportOut) },
      },
      { problems: ADD, creates: true },
    ),
    getEntry: operation(
      {
        method: 'get',
        path: entry,
        operationId: `get${kind}ReportEntry`,
        summary: `Read an entry's value, byte for byte as it was put`,
        tags,
        request: { params: dated },
        responses: { 200: answer('The value.', Value) },
      },
      { problems: ['report_entry_not_found', ...READ], door },
    ),
    putEntry: operation(
      {
        method: 'put',
        path: entry,
        operationId: `put${kind}ReportEntry`,
        summary: `Add or replace an entry of one of ${whose} reports`,
        tags,
        request: {
          params: dated,
          body: { required: true, content: { 'application/json': { schema: Value, example: { steps: 8211 } } } },
        },
        responses: { 200: answer('The report, with it.', ReportOut) },
      },
      { problems: ADD },
    ),
    removeEntry: operation(
      {
        method: 'delete',
        path: entry,
        operationId: `delete${kind}ReportEntry`,
        summary: `Delete an entry of one of ${whose} reports`,
        tags,
        request: { params: dated },
        responses: { 204: { description: 'It is gone.' } },
      },
      { problems: ['report_entry_not_found', ...WRITE] },
    ),
    rollUp: operation(
      {
        method: 'get',
        path: `${report}/rollup` as const,
        operationId: `rollUp${kind}Report`,
        summary: `Roll up the numbers of one of ${whose} reports by day, week or month`,
        tags,
        request: { params: named, query: RollupQuery },
        responses: { 200: answer('Every period in the range, with what its numbers come to.', RollupOut) },
      },
      { problems: READ, door },
    ),
  }
}

const changesBody = <Changes extends z.ZodType>(schema: Changes, example: unknown) => ({
  required: true,
  content: { 'application/json': { schema, example } },
})

const Identifier = IdentifierText.openapi({ example: 'steps' })
const OfStudy = z.object({ study: StudyIdText })
const OfParticipant = OfStudy.extend({ participant: ParticipantRef })

export const onParticipantReports = operationsAt({
  path: '/studies/{study}/participants/{participant}/reports',
  list: OfParticipant,
  named: OfParticipant.extend({ identifier: Identifier }),
  dated: OfParticipant.extend({ identifier: Identifier, at: EntryAt }),
  changes: ParticipantReportChanges,
  changesExample: { labels: ['activity'] },
  kind: 'Participant',
  whose: "a participant's",
  door: 'bearer',
})

export const onStudyReports = operationsAt({
  path: '/studies/{study}/reports',
  list: OfStudy,
  named: OfStudy.extend({ identifier: Identifier }),
  dated: OfStudy.extend({ identifier: Identifier, at: EntryAt }),
  changes: StudyReportChanges,
  changesExample: { labels: ['activity'], public: true },
  kind: 'Study',
  whose: "the study's",
  door: 'anyone',
})
