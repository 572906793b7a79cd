import { nameDraft } from '../../../domain/drafts.ts'
import { getFile, updateFile as changeFile } from '../../../domain/files.ts'
import { deleteFile as removeFile } from '../../../domain/removals.ts'
import { getReviewedVersion } from '../../../domain/versions.ts'
import { fileNotFound } from '../../../model/errors.ts'
import { scopeOf } from '../../../wire/context.ts'
import { numbered } from '../access.ts'
import { type GraphqlContext, requireCaller } from './context.ts'
import { askedWrongly, Refused, saying, type Sayings } from './errors.ts'
import type { FileType } from './file-types.ts'
import {
  ADMINISTRATORS,
  descriptionOf,
  idIn,
  INVESTIGATORS,
  INVESTIGATORS_AND_SERVICES,
  nameOf,
  studyIn,
  tagsOf,
} from './mutation-arguments.ts'
import { type Optional, said } from './optional.ts'

/** Who is of another study is told the same. */
const NO_FILE: Sayings = { file_not_found: 'File does not exist.', study_not_found: 'File does not exist.' }

type Tags = Optional<readonly (string | null)[]>

/** Nothing is checked against templates here, so there are none to name. */
function requireNoTemplate(template: Optional<string>): void {
  const id = said(template)
  if (id !== undefined) throw askedWrongly(`TemplateVersion ${idIn(id, 'TemplateVersionNode')} does not exist`)
}

type NewFile = Readonly<{
  version: string
  study?: Optional<string>
  name: string
  description: string
  fileType: FileType
  tags?: Tags
  templateVersion?: Optional<string>
}>

/**
 * Makes a file of content that was uploaded to its study; it never takes a version from another file. Whoever asks again
 * is told that the version is part of a file already: so they have one.
 */
export const createFile = async (file: NewFile, context: GraphqlContext) =>
  saying(
    { version_not_found: 'Version does not exist.', study_not_found: 'Version does not exist.' },
    create(file, context),
  )

async function create(file: NewFile, context: GraphqlContext) {
  requireCaller(context)
  const { study, number } = await numbered(context.c, idIn(file.version, 'VersionNode'), 'FV')
  const scope = scopeOf(context.c, { admits: INVESTIGATORS_AND_SERVICES })
  const wanted = said(file.study)
  if (wanted !== undefined && studyIn(wanted) !== study) {
    await getReviewedVersion(scope, study, number)
    throw new Refused('study_not_found', 'Study does not exist.')
  }
  requireNoTemplate(file.templateVersion)
  const details = {
    title: nameOf(file.name),
    description: descriptionOf(file.description),
    category: file.fileType,
    tags: tagsOf(file.tags ?? []),
  }
  return { file: await nameDraft(scope, study, { version: number, details }) }
}

type FileChanges = Readonly<{
  kfId: string
  name?: Optional<string>
  description?: Optional<string>
  fileType?: Optional<FileType>
  tags?: Tags
  templateVersion?: Optional<string>
}>

/** Empty texts change nothing, as upstream has it. It may be asked again. */
export const updateFile = async (changes: FileChanges, context: GraphqlContext) =>
  saying(NO_FILE, update(changes, context))

async function update({ kfId, ...asked }: FileChanges, context: GraphqlContext) {
  requireCaller(context)
  const { study, number } = await numbered(context.c, kfId, 'SF')
  const scope = scopeOf(context.c, { admits: INVESTIGATORS })
  requireNoTemplate(asked.templateVersion)
  // Content that nobody has made a file of is no file here.
  if ((await getFile(scope, study, { number })).draft) throw fileNotFound()
  const [name, description] = [said(asked.name), said(asked.description)]
  const changes = {
    title: name === undefined ? undefined : nameOf(name),
    description: description === undefined ? undefined : descriptionOf(description),
    category: asked.fileType ?? undefined,
    tags: asked.tags === undefined || asked.tags === null ? undefined : tagsOf(asked.tags),
  }
  return { file: await changeFile(scope, study, { name: { number }, changes, revision: undefined }) }
}

/** With all of its versions. Whoever asks again is told that there is no such file. */
export const deleteFile = async ({ kfId }: { kfId: string }, context: GraphqlContext) =>
  saying(NO_FILE, remove(kfId, context))

async function remove(kfId: string, context: GraphqlContext) {
  requireCaller(context)
  const { study, number } = await numbered(context.c, kfId, 'SF')
  await removeFile(scopeOf(context.c, { admits: ADMINISTRATORS }), study, { name: { number }, revision: undefined })
  return { success: true, kfId }
}
