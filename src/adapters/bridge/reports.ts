import { Hono } from 'hono'
import type { AppEnv } from '../../wire/context.ts'
import { participantReports } from './reports-of-participant.ts'
import { reportsOfParts } from './reports-of-part.ts'
import { studyReports } from './reports-of-study.ts'

// Reports: records by date (v3) or by time (v4, v5), of participants and of the app. What is by date is not among what is
// by time, nor the other way round. Deleting is for administrators and workers: staff read and add.
// An index that is not there is a 404, where upstream answers with no body at all, which its clients cannot read.

export const reports = new Hono<AppEnv>()
  .route('/', participantReports)
  .route('/', reportsOfParts)
  .route('/', studyReports)
