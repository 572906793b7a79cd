import { z } from 'zod'
import { AUDIT_ACTIONS } from './audit.ts'
import type { ErasureId, ParticipantId, StudyId } from './ids.ts'
import { DOORS } from './principal.ts'

// What the queue of jobs carries: ids and nothing else. A message may come twice, late or never.

const study = z.string().transform((id) => id as StudyId) // written by Carrel
/** Something to put on record that wrote nothing to the database: a read of content, or a refusal. */
const Witnessed = z.object({
  kind: z.literal('witnessed'),
  study,
  /** Made when it was seen, so that a message that comes twice is one event. */
  id: z.string(),
  at: z.number().int(),
  door: z.enum(DOORS),
  action: z.enum(AUDIT_ACTIONS),
  outcome: z.enum(['done', 'denied']),
  /** As in the caller's row: `participant:<id>`, `key:<id>`, `member:<id>`, … ; kept as a pseudonym. */
  actor: z.string(),
  through: z.string().nullable(),
  /** The participant whose thing it is, or the file that tells; both null: the study's own. */
  owner: z.string().nullable(),
  file: z.string().nullable(),
  object: z.string().nullable(),
  /** Where the thing turns out to be the actor's own, nothing was refused: it is just not there. */
  unlessOwn: z.boolean(),
})
/** An erasure that has a step to go. */
const ErasureDue = z.object({
  kind: z.literal('erasure'),
  study,
  erasure: z.string().transform((id) => id as ErasureId), // written by Carrel
})
/** Somebody who has left and has files that are still to become private. */
const DepartureDue = z.object({
  kind: z.literal('departure'),
  study,
  participant: z.string().transform((id) => id as ParticipantId), // written by Carrel
})

export const JobMessage = z.discriminatedUnion('kind', [Witnessed, ErasureDue, DepartureDue])
export type JobMessage = z.infer<typeof JobMessage>
export type Witnessed = z.infer<typeof Witnessed>
