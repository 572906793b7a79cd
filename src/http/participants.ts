import { z } from '@hono/zod-openapi'
import {
  enrol,
  getParticipant,
  listParticipants,
  type SeenParticipant,
  updateParticipant,
} from '../domain/participants.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  InstantOut,
  PageQuery,
  pageRequest,
  pageSchema,
  ParticipantIdText,
  ParticipantRef,
  StudyIdText,
  StudyPath,
  text,
} from './schemas.ts'

const tags = ['Participants']

/** Shared with members: only foreign sign-ins use these. */
const contactShape = {
  email: z.email().max(255).nullable(),
  phone: z
    .e164('Must be a phone number in E.164, like `+15555550123`.')
    .nullable()
    .openapi({ example: '+15555550123' }),
  firstName: text(255).nullable(),
  lastName: text(255).nullable(),
}
export const newContactShape = {
  email: contactShape.email.default(null),
  phone: contactShape.phone.default(null),
  firstName: contactShape.firstName.default(null),
  lastName: contactShape.lastName.default(null),
}
const ExternalId = text(255).nullable().openapi({ description: "The study's own name for the person, unique in it." })
const Labels = z.array(text(100)).max(50)
const Number8 = z.number().int().min(10_000_000).max(99_999_999)

export const ParticipantOut = z
  .object({
    id: z.string(),
    number: z.number().int().openapi({ description: 'Eight digits, unique in the study.' }),
    externalId: z.string().nullable(),
    labels: z.array(z.string()),
    status: z.enum(['active', 'withdrawn', 'erasing']),
    createdAt: InstantOut,
    email: z.string().nullable().optional(),
    phone: z.string().nullable().optional(),
    firstName: z.string().nullable().optional(),
    lastName: z.string().nullable().optional(),
  })
  .openapi('Participant', {
    description: 'Contact fields are left out for staff.',
    example: {
      id: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10',
      number: 48_151_623,
      externalId: 'PT-001',
      labels: ['pilot'],
      status: 'active',
      createdAt: '2026-11-21T08:30:00.000Z',
      email: 'ada@example.org',
      phone: null,
      firstName: 'Ada',
      lastName: null,
    },
  })

export const presentParticipant = (participant: SeenParticipant) => {
  const { id, number, externalId, labels, status, createdAt, contact } = participant
  return {
    id,
    number,
    externalId,
    labels: [...labels],
    status,
    createdAt: createdAt.toISOString(),
    ...(contact === undefined
      ? {}
      : { email: contact.email, phone: contact.phone, firstName: contact.firstName, lastName: contact.lastName }),
  }
}

const Path = z.object({ study: StudyIdText, participant: ParticipantRef })

const create = operation(
  {
    method: 'post',
    path: '/studies/{study}/participants',
    operationId: 'enrolParticipant',
    summary: 'Enrol a participant',
    tags,
    request: {
      params: StudyPath,
      body: jsonBody(
        z.strictObject({
          id: ParticipantIdText.optional().openapi({ description: 'Chosen, or a UUID.' }),
          number: Number8.optional().openapi({ description: 'Eight digits; a random one if left out.' }),
          externalId: ExternalId.default(null),
          labels: Labels.default([]),
          ...newContactShape,
        }),
        { externalId: 'PT-001', email: 'ada@example.org', firstName: 'Ada' },
      ),
    },
    responses: { 201: answer('The participant.', ParticipantOut) },
  },
  { problems: ['forbidden', 'study_not_found', 'participant_exists', 'participant_not_found'], creates: true },
)

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/participants',
    operationId: 'listParticipants',
    summary: 'List participants, by id',
    tags,
    request: {
      params: StudyPath,
      query: z.strictObject({
        externalId: text(255).optional().openapi({ description: 'Only the one who has it.' }),
        ...PageQuery,
      }),
    },
    responses: { 200: answer('A page.', pageSchema('ParticipantPage', ParticipantOut)) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}/participants/{participant}',
    operationId: 'getParticipant',
    summary: 'Read a participant, or oneself',
    tags,
    request: { params: Path },
    responses: { 200: answer('The participant.', ParticipantOut) },
  },
  { problems: ['study_not_found', 'participant_not_found'] },
)

const update = operation(
  {
    method: 'patch',
    path: '/studies/{study}/participants/{participant}',
    operationId: 'updateParticipant',
    summary: 'Change, withdraw or take back a participant; what is left out stays',
    tags,
    request: {
      params: Path,
      body: jsonBody(
        z
          .strictObject({
            externalId: ExternalId,
            labels: Labels,
            status: z.enum(['active', 'withdrawn']).openapi({
              description: 'A withdrawn participant reads what is theirs; nothing of theirs is written any more.',
            }),
            ...contactShape,
          })
          .partial(),
        { status: 'withdrawn' },
      ),
    },
    responses: { 200: answer('The participant as it is now.', ParticipantOut) },
  },
  {
    problems: ['forbidden', 'study_not_found', 'participant_not_found', 'participant_withdrawn', 'participant_exists'],
  },
)

export const participants = newRouter()
  .openapi(create, async (c) => {
    const { id, number, externalId, labels, ...contact } = c.req.valid('json')
    const participant = await enrol(scopeOf(c), c.req.valid('param').study, { id, number, externalId, labels, contact })
    return c.json(presentParticipant(participant), 201)
  })
  .openapi(list, async (c) => {
    const { externalId, ...page } = c.req.valid('query')
    const found = await listParticipants(scopeOf(c), c.req.valid('param').study, {
      externalId,
      page: pageRequest(page),
    })
    return c.json(mapPage(found, presentParticipant), 200)
  })
  .openapi(get, async (c) => {
    const { study, participant } = c.req.valid('param')
    return c.json(presentParticipant(await getParticipant(scopeOf(c), study, participant)), 200)
  })
  .openapi(update, async (c) => {
    const { study, participant } = c.req.valid('param')
    const changes = c.req.valid('json')
    return c.json(presentParticipant(await updateParticipant(scopeOf(c), study, { id: participant, changes })), 200)
  })
