import type { Context } from 'hono'
import { z } from 'zod'
import { memberOf } from '../../json-text.ts'
import type { Identifier } from '../../model/ids.ts'
import type { EntryKey, EntryKind, NewEntry } from '../../model/report-entries.ts'
import type { AppEnv } from '../../wire/context.ts'
import { limitBytes } from '../../wire/body.ts'
import { IdentifierText, text } from '../../wire/shapes.ts'
import { type Body, fieldsOf, readBody, Text } from './bodies.ts'
import { type Faults, InvalidEntity, unreadable } from './errors.ts'
import { keyOf } from './reports-times.ts'

/** The largest record that upstream's store has room for. */
export const limitRecord = limitBytes(400 * 1024)

const MAX_STUDY_IDS = 50
const MAX_STUDY_ID_CHARACTERS = 100

const StudyIds = z.array(text(MAX_STUDY_ID_CHARACTERS)).max(MAX_STUDY_IDS).nullish()
const ReportData = z.object({
  date: Text,
  localDate: Text,
  dateTime: Text,
  studyIds: StudyIds,
  /** What clients of before 2020 call them. */
  substudyIds: StudyIds,
})

/** A record that is sent, and which studies of the app its report is said to be for. */
export type SentRecord = Readonly<{
  identifier: Identifier
  entry: NewEntry
  studyIds: readonly string[] | undefined
  /** What was understood, as JSON text. */
  entity: string
}>

type Keys = Readonly<Partial<Record<EntryKind, EntryKey>>>

/** `date` holds either form. */
function keysOf({ date, localDate, dateTime }: z.infer<typeof ReportData>): Keys {
  const told = [
    { field: 'date', text: date, kind: date?.includes('T') === true ? 'instant' : 'date' },
    { field: 'localDate', text: localDate, kind: 'date' },
    { field: 'dateTime', text: dateTime, kind: 'instant' },
  ] as const
  const keys: Partial<Record<EntryKind, EntryKey>> = {}
  for (const { field, text: value, kind } of told) {
    if (value === undefined) continue
    const key = keyOf(value)
    if (key?.kind !== kind) throw unreadable([field])
    keys[kind] = key
  }
  return keys
}

const IDENTIFIER = /^[a-zA-Z0-9_-]+$/

/** What is wrong with an identifier. */
function faultsOfIdentifier(identifier: string): string[] {
  if (identifier.trim() === '') return ['cannot be missing or blank']
  if (!IDENTIFIER.test(identifier)) return ['can only contain letters, numbers, underscore and dash']
  return IdentifierText.safeParse(identifier).success ? [] : ['cannot be longer than 255 characters']
}

/**
 * The report that a path names.
 * @throws DomainError `invalid_body`: upstream has it for part of the key that it looks for
 */
export function identifierInPath(c: Context<AppEnv>): Identifier {
  const identifier = c.req.param('identifier') ?? ''
  const faults = faultsOfIdentifier(identifier)
  if (faults.length > 0) throw new InvalidEntity('ReportDataKey', { identifier: faults })
  return IdentifierText.parse(identifier)
}

/** What was understood of a record, as JSON text. */
function entityOf({ date, instant }: Keys, data: string | undefined): string {
  const either = date ?? instant
  const members = [
    ...(either === undefined ? [] : [`"date":"${either.at}"`]),
    ...(date === undefined ? [] : [`"localDate":"${date.at}"`]),
    ...(instant === undefined ? [] : [`"dateTime":"${instant.at}"`]),
    ...(data === undefined ? [] : [`"data":${data}`]),
  ]
  return `{${[...members, '"type":"ReportData"'].join(',')}}`
}

function faultsOfDates({ date, instant }: Keys): string[] {
  if (date === undefined && instant === undefined) return ['must include a localDate or dateTime']
  if (date !== undefined && instant !== undefined) return ['must include a localDate or dateTime, but not both']
  return []
}

/**
 * The record of a body for the report that the path names; its value is kept as it is written there.
 * @throws DomainError `malformed_json`, `invalid_body` in Bridge's words
 */
export function recordIn(c: Context<AppEnv>, body: Body): SentRecord {
  const fields = fieldsOf(body, ReportData)
  const keys = keysOf(fields)
  const data = memberOf(body.text, 'data')
  const entity = entityOf(keys, data)
  const identifier = c.req.param('identifier') ?? ''
  const faults = Object.entries({
    ReportData: faultsOfDates(keys),
    data: data === undefined ? ['is required'] : [],
    identifier: faultsOfIdentifier(identifier),
  }).filter(([, texts]) => texts.length > 0)
  const key = keys.date ?? keys.instant
  if (faults.length > 0 || key === undefined || data === undefined) {
    throw invalidRecord(Object.fromEntries(faults), entity)
  }
  const studyIds = fields.studyIds ?? fields.substudyIds ?? undefined
  return { identifier: IdentifierText.parse(identifier), entry: { ...key, data }, studyIds, entity }
}

export const invalidRecord = (faults: Faults, entity: string) => new InvalidEntity('ReportData', faults, entity)

const ReportIndex = z.object({ public: z.boolean().nullish(), studyIds: StudyIds, substudyIds: StudyIds })

/** What an index is to be; studies that are not told stay. */
export async function readIndex(
  c: Context<AppEnv>,
): Promise<{ isPublic: boolean; studyIds: readonly string[] | undefined }> {
  const { public: isPublic, studyIds, substudyIds } = fieldsOf(await readBody(c), ReportIndex)
  return { isPublic: isPublic ?? false, studyIds: studyIds ?? substudyIds ?? undefined }
}
