import type {
  DownloadTokenId,
  FileId,
  Handle,
  Identifier,
  KeyId,
  MemberId,
  ParticipantId,
  StudyId,
  UploadId,
  VersionId,
} from './ids.ts'
import type { Actor, ForeignData, PrincipalName, StudyRole } from './principal.ts'

export const VISIBILITIES = ['private', 'study', 'public'] as const
/** Who besides the owner: nobody; the study's team; everyone who has the id, where the study allows it. */
export type Visibility = (typeof VISIBILITIES)[number]

export const RETENTIONS = ['keep', 'latest'] as const
/** What happens to a file's older versions when a newer one is complete. */
export type Retention = (typeof RETENTIONS)[number]

/** Null in a setting means: what the door or the service has by default. */
export type StudySettings = Readonly<{
  allowPublic: boolean
  defaultVisibility: Visibility | null
  retention: Retention
  downloadUrlSeconds: number | null
  downloadTokenSeconds: number | null
  /** Of versions and open uploads together. Null, here and below: no limit but the service's own. */
  maxBytes: number | null
  maxFiles: number | null
  maxDocuments: number | null
}>

/** How much a study holds, as its limits count. */
export type Usage = Readonly<{ bytes: number; files: number; documents: number }>

/** What is to change of something; what is absent or undefined stays. */
export type Changes<Of> = { readonly [Field in keyof Of]?: Of[Field] | undefined }

export type Study = Readonly<{
  id: StudyId
  number: number
  name: string
  settings: StudySettings
  usage: Usage
  /** How many more files and versions can be begun. */
  numbersLeft: number
  createdAt: Date
}>

/** Only foreign sign-ins and sessions use these, and staff never see them. */
export type Contact = Readonly<{
  email: string | null
  phone: string | null
  firstName: string | null
  lastName: string | null
}>

export type ParticipantStatus = 'active' | 'withdrawn' | 'erasing'

export type Participant = Readonly<{
  study: StudyId
  id: ParticipantId
  /** Eight digits, unique in the study. */
  number: number
  externalId: string | null
  contact: Contact
  labels: readonly string[]
  status: ParticipantStatus
  createdAt: Date
}>

export const MEMBER_ROLES = ['participant', 'staff', 'worker', 'admin'] as const
export type MemberRole = (typeof MEMBER_ROLES)[number]

/** A JWT user's place in a study. */
export type Member = Readonly<{
  study: StudyId
  id: MemberId
  issuer: string
  subject: string
  role: MemberRole
  /** Whom a member of role `participant` is. */
  participant: ParticipantId | null
  contact: Contact
  createdAt: Date
}>

export type ApiKey = Readonly<{
  study: StudyId
  id: KeyId
  role: StudyRole
  participant: ParticipantId | null
  member: MemberId | null
  label: string
  /** The last characters of the secret; null for a public key. */
  hint: string | null
  /** PEM; in place of a secret. */
  publicKey: string | null
  createdAt: Date
  expiresAt: Date | null
  revokedAt: Date | null
  lastUsedAt: Date | null
  /** Null: not known. */
  issuedBy: Actor | null
}>

/** Whose a file is: a participant, or (null) the study itself. */
export type Owner = ParticipantId | null

/** How a version's checksum is known: R2's own record, by reading the bytes, or not at all. */
export type Verified = 'storage' | 'read' | 'no'

export const REVIEWS = ['PEN', 'APP', 'CHN', 'PRC'] as const
/** What the study's team thinks of a version: pending, approved, changes asked for, processed. */
export type Review = (typeof REVIEWS)[number]

export type Version = Readonly<{
  id: VersionId
  file: FileId
  number: number
  name: string
  mediaType: string
  size: number
  md5: string | null
  sha256: string | null
  verified: Verified
  /** R2's ETag, unquoted. */
  etag: string
  objectKey: string
  createdAt: Date
  completedAt: Date
}>

/** A version with what is said of it. */
export type ReviewedVersion = Version &
  Readonly<{
    description: string | null
    review: Review
    createdBy: Actor
  }>

/** The caller's own JSON object, kept as it came. */
export type Metadata = Readonly<Record<string, unknown>>

export type File = Readonly<{
  study: StudyId
  id: FileId
  number: number
  owner: Owner
  handle: Handle
  name: string
  category: string | null
  source: string | null
  title: string | null
  description: string | null
  tags: readonly string[]
  metadata: Metadata | null
  foreign: ForeignData | null
  /** As it counts now: a `public` file of a study that no longer allows that is a `study` file. */
  visibility: Visibility
  /** Grows with every change; the file's ETag. */
  revision: number
  createdBy: Actor
  createdAt: Date
  updatedAt: Date
  /** How it is shared with the caller who found it; null: not at all, or it is the caller's own. */
  granted: GrantLevel | null
  /** Content that nobody has made a file of yet: it is on no list until somebody does. */
  draft: boolean
  content: Content
}>

export const GRANT_LEVELS = ['metadata', 'content'] as const
/** What a grant opens: what is said of a file, or its bytes too. */
export type GrantLevel = (typeof GRANT_LEVELS)[number]

/** A file shared with somebody of the same study, until it expires or is revoked. */
export type Grant = Readonly<{
  file: FileId
  /** With whom. */
  principal: PrincipalName
  level: GrantLevel
  createdAt: Date
  expiresAt: Date | null
}>

export type Content =
  | Readonly<{ status: 'pending' }>
  /**
   * `listedAt` is the first completion, or of what was a draft when it was made a file: it orders lists and never moves.
   * Null of a draft.
   */
  | Readonly<{ status: 'complete'; version: Version; listedAt: Date | null }>

/** What a person says of a file, besides its bytes. */
export type FileDetails = Readonly<{
  category: string | null
  source: string | null
  title: string | null
  description: string | null
  tags: readonly string[]
  metadata: Metadata | null
}>

/** What a client declares of the bytes it is going to send. Checksums in lower-case hex. */
export type DeclaredContent = Readonly<{
  name: string
  mediaType: string
  size: number
  md5: string | null
  sha256: string | null
}>

export type UploadPart = Readonly<{ number: number; bytes: number; etag: string }>

/** An open upload; its row goes when it settles. */
export type Upload = Readonly<{
  study: StudyId
  id: UploadId
  file: FileId
  version: VersionId
  number: number
  owner: Owner
  objectKey: string
  /** Where the bytes are sent first, if nothing that was declared binds them; null: straight to `objectKey`. */
  stagingKey: string | null
  /** Counts the objects this upload was promised; wrong bytes earn a fresh one. */
  attempt: number
  declared: DeclaredContent
  /** What a replacement also changes of its file, once it is complete. */
  changes: Changes<FileDetails>
  createdBy: Actor
  createdAt: Date
  urlExpiresAt: Date
  expiresAt: Date
  plan: UploadPlan
}>

export type UploadPlan =
  | Readonly<{ kind: 'single' }>
  /** `multipartId` is null until storage has opened the multipart upload. */
  | Readonly<{ kind: 'multipart'; partBytes: number; partCount: number; multipartId: string | null }>

/** Any JSON value that a participant keeps under a name; what is known of it besides the value. */
export type Document = Readonly<{
  participant: ParticipantId
  identifier: Identifier
  etag: string
  /** Bytes in UTF-8. */
  size: number
  createdAt: Date
  updatedAt: Date
}>

/** What documents of an identifier must look like in a study. */
export type DocumentSchema = Readonly<{ identifier: Identifier; schema: string; updatedAt: Date }>

/** A named series of JSON values by date or moment: a participant's, or the study's. */
export type Report = Readonly<{
  owner: Owner
  identifier: Identifier
  /** As it counts now: in a study that no longer allows it, nothing is. A participant's never is. */
  public: boolean
  labels: readonly string[]
  /** How many there are, and what the first and the last are called. */
  entries: number
  first: string | null
  last: string | null
  createdAt: Date
}>

export const DELIVERIES = ['redirect', 'stream'] as const
/** How content reaches the caller: a redirect to a presigned URL, or through the Worker. */
export type Delivery = (typeof DELIVERIES)[number]

export type DownloadToken = Readonly<{
  study: StudyId
  id: DownloadTokenId
  file: FileId
  version: VersionId
  delivery: Delivery
  /** A browser sees a page with a button first. */
  confirm: boolean
  issuedBy: Actor
  createdAt: Date
  expiresAt: Date
  claimedAt: Date | null
  revokedAt: Date | null
}>
