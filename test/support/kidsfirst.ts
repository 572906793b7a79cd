import { createDownloadKey } from '../../src/domain/download-keys.ts'
import { downloadPath } from '../../src/adapters/kidsfirst/ids.ts'
import type { StudyId } from '../../src/model/ids.ts'
import type { Caller } from './client.ts'
import { idOf, scopeOf } from './scopes.ts'
import { aFile, ok, type Study } from './world.ts'

/** Where a file of a study is, whatever study it is of. */
export const pathOf = (study: { id: string }, file: { number: number }, version?: { number: number }): string =>
  downloadPath(study.id as StudyId, { file: file.number, version: version?.number }) // what a study was made with

/** A file of the study's own, as the native API tells it. */
export const aStudyFile = async (study: Study, file: object = {}, bytes?: string) =>
  aFile(study.staff, study, { participant: null, name: 'data.csv', mediaType: 'text/csv', ...file }, bytes)

const operatorScope = async () => ({
  ...(await scopeOf({ door: 'kidsfirst' })),
  credential: { kind: 'operator' } as const,
})

/** Whoever may make a study's tokens or, as the operator, those of all studies. */
export const tokenMaker = async (study: Study | undefined) =>
  study === undefined
    ? { scope: await operatorScope(), study }
    : { scope: await scopeOf({ secret: study.admin.key, door: 'kidsfirst' }), study: idOf(study) }

/** A developer's token, of a study or of all: what it is shown as is for the test to say. */
export async function aDevToken(study: Study | undefined, name: string): Promise<string> {
  const { scope, study: of } = await tokenMaker(study)
  return (await createDownloadKey(scope, of, name)).secret
}

/** A URL that works once, as the team is told it. */
export const aSignedUrl = async (caller: Caller, path: string): Promise<string> =>
  ok(await caller.get(path.replace('/download/', '/signed-url/'))).url

/** What is sent with a token in the header. */
export const withToken = (token: string) => ({ Authorization: `Token ${token}` })
