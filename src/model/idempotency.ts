import type {
  DownloadTokenId,
  EnrolmentCodeId,
  FileId,
  KeyId,
  MemberId,
  ParticipantId,
  StudyId,
  UploadId,
} from './ids.ts'

/** What a caller wants to happen once: the key that it chose, and which request it chose it for. */
export type Idempotency = Readonly<{
  key: string
  /** Of the request, under each of the server's keys. The first is kept; a request that has any of them is the same. */
  fingerprints: readonly [string, ...string[]]
}>

/** The ids of what requests make. Each operation keeps some of them, and is given those again. */
export type MadeIds = Readonly<{
  study: StudyId
  participant: ParticipantId
  member: MemberId
  key: KeyId
  /** The key that another one came of. */
  predecessor: KeyId
  code: EnrolmentCodeId
  link: DownloadTokenId
  file: FileId
  upload: UploadId
}>
