import { z } from '@hono/zod-openapi'
import { listAudit, listParticipantAudit, type OwnEvent } from '../domain/audit.ts'
import { AUDIT_ACTIONS, type AuditEvent, DOERS } from '../model/audit.ts'
import { mapPage } from '../model/page.ts'
import { DOORS } from '../model/principal.ts'
import { scopeOf } from '../wire/context.ts'
import { summaryOf } from './audit-summaries.ts'
import { answer, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  Instant,
  InstantOut,
  PageQuery,
  pageRequest,
  pageSchema,
  ParticipantIdText,
  ParticipantRef,
  StudyIdText,
  StudyPath,
} from './schemas.ts'

const tags = ['Audit']

const commonShape = {
  id: z.string(),
  at: InstantOut,
  door: z.enum(DOORS).openapi({ description: 'The way that the request came.' }),
  action: z.enum(AUDIT_ACTIONS),
  outcome: z.enum(['done', 'denied']),
}
const exampleCommon = {
  id: 'aud_01k9z3m8qe5w7v2n4h6j8k0r2t',
  at: '2026-11-21T08:30:00.000Z',
  door: 'native',
  action: 'file.read',
  outcome: 'done',
} as const

const EventOut = z
  .object({
    ...commonShape,
    actor: z.string().openapi({
      description:
        '`participant:<id>`, `key:<id>`, `member:<id>`, `operator`, `system`, or `anonymous` for whoever had a link. ' +
        'Once a participant is erased, a pseudonym stands in place of their id.',
    }),
    through: z.string().nullable().openapi({
      description: 'The id of the key, member or link that the actor acted through; `key.issue` says who made a key.',
    }),
    participant: z.string().nullable().openapi({
      description: "Whose thing it is; null for the study's own, and once they are erased.",
    }),
    object: z.string().nullable().openapi({
      description: 'The id of the version, file, key, …; of a document, the ETag of the value.',
    }),
  })
  .openapi('AuditEvent', {
    example: {
      ...exampleCommon,
      actor: 'key:key_01k9z3m8qe5w7v2n4h6j8k0r2t',
      through: 'key_01k9z3m8qe5w7v2n4h6j8k0r2t',
      participant: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10',
      object: 'ver_01k9z3m8qe5w7v2n4h6j8k0r2t',
    },
  })

const OwnEventOut = z
  .object({
    ...commonShape,
    through: z.string().nullable().openapi({
      description: 'Which key of yours, or which link; null where it was neither.',
    }),
    who: z.enum(DOERS).openapi({
      description: 'The participant, one of the study, someone it was shared with, whoever had a link, or the service.',
    }),
    summary: z.string().openapi({ description: 'One sentence for the participant to read.' }),
  })
  .openapi('OwnAuditEvent', {
    example: {
      ...exampleCommon,
      through: null,
      who: 'team',
      summary: 'A member of the study team downloaded a file of yours.',
    },
  })

const commonOf = ({ id, at, door, action, outcome }: AuditEvent) => ({
  id,
  at: at.toISOString(),
  door,
  action,
  outcome,
})

const presentEvent = (event: AuditEvent) => {
  const { actor, through, participant, object } = event
  return { ...commonOf(event), actor, through, participant, object }
}

const presentOwnEvent = ({ event, doer }: OwnEvent) => ({
  ...commonOf(event),
  // Through which key of theirs others did it is their own affair.
  through: doer === 'you' || doer === 'link' ? event.through : null,
  who: doer,
  summary: summaryOf(event, doer),
})

/** As events tell it. What names nobody finds nothing. */
const Actor = z
  .string()
  .max(300)
  .regex(/^(participant:.+|(key|member):\w+|operator|system|anonymous)$/, 'Must be an actor, as events tell it.')
  .openapi({ example: 'key:key_01k9z3m8qe5w7v2n4h6j8k0r2t', description: 'Who acted.' })

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/audit',
    operationId: 'listAudit',
    summary: 'Who did what in a study, newest first',
    description:
      'Under several filters at most 1,000 events are looked at for a page, which may be short and still have a next one. ' +
      'What was just read or refused can take some seconds to appear. That the audit was read is not recorded.',
    tags,
    request: {
      params: StudyPath,
      query: z.strictObject({
        participant: ParticipantIdText.optional().openapi({ description: 'Whose things.' }),
        actor: Actor.optional(),
        action: z.enum(AUDIT_ACTIONS).optional().openapi({ description: 'Refusals are `access.deny`.' }),
        from: Instant.optional().openapi({ description: 'At this time or later.' }),
        until: Instant.optional().openapi({ description: 'At this time or before.' }),
        ...PageQuery,
      }),
    },
    responses: { 200: answer('A page.', pageSchema('AuditEventPage', EventOut)) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const listOwn = operation(
  {
    method: 'get',
    path: '/studies/{study}/participants/{participant}/audit',
    operationId: 'listParticipantAudit',
    summary: "Who touched a participant's things, in words that they understand, newest first",
    description: 'For the participant and for admins, who read it as the participant does.',
    tags,
    request: {
      params: z.object({ study: StudyIdText, participant: ParticipantRef }),
      query: z.strictObject(PageQuery),
    },
    responses: { 200: answer('A page.', pageSchema('OwnAuditEventPage', OwnEventOut)) },
  },
  { problems: ['study_not_found', 'participant_not_found', 'cursor_invalid'] },
)

export const audit = newRouter()
  .openapi(list, async (c) => {
    const { participant, actor, action, from, until, ...page } = c.req.valid('query')
    const query = { participant, actor, action, from, until }
    const found = await listAudit(scopeOf(c), c.req.valid('param').study, { query, page: pageRequest(page) })
    return c.json(mapPage(found, presentEvent), 200)
  })
  .openapi(listOwn, async (c) => {
    const { study, participant } = c.req.valid('param')
    const page = pageRequest(c.req.valid('query'))
    return c.json(mapPage(await listParticipantAudit(scopeOf(c), study, { participant, page }), presentOwnEvent), 200)
  })
