import { Hono } from 'hono'
import { pageOfParticipants } from '../../domain/participant-pages.ts'
import { findParticipant } from '../../domain/participants.ts'
import { participantNotFound } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { administration, type Place } from './callers.ts'
import { presentParticipant } from './present.ts'
import { participantsAsked } from './queries.ts'

/** Of somebody who is being erased nothing is told any more. */
async function named({ scope, study }: Place, externalId: string) {
  const found = await findParticipant(scope, study, { kind: 'externalId', externalId })
  return found?.status === 'erasing' ? undefined : found
}

const PARTICIPANTS = '/api/v1/administration/projects/:projectID/participants'

export const participants = new Hono<AppEnv>()
  .get(PARTICIPANTS, async (c) => {
    const place = administration(c)
    const { pageNumber, pageSize, participantIdentifier } = participantsAsked(c)
    if (participantIdentifier !== undefined) {
      const found = await named(place, participantIdentifier)
      const all = found === undefined ? [] : [presentParticipant(found)]
      return c.json({ totalParticipants: all.length, participants: pageNumber > 0 ? [] : all, pageNumber })
    }
    const page = await pageOfParticipants(place.scope, place.study, { number: pageNumber, size: pageSize })
    return c.json({
      totalParticipants: page.total,
      participants: page.participants.map(presentParticipant),
      pageNumber,
    })
  })
  .get(`${PARTICIPANTS}/:participantIdentifier`, async (c) => {
    const participant = await named(administration(c), c.req.param('participantIdentifier'))
    if (participant === undefined) throw participantNotFound()
    return c.json(presentParticipant(participant))
  })
