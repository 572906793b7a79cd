import { createDownloadKey, deleteDownloadKey } from '../../../domain/download-keys.ts'
import { issueFileToken } from '../../../domain/file-tokens.ts'
import { NO_STUDY } from '../../../model/ids.ts'
import { scopeOf } from '../../../wire/context.ts'
import { NOTHING, numbered } from '../access.ts'
import { downloadPath, numberOf } from '../ids.ts'
import { SIGNED_URL_SECONDS, SIGNERS } from '../signed-urls.ts'
import { type GraphqlContext, requireCaller } from './context.ts'
import { saying } from './errors.ts'
import { studyIn } from './mutation-arguments.ts'
import { type Optional, said } from './optional.ts'
import { requireTokens } from './tokens.ts'

const NOT_SIGNED = 'Not authenticated to generate a url.'
const NO_FILE = 'No file exists with given ID'
const NO_VERSION = 'No version exists with given ID'
const NO_NAME = "{'name': ['Ensure this value has 1 to 100 characters, and no control characters.']}"

type SignedUrl = Readonly<{ studyId: string; fileId: string; versionId?: Optional<string> }>

/**
 * A link that downloads a version once, by whom has it. It is for whoever may download the file, in the study that was
 * said; whoever asks again has another one.
 */
export const signedUrl = async (asked: SignedUrl, context: GraphqlContext) =>
  saying(
    {
      unauthenticated: NOT_SIGNED,
      forbidden: NOT_SIGNED,
      file_not_found: NO_FILE,
      study_not_found: NO_FILE,
      version_not_found: NO_VERSION,
      content_missing: NO_VERSION,
    },
    sign(asked, context),
  )

async function sign({ studyId, fileId, versionId }: SignedUrl, context: GraphqlContext) {
  requireCaller(context)
  const { study, number } = await numbered(context.c, fileId, 'SF')
  const id = said(versionId)
  const { token, file, version } = await issueFileToken(
    scopeOf(context.c, { admits: SIGNERS }),
    // What is not of the study that was said is nowhere.
    studyIn(studyId) === study ? study : NO_STUDY,
    {
      file: number,
      version: id === undefined ? undefined : (numberOf(id, 'FV') ?? NOTHING),
      seconds: SIGNED_URL_SECONDS,
    },
  )
  return {
    url: `${downloadPath(study, { file: file.number, version: version.number })}?token=${token}`,
    file,
  }
}

/** It is told once. Whoever lost it deletes it and makes another one: asked again, its name is taken. */
export async function createDevToken({ name }: { name: string }, context: GraphqlContext) {
  const { scope, study } = await requireTokens(context)
  const { key, secret } = await saying({ invalid_body: NO_NAME }, createDownloadKey(scope, study, name))
  return { token: { key, secret } }
}

/** Whoever asks again is told that there is no such token. */
export async function deleteDevToken({ name }: { name: string }, context: GraphqlContext) {
  const { scope, study } = await requireTokens(context)
  await deleteDownloadKey(scope, study, name)
  return { success: true, name }
}
