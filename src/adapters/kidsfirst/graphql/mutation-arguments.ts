import type { StudyId } from '../../../model/ids.ts'
import type { Role } from '../../../model/principal.ts'
import { baseName } from '../../../wire/multipart.ts'
import { prose, StudyIdText, text } from '../../../wire/shapes.ts'
import { askedWrongly } from './errors.ts'
import { readGlobalId } from './global-ids.ts'

// What mutations are given, made into what the domain takes. Texts are as long as upstream's columns have them.

/** Whom upstream's groups are here: Administrators, Investigators, Services. Nobody else changes anything. */
export const ADMINISTRATORS: readonly Role[] = ['admin']
export const INVESTIGATORS: readonly Role[] = ['admin', 'staff']
export const INVESTIGATORS_AND_SERVICES: readonly Role[] = ['admin', 'staff', 'worker']

const MAX_NAME = 100
const MAX_DESCRIPTION = 10_000
const MAX_TAG = 50
const MAX_TAGS = 50
const MAX_FILE_NAME = 255

/** As upstream's framework says what is wrong with a field. */
const wrong = (field: string, fault: string) => askedWrongly(`{'${field}': ['${fault}']}`)

const Line = text(Infinity)
const Prose = prose(Infinity)

function requireText(field: string, value: string, { max, shape }: { max: number; shape: typeof Prose }): string {
  const length = Array.from(value).length
  if (length > max) throw wrong(field, `Ensure this value has at most ${max} characters (it has ${length}).`)
  if (shape.safeParse(value).success) return value
  throw wrong(field, 'Control characters and halves of surrogate pairs are not allowed.')
}

/** @throws Refused for a text that is no name, in the words of upstream's framework */
export function nameOf(value: string): string {
  if (value.trim() === '') throw wrong('name', 'This field cannot be blank.')
  return requireText('name', value, { max: MAX_NAME, shape: Line })
}

/** @throws Refused for a text that is too long, or none */
export const descriptionOf = (value: string): string =>
  requireText('description', value, { max: MAX_DESCRIPTION, shape: Prose })

/** Each once, and none that says nothing. */
export function tagsOf(values: readonly (string | null)[]): string[] {
  const tags = [...new Set(values.filter((tag) => tag !== null && tag !== ''))]
  if (tags.length > MAX_TAGS)
    throw wrong('tags', `Ensure there are at most ${MAX_TAGS} tags (there are ${tags.length}).`)
  return tags.map((tag) => requireText('tags', tag ?? '', { max: MAX_TAG, shape: Line }))
}

/** The name of a file that was sent, without its folders. Of what a form cannot hold, clients escape the quote alone. */
export function fileNameOf(filename: string): string {
  const name = baseName(filename.replaceAll('%22', '"'))
  if (['', '.', '..'].includes(name)) throw wrong('file', 'The name of the file is that of a folder.')
  return requireText('file', name, { max: MAX_FILE_NAME, shape: Line })
}

/** The id that a global id of this type has in it; any other text is the id itself, as people have it at hand. */
export function idIn(id: string, type: 'FileNode' | 'VersionNode' | 'StudyNode' | 'TemplateVersionNode'): string {
  const read = readGlobalId(id)
  return read?.type === type ? read.id : id
}

/** Undefined: no study can be called so. */
export const studyIn = (globalId: string): StudyId | undefined =>
  StudyIdText.safeParse(idIn(globalId, 'StudyNode')).data
