import type { Context, Handler } from 'hono'
import { getContent, redirectToContent } from '../../domain/content.ts'
import { asAttachment, type Opened, openWithFileKey, studyNumberOf } from '../../domain/file-keys.ts'
import { getFile } from '../../domain/files.ts'
import { studyOfNumber } from '../../domain/studies.ts'
import type { File } from '../../model/entities.ts'
import { DomainError, type ErrorCode } from '../../model/errors.ts'
import type { StudyId } from '../../model/ids.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { limitCallers } from '../../wire/rate-limits.ts'
import { recordRefusal } from '../../wire/refusals.ts'
import { tell, tellHtml } from './answers.ts'
import { notFound } from './errors.ts'
import { presentFile, withPath } from './present.ts'

/** How long the URL is good that a download is redirected to. */
const URL_SECONDS = 600

const NOT_AUTHORIZED = '<h1>You are not authorized to view this file.</h1>'
const UNAVAILABLE = '<h1>This file is unavailable.</h1>'

/** What a holder of a good key is told apart from who has none. */
const GONE: readonly ErrorCode[] = ['file_not_found', 'content_missing', 'version_not_found']
/** Whose file it is not to see, or whose key has ended. */
const REFUSED: readonly ErrorCode[] = ['unauthenticated', 'forbidden', 'participant_withdrawn', 'study_not_found']

/** The number of a file; undefined for what can be none. */
function fileInPath(c: Context<AppEnv>): number | undefined {
  const id = c.req.param('id') ?? ''
  return /^\d{1,13}$/.test(id) ? Number(id) : undefined
}

/** The study that a file's number names, for whoever shows nothing: they are counted by where they come from. */
async function studyOfFile(c: Context<AppEnv>, file: number): Promise<StudyId> {
  await limitCallers(c, async () => undefined)
  const study = await studyOfNumber(scopeOf(c), studyNumberOf(file))
  if (study === undefined) throw notFound()
  return study
}

/** By a key, else as anyone may who knows the number: what is public. */
async function open(c: Context<AppEnv>, file: number): Promise<Opened> {
  const key = c.req.query('key')
  const scope = scopeOf(c)
  if (key !== undefined && key !== '') return openWithFileKey(scope, { file, key })
  const study = await studyOfFile(c, file)
  return { scope, content: await getContent(scope, study, { file: { number: file }, version: undefined }) }
}

/** A file, to whoever has a URL that a list told. */
export const download: Handler<AppEnv> = async (c) => {
  const file = fileInPath(c)
  if (file === undefined) return tellHtml(c, NOT_AUTHORIZED, 403)
  try {
    const { scope, content } = await open(c, file)
    const method = c.req.method === 'HEAD' ? 'HEAD' : 'GET'
    const url = await redirectToContent(scope, asAttachment(content), { method, seconds: URL_SECONDS })
    return c.redirect(withPath(url, content.file), 302)
  } catch (failure) {
    return tellHtml(c, refusalOf(c, failure), 403)
  }
}

/** What is told of a failure that is a refusal; who has no good key learns nothing of what there is. */
function refusalOf(c: Context<AppEnv>, failure: unknown): string {
  if (!(failure instanceof DomainError)) throw failure
  recordRefusal(c, failure)
  if (REFUSED.includes(failure.code)) return NOT_AUTHORIZED
  if (!GONE.includes(failure.code)) throw failure
  return (c.req.query('key') ?? '') === '' ? NOT_AUTHORIZED : UNAVAILABLE
}

/** A file that everyone may see who knows its number. */
export const publicFile: Handler<AppEnv> = async (c) => {
  const number = fileInPath(c)
  if (number === undefined) throw notFound()
  const { file, metadata } = await publicOf(c, number)
  return tell(c, presentFile({ file, metadata }, { origin: new URL(c.req.url).origin, key: undefined }))
}

async function publicOf(c: Context<AppEnv>, number: number): Promise<{ file: File; metadata: string | null }> {
  try {
    const file = await getFile(scopeOf(c), await studyOfFile(c, number), { number })
    if (file.content.status === 'complete') {
      return { file, metadata: file.metadata && JSON.stringify(file.metadata) }
    }
  } catch (failure) {
    if (!(failure instanceof DomainError) || ![...GONE, ...REFUSED].includes(failure.code)) throw failure
  }
  throw notFound()
}

/** Carrel lists nothing across studies: what is public is for those who know its number. */
export const noneListed: Handler<AppEnv> = (c) => tell(c, { count: 0, next: null, previous: null, results: [] })
