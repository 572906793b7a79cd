// A session that is limited to a source, in what no protocol that has such sessions does.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { getApiKey, listApiKeys, revokeApiKey, rotateApiKey } from '../../src/domain/api-keys.ts'
import { listParticipantAudit } from '../../src/domain/audit.ts'
import { leave } from '../../src/domain/departures.ts'
import { deleteDocument, getDocument, listDocuments, putDocument } from '../../src/domain/documents.ts'
import { eraseParticipant, listErasures } from '../../src/domain/erasures.ts'
import { exportParticipant } from '../../src/domain/exports.ts'
import { listFiles, updateFile } from '../../src/domain/files.ts'
import { listOwnFiles } from '../../src/domain/handles.ts'
import { listMemberFiles } from '../../src/domain/member-files.ts'
import { getParticipant } from '../../src/domain/participants.ts'
import { deleteFiles } from '../../src/domain/removals.ts'
import { deleteReport, getReport, listReports } from '../../src/domain/reports.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { beginApplicationSession } from '../../src/domain/sessions.ts'
import { beginUpload, type NewFile } from '../../src/domain/uploads.ts'
import type { FileId, Handle, ParticipantId } from '../../src/model/ids.ts'
import { idOf, outcomeOf, scopeOf } from '../support/scopes.ts'
import { seedBulk } from '../support/seed.ts'
import { aFile, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

let study: Study
let person: Participant
let app: Scope
let files: { notes: FileId; photos: FileId }

const LIVES = { idleSeconds: 3_600, seconds: 7_200 }
const PAGE = { limit: 100, cursor: undefined }
const EVERYTHING = {
  participant: 'me',
  category: undefined,
  source: undefined,
  name: undefined,
  tags: [],
  from: undefined,
  until: undefined,
} as const

async function anApplicationOf(someone: Participant, of: Study): Promise<Scope> {
  const asked = { owner: someone.id as ParticipantId, source: 'notes', lives: LIVES }
  const { token } = await beginApplicationSession(await scopeOf({ secret: someone.key, door: 'hat' }), idOf(of), asked)
  return scopeOf({ secret: token, door: 'hat' })
}

beforeAll(async () => {
  study = await aStudy()
  person = await aParticipant(study, { id: 'ada' })
  const [notes, photos] = await Promise.all(['notes', 'photos'].map(async (source) => aFile(person, study, { source })))
  files = { notes: notes?.id as FileId, photos: photos?.id as FileId }
  ok(await person.put(`${study.path}/participants/me/documents/plan`, { theirs: true }))
  app = await anApplicationOf(person, study)
})

const ID = 'ada' as ParticipantId
const NAME = { participant: 'me', identifier: 'plan' } as Parameters<typeof getDocument>[2]
const REPORT = { owner: 'me', identifier: 'steps' } as Parameters<typeof getReport>[2]
const self = async (scope: Scope) => getApiKey(scope, idOf(study), 'self')

describe('who is limited to a source', () => {
  test.each<[string, () => Promise<unknown>]>([
    ['reads no document', async () => getDocument(app, idOf(study), NAME)],
    [
      'puts no document',
      async () => putDocument(app, idOf(study), { name: NAME, data: '{"x":1}', precondition: { kind: 'none' } }),
    ],
    [
      'deletes no document',
      async () => deleteDocument(app, idOf(study), { name: NAME, precondition: { kind: 'none' } }),
    ],
    ['reads no report', async () => getReport(app, idOf(study), REPORT)],
    ['deletes no report', async () => deleteReport(app, idOf(study), REPORT)],
    ['is not told of the participant', async () => getParticipant(app, idOf(study), 'me')],
    ['exports nothing', async () => exportParticipant(app, idOf(study), { id: 'me', cursor: undefined })],
    ['erases nobody', async () => eraseParticipant(app, idOf(study), 'me')],
    ['leaves for nobody', async () => leave(app, idOf(study), 'me')],
    ['reads no audit', async () => listParticipantAudit(app, idOf(study), { participant: 'me', page: PAGE })],
    ['lists no keys', async () => listApiKeys(app, idOf(study), { participant: ID, page: PAGE })],
    ['rotates no key', async () => rotateApiKey(app, idOf(study), { id: 'self', graceSeconds: 0 })],
    ['revokes no key', async () => revokeApiKey(app, idOf(study), 'self')],
    ['lists no erasures', async () => listErasures(app, idOf(study), PAGE)],
  ])('%s', async (_, doing) => {
    expect(await outcomeOf(doing())).not.toBe('done')
    // All is as it was.
    expect(ok(await person.get(`${study.path}/participants/me/documents/plan`))).toEqual({ theirs: true })
    expect(ok(await person.get(`${study.path}/participants/me`)).status).toBe('active')
    expect(await outcomeOf(self(await scopeOf({ secret: person.key })))).toBe('done')
  })

  test('is listed nothing but files of that source', async () => {
    const list = async (query: object) => {
      const asked = { ...EVERYTHING, status: 'complete' as const, ...query }
      return (await listFiles(app, idOf(study), { query: asked, page: PAGE })).items.map(({ id }) => id)
    }
    expect(await list({})).toEqual([files.notes])
    expect(await list({ source: 'photos' })).toEqual([])
    expect(await list({ participant: undefined })).toEqual([files.notes])
    expect(await list({ q: 'hello' })).toEqual(await list({ q: 'hello', source: 'notes' }))
    const stretch = { limit: 10, offset: 0 }
    expect(await listMemberFiles(app, idOf(study), { owner: ID, stretch })).toMatchObject({ items: [], count: 0 })
    expect((await listOwnFiles(app, idOf(study), PAGE)).items).toEqual([])
    const documents = { participant: 'me', prefix: '', page: PAGE } as const
    expect((await listDocuments(app, idOf(study), documents)).items).toEqual([])
    const reports = listReports(app, idOf(study), { owner: 'me', page: PAGE })
    expect(await outcomeOf(reports)).toBe('participant_not_found')
  })

  test('moves no file to another source, and takes none over', async () => {
    const edit = async (id: FileId, source: string | null) =>
      outcomeOf(updateFile(app, idOf(study), { name: { id }, changes: { source }, revision: undefined }))
    expect(await edit(files.notes, 'photos')).toBe('forbidden')
    expect(await edit(files.notes, null)).toBe('forbidden')
    expect(await edit(files.photos, 'notes')).toBe('file_not_found')
    expect(await edit(files.notes, 'notes')).toBe('done')
    const replace = async (handle: FileId, details: NewFile['details']) =>
      outcomeOf(
        beginUpload(app, idOf(study), {
          owner: { kind: 'caller' },
          handle: String(handle) as Handle,
          content: { name: 'a.txt', mediaType: 'text/plain', size: 1, md5: null, sha256: null },
          details,
          visibility: undefined,
          doorVisibility: 'private',
          kind: undefined,
          revision: undefined,
        }),
      )
    expect(await replace(files.notes, { source: 'photos' })).toBe('forbidden')
    expect(await replace(files.notes, { source: null })).toBe('forbidden')
    expect(await replace(files.photos, { source: 'notes' })).not.toBe('done')
    expect(await replace(files.photos, {})).not.toBe('done')
    expect(await replace(files.notes, {})).toBe('done')
    expect(await replace(files.notes, { source: 'notes' })).toBe('done')
    const uploads = await env.DB.prepare('SELECT count(*) AS count FROM uploads WHERE study_id = ? AND file_id = ?')
      .bind(study.id, files.photos)
      .first('count')
    expect(uploads).toBe(0)
  })

  test('is nobody at a door that knows of no such limit, were there a session of it', async () => {
    const moved = await aParticipant(study)
    const scope = await anApplicationOf(moved, study)
    const query = { ...EVERYTHING, status: 'complete' as const }
    const listing = async (asking: Scope) => outcomeOf(listFiles(asking, idOf(study), { query, page: PAGE }))
    expect(await listing(scope)).toBe('done')
    const sql = "UPDATE sessions SET door = 'bridge' WHERE study_id = ? AND participant_id = ?"
    await env.DB.prepare(sql).bind(study.id, moved.id).run()
    expect(await listing({ ...scope, door: 'bridge' })).toBe('unauthenticated')
  })

  test('deletes none of another source among many', async () => {
    const { deleted, refused } = await deleteFiles(app, idOf(study), [files.photos])
    expect([deleted, refused]).toEqual([[], [{ id: files.photos, code: 'file_not_found' }]])
  })

  test('finds what is behind very many files of other sources', async () => {
    const [other, bulk] = [await aStudy(), 1_500]
    const someone = await aParticipant(other)
    const recipe = { owner: `'${someone.id}'`, name: `'n'`, category: `'c'`, tags: `'[]'`, visibility: `'private'` }
    await seedBulk(other, {
      from: 1,
      to: bulk,
      recipe: { ...recipe, source: `CASE WHEN i = 1 THEN 'notes' ELSE 'photos' END` },
    })
    const scope = await anApplicationOf(someone, other)
    const query = { ...EVERYTHING, status: 'complete' as const }
    const first = await listFiles(scope, idOf(other), { query, page: PAGE })
    expect([first.items.length, first.nextCursor]).toEqual([0, expect.any(String)])
    const page = { limit: 100, cursor: first.nextCursor ?? undefined }
    const second = await listFiles(scope, idOf(other), { query, page })
    expect([second.items.map(({ source }) => source), second.nextCursor]).toEqual([['notes'], null])
  })
})
