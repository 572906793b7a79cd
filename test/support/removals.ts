import { env } from 'cloudflare:workers'
import type { Caller } from './client.ts'
import { ok, type Study } from './world.ts'

// Deleting many files at once, and looks at what is left.

export type Gone = { deleted: { id: string; name: string }[]; refused: { id: string; code: string }[]; more: boolean }

export const bulk = (study: Study) => `${study.path}/files:delete`
export const remove = async (caller: Caller, study: Study, body: unknown): Promise<Gone> =>
  ok(await caller.post(bulk(study), body))
export const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => a.localeCompare(b))
export const idsOf = ({ deleted }: Gone) => sorted(deleted.map(({ id }) => id))
/** Which of them the study's database still holds, and what there is of versions. */
export async function rowsOf(study: Study) {
  const count = async (table: string) =>
    env.DB.prepare(`SELECT count(*) AS n FROM ${table} WHERE study_id = ?`).bind(study.id).first<number>('n')
  return {
    files: await count('files'),
    versions: await count('versions'),
    uploads: await count('uploads'),
    parts: await count('upload_parts'),
    shelf: await count('shelf'),
    grants: await count('grants'),
  }
}
export const NOTHING = { files: 0, versions: 0, uploads: 0, parts: 0, shelf: 0, grants: 0 }

export const deletions = async (study: Study) =>
  (
    await env.DB.prepare(
      `SELECT object, actor, subject FROM audit_events WHERE study_id = ? AND action = 'file.delete' ORDER BY object`,
    )
      .bind(study.id)
      .all<{ object: string; actor: string; subject: string | null }>()
  ).results
