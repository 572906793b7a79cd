import { z } from '@hono/zod-openapi'
import type { FileQuery } from '../domain/files.ts'
import { invalidBody, invalidRequest } from '../model/errors.ts'
import { DEFAULT_LIMIT, MAX_LIMIT } from '../model/page.ts'
import { FileName } from './file-shapes.ts'
import { Instant, PageQuery, ParticipantRef, text } from './schemas.ts'

// What files can be asked for by: in the query of their list, in the body of a search, and as the template of what is
// done to many at once.

const filters = {
  q: text(200)
    .optional()
    .openapi({
      description:
        'Only files that have these words, or words that begin with them, in name, title or description, ' +
        'whatever their case and accents. Parts between spaces are found anywhere, each as it is typed.',
      example: 'sleep diary',
    }),
  participant: ParticipantRef.optional().openapi({
    description: "Only whose files; `me`: one's own. Of another's, a participant finds what was shared with them.",
  }),
  externalId: text(255)
    .optional()
    .openapi({ description: 'In place of `participant`. Participants find only their own by it.' }),
  category: text(255).optional().openapi({ description: 'Only files of this category.' }),
  source: text(255).optional().openapi({ description: 'Only files from this source.' }),
  name: FileName.optional().openapi({ description: 'Only files of exactly this name.' }),
  uploadedAfter: Instant.optional().openapi({ description: 'First complete at this time or later.' }),
  uploadedBefore: Instant.optional().openapi({ description: 'First complete before this time.' }),
}
const status = z
  .enum(['complete', 'pending'])
  .default('complete')
  .openapi({ description: '`pending`: without content yet.' })
const tagList = z.array(text(100)).max(10)

export const FileListQuery = z.strictObject({
  ...filters,
  tag: z
    .preprocess((tag) => (tag === undefined || Array.isArray(tag) ? tag : [tag]), tagList.default([]))
    .openapi({
      type: 'array',
      items: { type: 'string', minLength: 1, maxLength: 100 },
      maxItems: 10,
      description: 'Repeat it for files that have them all.',
    }),
  status,
  ...PageQuery,
})

const tags = tagList.default([]).openapi({ description: 'Only files that have them all.' })

/** Complete files. An empty one would mean all of them, which nobody should say by leaving something out. */
export const FileTemplate = z
  .strictObject({ ...filters, tags })
  .refine(
    ({ tags: asked, ...others }) => asked.length > 0 || Object.values(others).some((filter) => filter !== undefined),
    'Say which files, in one way at least.',
  )
  .openapi('FileTemplate', {
    description: 'Which files, of those that have content: those that all of this is true of.',
    minProperties: 1,
  })

export const FileSearch = z.strictObject({
  ...filters,
  tags,
  status,
  ...PageQuery,
  // In a body a number is one.
  limit: z.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT).openapi({ example: DEFAULT_LIMIT }),
})

export const LISTING =
  'What the caller may find in the study, and what was shared with them, marked as `shared`. ' +
  'With `q` the latest begun come first. ' +
  'A page may be short, or even empty, and still have a next one: go on until `nextCursor` is null.'

type Filters = Omit<z.infer<typeof FileTemplate>, 'tags'> & {
  tags: readonly string[]
  status?: FileQuery['status']
}

/**
 * @param at where the filters were said, for what is wrong with them
 * @throws DomainError `invalid_request`, `invalid_body` where the participant is named in two ways
 */
export function fileQueryOf(asked: Filters, at: 'query' | '' | '/template'): FileQuery {
  const { externalId, participant, uploadedAfter, uploadedBefore, status: wanted = 'complete', ...same } = asked
  if (externalId !== undefined && participant !== undefined) {
    const error = { pointer: `${at}/externalId`, message: 'Name the participant in one way.' }
    throw at === 'query' ? invalidRequest([error]) : invalidBody([error])
  }
  return {
    q: same.q,
    status: wanted,
    category: same.category,
    source: same.source,
    name: same.name,
    participant: participantAsked(participant, externalId),
    tags: same.tags,
    from: uploadedAfter,
    until: uploadedBefore,
  }
}

function participantAsked(
  participant: z.infer<typeof ParticipantRef> | undefined,
  externalId: string | undefined,
): FileQuery['participant'] {
  if (externalId !== undefined) return { externalId }
  if (participant === undefined) return undefined
  return participant === 'me' ? 'me' : { id: participant }
}
