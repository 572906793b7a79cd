import { z } from '@hono/zod-openapi'
import { moveStudy } from '../domain/moves.ts'
import { MOVE_STATES } from '../model/moves.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { StudyPath } from './schemas.ts'

const MoveOut = z
  .object({
    study: z.string(),
    database: z.number().int().openapi({ description: 'Which one serves it now.' }),
    state: z.enum(MOVE_STATES).openapi({
      description: '`here`: the move is over. Until then, ask again. `clearing`: only what it has left is still to go.',
    }),
    copied: z.number().int().openapi({ description: 'Rows that were copied so far.' }),
    verified: z.number().int().openapi({ description: 'Rows whose copies were held against them so far.' }),
    stoodStillMs: z.number().int().nullable().openapi({
      description: 'How long its requests had to wait, where it has just moved.',
    }),
    differs: z.string().nullable().openapi({
      description: 'A table whose copy is not what it is a copy of. Such a study is not moved.',
    }),
  })
  .openapi('Move', {
    example: {
      study: 'SD_DEM0DEM0',
      database: 0,
      state: 'copying',
      copied: 51_233,
      verified: 0,
      stoodStillMs: null,
      differs: null,
    },
  })

const move = operation(
  {
    method: 'post',
    path: '/studies/{study}/move',
    operationId: 'moveStudy',
    summary: 'Move a study to another database, step by step, while it is in use',
    description:
      'For the operator. Each request does a bounded part, so it is sent again until the answer is `here`, by whomever: ' +
      'a move that nobody goes on with harms nothing. To stay where it is, ask for that database. ' +
      '`npm run admin -- move-study` does this.',
    tags: ['Studies'],
    request: {
      params: StudyPath,
      body: jsonBody(
        z.strictObject({
          database: z.number().int().min(0).max(9_999).openapi({ description: '0 is `DB`, 1 is `DB_1`, and so on.' }),
        }),
        { database: 0 },
      ),
    },
    responses: { 200: answer('How far it is.', MoveOut) },
  },
  { problems: ['forbidden', 'study_not_found'] },
)

export const moves = newRouter().openapi(move, async (c) => {
  const { study } = c.req.valid('param')
  return c.json(await moveStudy(scopeOf(c), study, c.req.valid('json').database), 200)
})
