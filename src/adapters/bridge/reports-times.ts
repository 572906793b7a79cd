import type { Context } from 'hono'
import { addDays, dateIn } from '../../domain/calendar.ts'
import type { EntryKey } from '../../model/report-entries.ts'
import type { AppEnv } from '../../wire/context.ts'
import { isBlank } from './bodies.ts'
import { badRequest } from './errors.ts'

// Bridge tells dates and moments in text: a moment with milliseconds and the zone that it was asked for in.

/** Where upstream's servers had their midnights. */
const SERVERS_ZONE = 'America/Los_Angeles'
const MAX_RANGE_DAYS = 45
const DEFAULT_DAYS = 14
const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

const DATE = /^\d{4}-\d\d-\d\d$/
const DATE_TIME =
  /^(\d{4}-\d\d-\d\d)T((?:[01]\d|2[0-3]):[0-5]\d)(?::([0-5]\d)(?:[.,](\d+))?)?(?:Z|([+-])([01]\d|2[0-3]):?([0-5]\d)?)?$/
const FOUR_DIGIT_YEAR = /^\d{4}-/

/** A moment, and how many minutes the zone is ahead of UTC that it was written in. */
export type Zoned = Readonly<{ time: number; offset: number }>

const isDate = (text: string): boolean => DATE.test(text) && isDay(text)
const isDay = (date: string) => {
  const time = Date.parse(`${date}T00:00:00.000Z`)
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(date)
}

/**
 * Undefined: it is no moment, or none that can be told in UTC with a year of four digits. What is finer than a millisecond
 * is cut off, and without a zone UTC is meant, as upstream has it.
 */
function momentOf(text: string): Zoned | undefined {
  const [, date, hourAndMinute, second = '00', fraction = '', sign, hours = '0', minutes = '0'] =
    DATE_TIME.exec(text) ?? []
  if (date === undefined || !isDay(date)) return undefined
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  const local = Date.parse(`${date}T${hourAndMinute}:${second}.${fraction.slice(0, 3).padEnd(3, '0')}Z`)
  const time = local - offset * MINUTE_MS
  return FOUR_DIGIT_YEAR.test(new Date(time).toISOString()) ? { time, offset: offset === 0 ? 0 : offset } : undefined
}

const two = (count: number) => String(count).padStart(2, '0')

/** A moment as Bridge writes it. */
export function writeMoment({ time, offset }: Zoned): string {
  const [local = ''] = new Date(time + offset * MINUTE_MS).toISOString().split('Z')
  const ahead = Math.abs(offset)
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(ahead / 60))}:${two(ahead % 60)}`
  // A year of five digits has a sign only in JavaScript.
  return `${local.replace(/^\+0*/, '')}${offset === 0 ? 'Z' : zone}`
}

/** The key of an entry, from either form that a date is written in. */
export function keyOf(text: string): EntryKey | undefined {
  if (isDate(text)) return { kind: 'date', at: text }
  const moment = momentOf(text)
  return moment && { kind: 'instant', at: new Date(moment.time).toISOString() }
}

/** @throws DomainError `invalid_request` */
export function keyInPath(c: Context<AppEnv>): EntryKey {
  const text = c.req.param('date')
  if (isBlank(text)) throw badRequest('Date of report record is required')
  const key = keyOf(text)
  if (key === undefined) throw badRequest(`${text} is not a ${text.includes('T') ? 'DateTime' : 'LocalDate'} value`)
  return key
}

function dateAsked(c: Context<AppEnv>, parameter: string): string | undefined {
  const text = c.req.query(parameter)
  if (isBlank(text)) return undefined
  if (!isDate(text)) throw badRequest(`${text} is not a LocalDate value`)
  return text
}

/** @throws DomainError `invalid_request` in Bridge's words */
export function datesAsked(c: Context<AppEnv>): Readonly<{ startDate: string; endDate: string }> {
  const today = dateIn(SERVERS_ZONE, c.var.now)
  const startDate = dateAsked(c, 'startDate') ?? addDays(today, -1)
  const endDate = dateAsked(c, 'endDate') ?? today
  if (startDate > endDate) throw badRequest(`Start date ${startDate} can't be after end date ${endDate}`)
  if (Date.parse(endDate) - Date.parse(startDate) > MAX_RANGE_DAYS * DAY_MS) {
    throw badRequest(`Date range cannot exceed ${MAX_RANGE_DAYS} days, startDate=${startDate}, endDate=${endDate}`)
  }
  return { startDate, endDate }
}

function momentAsked(c: Context<AppEnv>, parameter: string): Zoned | undefined {
  const text = c.req.query(parameter)
  if (isBlank(text)) return undefined
  const moment = momentOf(text)
  if (moment === undefined) throw badRequest(`${text} is not a DateTime value`)
  return moment
}

/** @throws DomainError `invalid_request` in Bridge's words */
export function timesAsked(c: Context<AppEnv>): Readonly<{ startTime: Zoned; endTime: Zoned }> {
  const startTime = momentAsked(c, 'startTime')
  const endTime = momentAsked(c, 'endTime')
  if (startTime === undefined && endTime === undefined) {
    const now = c.var.now.getTime()
    return { startTime: { time: now - DEFAULT_DAYS * DAY_MS, offset: 0 }, endTime: { time: now, offset: 0 } }
  }
  if (startTime === undefined || endTime === undefined) {
    throw badRequest('Only one date of a date range provided (both startTime and endTime required)')
  }
  if (startTime.time > endTime.time) throw badRequest('startTime later in time than endTime')
  if (startTime.offset !== endTime.offset) throw badRequest('startTime and endTime must be in the same time zone')
  return { startTime, endTime }
}
