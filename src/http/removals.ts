import { z } from '@hono/zod-openapi'
import { deleteFiles, deleteOwnedFiles } from '../domain/removals.ts'
import { scopeOf } from '../wire/context.ts'
import { FileName } from './file-shapes.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { FileIdText, ParticipantRef, StudyPath } from './schemas.ts'

const MAX_IDS = 100

const Owner = z
  .union([ParticipantRef, z.null()])
  .openapi({ description: "Whose they are: a participant's; null: the study's own." })

const Files = z
  .union([
    z.strictObject({
      ids: z
        .array(FileIdText)
        .min(1)
        .max(MAX_IDS)
        .refine((ids) => new Set(ids).size === ids.length, 'Each id once.'),
    }),
    z.strictObject({ name: FileName, participant: Owner.optional() }),
    z.strictObject({ participant: Owner, all: z.literal(true) }),
  ])
  .openapi({
    description: "Which: by id; an owner's of exactly this name, by default the caller's own; all of an owner.",
  })

const Removed = z
  .object({
    deleted: z.array(z.object({ id: z.string(), name: z.string() })),
    refused: z
      .array(
        z.object({
          id: z.string(),
          code: z.enum(['file_not_found', 'forbidden', 'participant_withdrawn']),
        }),
      )
      .openapi({ description: 'Of the ids that were asked for, those that did not go, and why.' }),
    more: z.boolean().openapi({ description: 'Whether there are files left that are meant: ask again.' }),
  })
  .openapi('RemovedFiles', {
    example: {
      deleted: [{ id: 'fil_01k9z3m8qe5w7v2n4h6j8k0r2t', name: 'notes.txt' }],
      refused: [{ id: 'fil_01k9z3m8qe5w7v2n4h6j8k0r2v', code: 'file_not_found' }],
      more: false,
    },
  })

const remove = operation(
  {
    method: 'post',
    path: '/studies/{study}/files:delete',
    operationId: 'deleteFiles',
    summary: 'Delete several files with all their versions, uploads and links',
    description:
      'Each goes whole or not at all, and one that may not be deleted keeps none of the others. A call deletes 200 at ' +
      'most: repeat it until `more` is false. Asking again for what went deletes nothing.',
    tags: ['Files'],
    request: { params: StudyPath, body: jsonBody(Files, { ids: ['fil_01k9z3m8qe5w7v2n4h6j8k0r2t'] }) },
    responses: { 200: answer('What went; its bytes follow.', Removed) },
  },
  { problems: ['forbidden', 'study_not_found', 'participant_not_found', 'participant_withdrawn'] },
)

export const removals = newRouter().openapi(remove, async (c) => {
  const [scope, { study }, asked] = [scopeOf(c), c.req.valid('param'), c.req.valid('json')]
  const { deleted, refused, more } =
    'ids' in asked
      ? await deleteFiles(scope, study, asked.ids)
      : await deleteOwnedFiles(scope, study, {
          participant: asked.participant,
          name: 'name' in asked ? asked.name : undefined,
        })
  return c.json({ deleted: deleted.map(({ id, name }) => ({ id, name })), refused: [...refused], more }, 200)
})
