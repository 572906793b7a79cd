import type { ListedFile } from '../../domain/member-files.ts'
import { parseExactly } from '../../json-text.ts'
import type { File, Participant, Study } from '../../model/entities.ts'
import { studyNumberOf } from '../../domain/file-keys.ts'
import { baseName } from '../../wire/multipart.ts'
import { md5Matches } from './metadata.ts'

/** With six digits after the second, as upstream's clients have always been told. */
export const presentTime = (time: Date): string => time.toISOString().replace('Z', '000Z')

/** A member as the project knows them. */
export const presentMember = ({ number }: Participant): string => String(number).padStart(8, '0')

/** What a project's own files are called by: it is on no list of other projects' that are shared. */
const presentSource = (studyNumber: number): string => `direct-sharing-${studyNumber}`

/** As it was sent, or (of a file that came in by another door) what this protocol's clients rely on. */
function presentMetadata({ file, metadata }: ListedFile): object {
  const said = metadata === null ? {} : Object(parseExactly(metadata))
  return { tags: file.tags, description: file.description ?? '', ...said }
}

const sizeOf = ({ content }: File) =>
  content.status === 'complete' ? { size: content.version.size, md5: content.version.md5 } : { size: 0, md5: null }

/** `size` and `md5_matches` are Carrel's: the bytes, and whether they have the MD5 that the metadata says. */
export function presentFile(listed: ListedFile, { origin, key }: { origin: string; key: string | undefined }) {
  const { file } = listed
  const studyNumber = studyNumberOf(file.number)
  const { size, md5 } = sizeOf(file)
  const download = `${origin}/data-management/datafile-download/${file.number}/`
  return {
    id: file.number,
    // What came through other doors may have any name.
    basename: baseName(file.name) || String(file.number),
    created: presentTime(file.createdAt),
    datatypes: [],
    download_url: key === undefined ? download : `${download}?key=${key}`,
    metadata: presentMetadata(listed),
    source: presentSource(studyNumber),
    source_project: `${origin}/api/public/project/${studyNumber}/`,
    size,
    md5_matches: md5Matches(file.metadata?.['md5'], md5),
  }
}

/** What a file's name is at the end of, in upstream's URLs: behind a `#`, where storage never sees it. */
export const withPath = (url: string, { number, name }: Pick<File, 'number' | 'name'>): string =>
  `${url}#/member-files/${presentSource(studyNumberOf(number))}/${number}/${encodeURIComponent(name.toWellFormed())}`

/** Of what upstream tells of a project, what there is in a study; the rest is empty, so that its clients find it. */
export const presentProject = ({ number, id, name }: Study, members: number) => ({
  active: true,
  approved: true,
  authorized_members: members,
  badge_image: null,
  contact_email: '',
  id: number,
  id_label: presentSource(number),
  info_url: '',
  is_academic_or_nonprofit: false,
  is_study: true,
  leader: '',
  long_description: '',
  name,
  organization: '',
  registered_datatypes: [],
  request_sources_access: [],
  request_username_access: false,
  requested_sources: [],
  returned_data_description: '',
  short_description: '',
  slug: id,
  type: 'oauth2',
})
