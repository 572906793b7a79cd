import type { Context } from 'hono'
import { getFile } from '../../../domain/files.ts'
import { type ReceivedFile, receiveUpload } from '../../../domain/received-uploads.ts'
import { getStudy } from '../../../domain/studies.ts'
import { editVersion, getReviewedVersion, moveVersion, type VersionOfFile } from '../../../domain/versions.ts'
import type { File, Review } from '../../../model/entities.ts'
import { fileNotFound, studyNotFound } from '../../../model/errors.ts'
import type { StudyId } from '../../../model/ids.ts'
import { isMediaType, UNKNOWN_MEDIA_TYPE } from '../../../model/media-types.ts'
import { type AppEnv, scopeOf } from '../../../wire/context.ts'
import { numbered, type Numbered } from '../access.ts'
import { type GraphqlContext, requireCaller } from './context.ts'
import { askedWrongly, Refused, saying } from './errors.ts'
import { ADMINISTRATORS, descriptionOf, fileNameOf, idIn, INVESTIGATORS, studyIn } from './mutation-arguments.ts'
import type { FileUpload } from './multipart.ts'
import { type Optional, said } from './optional.ts'

const FAILED = 'Failed to save file'

type NewVersion = Readonly<{
  file: FileUpload
  fileId?: Optional<string>
  study?: Optional<string>
  description?: Optional<string>
}>

/**
 * A version of a file, or of none yet. Whoever asks again, because an answer was lost, makes another one. The description
 * is added when the content is there: where that fails, the version is there without.
 */
export const createVersion = async (version: NewVersion, context: GraphqlContext) =>
  saying(
    {
      file_not_found: 'File does not exist.',
      // It was deleted while its new version came.
      revision_mismatch: 'File does not exist.',
      upload_not_found: 'File does not exist.',
      study_not_found: 'Study matching query does not exist.',
      overloaded: FAILED,
    },
    create(version, context),
  )

async function create({ file, ...asked }: NewVersion, context: GraphqlContext) {
  requireCaller(context)
  const { c } = context
  const [fileId, study] = [said(asked.fileId), said(asked.study)]
  if (fileId === undefined && study === undefined) throw askedWrongly('Either a file or study must be specified')
  // Whoever may not is told so before much of the content has come.
  const place = fileId === undefined ? await draftIn(c, study ?? '') : await versionOf(c, fileId)
  const description = said(asked.description)
  const version = await receive(c, {
    place,
    file,
    description: description === undefined ? undefined : descriptionOf(description),
  })
  return { success: true, version }
}

type Place = Readonly<{ study: StudyId; file: Pick<ReceivedFile, 'owner' | 'handle' | 'draft'> }>

async function draftIn(c: Context<AppEnv>, study: string): Promise<Place> {
  const id = studyIn(study)
  if (id === undefined) throw studyNotFound()
  await getStudy(scopeOf(c, { admits: INVESTIGATORS }), id)
  return { study: id, file: { owner: { kind: 'study' }, draft: true } }
}

async function versionOf(c: Context<AppEnv>, kfId: string): Promise<Place> {
  const { study, number } = await numbered(c, kfId, 'SF')
  const asked = getFile(scopeOf(c, { admits: INVESTIGATORS }), study, { number })
  const { draft, handle, owner } = await saying({ study_not_found: 'File does not exist.' }, asked)
  // Content that nobody has made a file of is no file here.
  if (draft) throw fileNotFound()
  return { study, file: { owner: ownerOf(owner), handle } }
}

const ownerOf = (owner: File['owner']): ReceivedFile['owner'] =>
  owner === null ? { kind: 'study' } : { kind: 'participant', id: owner }

async function receive(
  c: Context<AppEnv>,
  { place, file, description }: { place: Place; file: FileUpload; description: string | undefined },
): Promise<VersionOfFile> {
  const scope = scopeOf(c, { admits: INVESTIGATORS })
  const { filename, mediaType } = file
  const { version } = await receiveUpload(scope, place.study, {
    file: {
      ...place.file,
      name: fileNameOf(filename),
      mediaType: mediaType !== null && isMediaType(mediaType) ? mediaType : UNKNOWN_MEDIA_TYPE,
      details: {},
      doorVisibility: 'study',
    },
    bytes: file.bytes(),
  })
  return description === undefined
    ? getReviewedVersion(scope, place.study, version)
    : editVersion(scope, place.study, { version, changes: { description } })
}

type VersionChanges = Readonly<{
  kfId: string
  description?: Optional<string>
  state?: Optional<Review>
  file?: Optional<string>
}>

/**
 * Moves a version first, then says of it what is new; what is as it is asked for already is left alone. So whoever asks
 * again has done what was left to do.
 */
export const updateVersion = async (changes: VersionChanges, context: GraphqlContext) =>
  saying(
    {
      version_not_found: 'Version does not exist.',
      study_not_found: 'Version does not exist.',
      file_not_found: 'File does not exist.',
    },
    update(changes, context),
  )

async function update({ kfId, ...asked }: VersionChanges, context: GraphqlContext) {
  requireCaller(context)
  const { c } = context
  const { study, number } = await numbered(c, kfId, 'FV')
  const found = await getReviewedVersion(scopeOf(c, { admits: INVESTIGATORS }), study, number)
  const { description, review } = changesOf(found, asked)
  const scope = scopeOf(c, { admits: review === undefined ? INVESTIGATORS : ADMINISTRATORS })
  // Who may not say what is asked has not moved anything either.
  if (review !== undefined) await getReviewedVersion(scope, study, number)
  const file = said(asked.file)
  const version = file === undefined ? found : await move(c, { study, number }, file)
  if (description === undefined && review === undefined) return { version }
  return { version: await editVersion(scope, study, { version: number, changes: { description, review } }) }
}

function changesOf({ version }: VersionOfFile, asked: Pick<VersionChanges, 'description' | 'state'>) {
  const description = said(asked.description)
  const review = asked.state ?? undefined
  return {
    description:
      description === undefined || description === version.description ? undefined : descriptionOf(description),
    review: review === version.review ? undefined : review,
  }
}

async function move(c: Context<AppEnv>, { study, number }: Numbered, file: string): Promise<VersionOfFile> {
  const target = await numbered(c, idIn(file, 'FileNode'), 'SF')
  if (target.study !== study) throw fileNotFound()
  return moveVersion(scopeOf(c, { admits: INVESTIGATORS }), study, { version: number, to: target.number })
}

type TemplateMatch = Readonly<{ input: Readonly<{ fileVersion: string; study: string }> }>

/** There are no templates, so nothing is looked into; whoever may not see the version learns nothing of it. */
export async function evaluateTemplateMatch({ input }: TemplateMatch, context: GraphqlContext) {
  const [version, study] = [idIn(input.fileVersion, 'VersionNode'), idIn(input.study, 'StudyNode')]
  const noVersion = `File ${version} does not exist`
  return saying({ version_not_found: noVersion, study_not_found: noVersion }, evaluate(context, { version, study }))
}

async function evaluate(context: GraphqlContext, { version, study }: { version: string; study: string }) {
  requireCaller(context)
  const found = await numbered(context.c, version, 'FV')
  await getReviewedVersion(context.scope, found.study, found.number)
  if (found.study !== study) throw new Refused('study_not_found', `Study ${study} does not exist`)
  return { results: [] }
}
