import type { Context } from 'hono'
import { completeMemberFile, deleteMemberFiles, type WhichFiles } from '../../domain/member-files.ts'
import { receiveUpload } from '../../domain/received-uploads.ts'
import { beginUpload } from '../../domain/uploads.ts'
import type { File, FileDetails } from '../../model/entities.ts'
import { isMediaType, UNKNOWN_MEDIA_TYPE } from '../../model/media-types.ts'
import type { AppEnv } from '../../wire/context.ts'
import { type Caller, memberFor, posting, receiving } from './access.ts'
import { tell } from './answers.ts'
import { type Faults, noSuchFile, Refused } from './errors.ts'
import { type Fields, textOf } from './fields.ts'
import { datatypesFault, md5Matches, readMetadata, readName, REQUIRED } from './metadata.ts'
import { withPath } from './present.ts'
import { type ReceivedPart, readUpload } from './received.ts'

/** How long a direct upload's URL is good. */
const UPLOAD_URL_SECONDS = 6 * 3_600

type Described = Readonly<{ details: Partial<FileDetails>; name: string; faults: Faults }>

/** What a file is to be called and what is said of it, with all that is wrong with it. */
function describe(fields: Fields, field: 'filename' | 'data_file', given: string | undefined): Described {
  const metadata = readMetadata(fields)
  const name = readName(given)
  const datatypes = datatypesFault(fields)
  return {
    details: 'details' in metadata ? metadata.details : {},
    name: 'name' in name ? name.name : '',
    faults: {
      ...('fault' in metadata ? { metadata: [metadata.fault] } : {}),
      ...('fault' in name ? { [field]: [name.fault] } : {}),
      ...(datatypes === undefined ? {} : { datatypes: [datatypes] }),
    },
  }
}

/** Says where a file's bytes go: the PUT says nothing of them, not even a Content-Type. */
export const directUpload = posting(async (c, caller) => {
  const { details, name, faults } = describe(caller.fields, 'filename', textOf(caller.fields, 'filename'))
  const { member } = await memberFor(caller, faults)
  const { file, upload } = await beginUpload(caller.scope, caller.study, {
    owner: { kind: 'participant', id: member.id },
    handle: undefined,
    content: { name, mediaType: UNKNOWN_MEDIA_TYPE, size: 0, md5: null, sha256: null },
    details,
    visibility: undefined,
    doorVisibility: 'study',
    kind: 'single',
    loose: { headers: {}, urlSeconds: UPLOAD_URL_SECONDS },
    revision: undefined,
  })
  const url = 'put' in upload && upload.put !== undefined ? withPath(upload.put.url, file) : undefined
  return tell(c, { id: file.number, url }, 201)
})

/** Whether the content is what was said of it, in words of Carrel's own. */
const presentMd5 = ({ content, metadata }: File) => ({
  md5_matches: content.status === 'complete' ? md5Matches(metadata?.['md5'], content.version.md5) : null,
})

/** A file in the request itself. */
export const simpleUpload = receiving(async (c, callerBy) => {
  const { fields, file: part } = await readUpload(c)
  const file = await receive(await callerBy(fields), part)
  return tell(c, { id: file.number, ...presentMd5(file) }, 201)
})

async function receive(caller: Caller, part: ReceivedPart | undefined): Promise<File> {
  const { details, name, faults } = describe(caller.fields, 'data_file', part?.filename)
  const { member } = await memberFor(caller, { ...faults, ...partFaults(part, faults) })
  if (part === undefined) throw new Refused('invalid_body', 400, { data_file: [REQUIRED] })
  const { file } = await receiveUpload(caller.scope, caller.study, {
    file: {
      owner: { kind: 'participant', id: member.id },
      name,
      mediaType: part.mediaType !== undefined && isMediaType(part.mediaType) ? part.mediaType : UNKNOWN_MEDIA_TYPE,
      details,
      doorVisibility: 'study',
    },
    bytes: part.bytes,
  })
  return file
}

function partFaults(part: ReceivedPart | undefined, faults: Faults): Faults {
  if (part === undefined || part.isWhole)
    return part?.isEmpty === true ? { data_file: ['The submitted file is empty.'] } : {}
  // So large a file is not held until what is said of it has come.
  return 'metadata' in faults
    ? { data_file: ['Put data_file after the other fields, or send it by project/files/upload/direct/.'] }
    : {}
}

/** A whole number, as a form's field has it. */
function fileNumber(fields: Fields): { number: number | undefined; faults: Faults } {
  const said = textOf(fields, 'file_id')
  const [, digits] = /^(-?\d+)(?:\.0*)?$/.exec(said ?? '') ?? []
  const faults = said === undefined || digits !== undefined ? {} : { file_id: ['Enter a whole number.'] }
  const number = Number(digits)
  return { number: Number.isSafeInteger(number) && number > 0 ? number : undefined, faults }
}

/** Says that the bytes are there. It may be said again. */
export const completeUpload = posting(async (c, caller) => {
  const { number, faults } = fileNumber(caller.fields)
  const { member } = await memberFor(caller, faults)
  if (number === undefined) throw noSuchFile()
  const file = await completeMemberFile(caller.scope, caller.study, { owner: member.id, number })
  const size = file.content.status === 'complete' ? file.content.version.size : 0
  return tell(c, { status: 'ok', size, ...presentMd5(file) })
})

const TRUE = ['true', 'on', '1']
const WHICH = 'one of file_id, file_basename, or all_files is required'

/** Which files are meant. @throws Refused where that is not said in just one way */
function whichFiles(fields: Fields, number: number | undefined): WhichFiles | undefined {
  const name = textOf(fields, 'file_basename')
  const isNumbered = textOf(fields, 'file_id') !== undefined
  const isAll = TRUE.includes(textOf(fields, 'all_files')?.toLowerCase() ?? '')
  const ways = [isNumbered, name !== undefined, isAll].filter(Boolean).length
  if (ways === 0) throw new Refused('invalid_body', 400, { missing_field: WHICH })
  if (ways > 1) throw new Refused('invalid_body', 400, { too_many: WHICH })
  if (isAll) return 'all'
  if (name !== undefined) return { name }
  return number === undefined ? undefined : { number }
}

/** Deletes files of a member's that the caller is told of, and no others. */
export const deleteFiles = posting(async (c: Context<AppEnv>, caller) => {
  const { number, faults } = fileNumber(caller.fields)
  const { member } = await memberFor(caller, faults)
  const which = whichFiles(caller.fields, number)
  const owner = member.id
  const deleted = which === undefined ? [] : await deleteMemberFiles(caller.scope, caller.study, { owner, which })
  return tell(c, { ids: deleted.map((file) => file.number) })
})
