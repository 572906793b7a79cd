import { z } from '@hono/zod-openapi'
import { eraseParticipant, eraseStudy, getErasure, listErasures, replayErasures } from '../domain/erasures.ts'
import { ERASED_THINGS, type Erasure, ERASURE_KINDS, ERASURE_STATES } from '../model/erasures.ts'
import { DEFAULT_LIMIT, mapPage, MAX_LIMIT } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  ErasureIdText,
  instantOrNull,
  InstantOut,
  PageQuery,
  pageRequest,
  pageSchema,
  ParticipantRef,
  StudyIdText,
  StudyPath,
} from './schemas.ts'

const tags = ['Erasure']

const exampleCounts = {
  participants: 0,
  files: 212,
  versions: 230,
  uploads: 1,
  links: 3,
  grants: 4,
  documents: 12,
  reports: 2,
  entries: 730,
  keys: 2,
  members: 0,
  enrolmentCodes: 1,
}
const ErasureOut = z
  .object({
    id: z.string(),
    study: z.string(),
    kind: z.enum(ERASURE_KINDS),
    participant: z.string().nullable().openapi({
      description: "Told to admins and the operator until it is done. Null for a study's, and ever after.",
    }),
    state: z.enum(ERASURE_STATES).openapi({
      description:
        '`erasing`: rows are going. `deleting`: only bytes are left, which are deleted for as long as an upload URL ' +
        'could bring them back, and a day more. `done`: nothing is left but this receipt.',
    }),
    counts: z.object(Object.fromEntries(ERASED_THINGS.map((thing) => [thing, z.number().int()]))).openapi({
      description: 'What has gone so far.',
    }),
    requestedAt: InstantOut,
    doneAt: InstantOut.nullable(),
  })
  .openapi('Erasure', {
    description: 'The receipt of what was erased, or is being.',
    example: {
      id: 'era_01k9z3m8qe5w7v2n4h6j8k0r2t',
      study: 'SD_DEM0DEM0',
      kind: 'participant',
      participant: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10',
      state: 'deleting',
      counts: exampleCounts,
      requestedAt: '2026-11-21T08:30:00.000Z',
      doneAt: null,
    },
  })

const ErasurePage = pageSchema('ErasurePage', ErasureOut)

const presentErasure = ({ id, study, kind, participant, state, counts, requestedAt, doneAt }: Erasure) => ({
  id,
  study,
  kind,
  participant,
  state,
  counts: { ...counts },
  requestedAt: requestedAt.toISOString(),
  doneAt: instantOrNull(doneAt),
})

const accepted = {
  202: {
    ...answer('It has begun, or was under way: the receipt.', ErasureOut),
    headers: z.object({
      Location: z.string().openapi({
        description: 'Where the receipt is.',
        example: '/v1/studies/SD_DEM0DEM0/erasures/era_01k9z3m8qe5w7v2n4h6j8k0r2t',
      }),
    }),
  },
}
const locationOf = ({ study, id }: Erasure) => `/v1/studies/${encodeURIComponent(study)}/erasures/${id}`

const ofParticipant = operation(
  {
    method: 'delete',
    path: '/studies/{study}/participants/{participant}',
    operationId: 'eraseParticipant',
    summary: 'Erase a participant, or oneself, with everything of theirs',
    description:
      'From the answer on nothing of theirs is seen or written, and their keys, memberships, codes and links are good ' +
      'for nothing, the one that this was asked with included. What there is goes step by step; the receipt tells how ' +
      'far it is. Asked again while it goes on, it answers the same receipt. The id is free again when it is done.',
    tags,
    request: { params: z.object({ study: StudyIdText, participant: ParticipantRef }) },
    responses: accepted,
  },
  { problems: ['forbidden', 'study_not_found', 'participant_not_found'] },
)

const ofStudy = operation(
  {
    method: 'delete',
    path: '/studies/{study}',
    operationId: 'eraseStudy',
    summary: 'Erase a study with everything in it (operator)',
    description:
      'From the answer on the study is not there, and none of its keys, memberships and links is good for anything. ' +
      'Asked again while it goes on, it answers the same receipt. The id is free again when it is done.',
    tags,
    request: { params: StudyPath },
    responses: accepted,
  },
  { problems: ['forbidden', 'study_not_found'] },
)

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}/erasures/{erasure}',
    operationId: 'getErasure',
    summary: 'Read the receipt of an erasure',
    description:
      'For whoever has its id, with a key or without, since those who erase themselves have none any more: a receipt ' +
      'says nothing of anybody. The study may be gone by now.',
    tags,
    request: { params: z.object({ study: StudyIdText, erasure: ErasureIdText }) },
    responses: { 200: answer('The receipt.', ErasureOut) },
  },
  { problems: ['erasure_not_found'], door: 'anyone' },
)

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/erasures',
    operationId: 'listErasures',
    summary: 'List erasures, latest first',
    tags,
    request: { params: StudyPath, query: z.strictObject(PageQuery) },
    responses: { 200: answer('A page.', ErasurePage) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const replay = operation(
  {
    method: 'post',
    path: '/erasures:replay',
    operationId: 'replayErasures',
    summary: 'Erase again what the receipts outside of the database say, after that was put back (operator)',
    description:
      'Looks at `limit` receipts, and answers with those of whoever is there again: their erasures have begun anew, ' +
      'under their old ids. Repeat it with `nextCursor` until that is null; a page may be empty before. The same again ' +
      'changes nothing.',
    tags,
    request: {
      body: jsonBody(
        // In a body a number is one.
        z.strictObject({ ...PageQuery, limit: z.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT) }),
        { limit: DEFAULT_LIMIT },
      ),
    },
    responses: { 200: answer('The erasures that were begun anew.', ErasurePage) },
  },
  { problems: ['forbidden', 'cursor_invalid'] },
)

export const erasures = newRouter()
  .openapi(ofParticipant, async (c) => {
    const { study, participant } = c.req.valid('param')
    const erasure = await eraseParticipant(scopeOf(c), study, participant)
    return c.json(presentErasure(erasure), 202, { Location: locationOf(erasure) })
  })
  .openapi(ofStudy, async (c) => {
    const erasure = await eraseStudy(scopeOf(c), c.req.valid('param').study)
    return c.json(presentErasure(erasure), 202, { Location: locationOf(erasure) })
  })
  .openapi(get, async (c) => {
    const { study, erasure } = c.req.valid('param')
    return c.json(presentErasure(await getErasure(scopeOf(c), study, erasure)), 200)
  })
  .openapi(list, async (c) => {
    const page = await listErasures(scopeOf(c), c.req.valid('param').study, pageRequest(c.req.valid('query')))
    return c.json(mapPage(page, presentErasure), 200)
  })
  .openapi(replay, async (c) => {
    const page = await replayErasures(scopeOf(c), pageRequest(c.req.valid('json')))
    return c.json(mapPage(page, presentErasure), 200)
  })
