import type { Context, MiddlewareHandler } from 'hono'
import { failedWith, unauthenticated } from '../../model/errors.ts'
import { NO_STUDY, type StudyId } from '../../model/ids.ts'
import type { Credential } from '../../model/principal.ts'
import type { Named } from '../../domain/file-tokens.ts'
import type { AppEnv } from '../../wire/context.ts'
import { bearerOf, credentialOfToken } from '../../wire/credentials.ts'
import { recordRefusal } from '../../wire/refusals.ts'
import { StudyIdText } from '../../wire/shapes.ts'
import { studyNumbered } from '../../wire/studies.ts'
import { notInStudy, renderFailure } from './errors.ts'
import { numberOf, studyNumberOf } from './ids.ts'

/** What a bearer shows; who shows none, or what is none, is nobody: upstream refuses no token. */
async function credentialOf(c: Context<AppEnv>): Promise<Credential> {
  const token = bearerOf(c.req.header('Authorization') ?? '')
  if (token === undefined) return { kind: 'anonymous' }
  try {
    return await credentialOfToken(token, c.env, c.var.now)
  } catch (failure) {
    if (failedWith(failure, 'unauthenticated')) return { kind: 'anonymous' }
    throw failure
  }
}

export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set('credential', await credentialOf(c))
  await next()
}

/** The study that the number of a file or a version names; undefined: there is none. */
const studyOfNumbered = async (c: Context<AppEnv>, number: number): Promise<StudyId | undefined> =>
  studyNumbered(c, studyNumberOf(number))

/** No file and no version has it: what is no id stands for nothing, and that is told to those who may know. */
export const NOTHING = 0

/** A file or a version by its number, with the study that it would be in. */
export type Numbered = Readonly<{ study: StudyId; number: number }>

/** What an id names. What is none is asked for as well, of no study: so whoever shows nothing good is told the same. */
export async function numbered(c: Context<AppEnv>, kfId: string | undefined, kind: 'SF' | 'FV'): Promise<Numbered> {
  const number = kfId === undefined ? undefined : numberOf(kfId, kind)
  if (number === undefined) return { study: NO_STUDY, number: NOTHING }
  return { study: (await studyOfNumbered(c, number)) ?? NO_STUDY, number }
}

/** What a path names. */
export type Asked = Readonly<{ study: StudyId; named: Named }>

/** @throws DomainError `unauthenticated` for what no study can be called: nobody has a place there */
export function askedFor(c: Context<AppEnv>): Asked {
  const study = StudyIdText.safeParse(c.req.param('study'))
  if (!study.success) throw unauthenticated()
  const version = c.req.param('version')
  return {
    study: study.data,
    named: {
      file: numberOf(c.req.param('file') ?? '', 'SF') ?? NOTHING,
      version: version === undefined ? undefined : (numberOf(version, 'FV') ?? NOTHING),
    },
  }
}

/** A refusal, told apart by where the file that was asked for would be: its number says that, whether or not it is there. */
export async function whyNot(c: Context<AppEnv>, { study, named }: Asked, failure: unknown): Promise<unknown> {
  if (!failedWith(failure, 'file_not_found') || named.file === NOTHING) return failure
  return (await studyOfNumbered(c, named.file)) === study ? failure : notInStudy()
}

/** In upstream's words; that a known caller was refused goes on record. */
export function renderRefusal(failure: unknown, c: Context<AppEnv>): Response {
  recordRefusal(c, failure)
  return renderFailure(failure, c)
}
