import { env } from 'cloudflare:workers'

/** Somebody who has left and whose files nobody makes private. */
export const departing = (study: string, participant: string) =>
  env.DB.prepare('INSERT INTO departures (study_id, participant_id, left_at, due_at) VALUES (?, ?, 0, 9e15)').bind(
    study,
    participant,
  )
