import type { Settings } from '../settings.ts'
import { apiKeyStore } from './api-keys.ts'
import { auditStore } from './audit-events.ts'
import { belongingStore } from './belongings.ts'
import { completionStore } from './completions.ts'
import type { Databases } from './databases.ts'
import { databaseSizeStore } from './database-sizes.ts'
import { departureStore } from './departures.ts'
import { documentRemovalStore } from './document-removals.ts'
import { documentSchemaStore } from './document-schemas.ts'
import { documentStore } from './documents.ts'
import { downloadClaimStore } from './download-claims.ts'
import { downloadKeyStore } from './download-keys.ts'
import { downloadTokenStore } from './download-tokens.ts'
import { enrolmentCodeStore } from './enrolment-codes.ts'
import { draftStore } from './drafts.ts'
import { erasureStore } from './erasures.ts'
import { fileStore } from './files.ts'
import { fileUploadStore } from './file-uploads.ts'
import { grantTemplateStore } from './grant-templates.ts'
import { grantStore } from './grants.ts'
import { healthStore } from './health.ts'
import { handleStore } from './handles.ts'
import { hostStore } from './hosts.ts'
import { idempotencyStore } from './idempotency.ts'
import { holdingStore } from './holdings.ts'
import { memberFileStore } from './member-files.ts'
import { memberStore } from './members.ts'
import { moveEndStore } from './move-ends.ts'
import { moveStore } from './moves.ts'
import { objectDeletionStore } from './object-deletions.ts'
import { openObjects } from './objects.ts'
import { ownStudyStore } from './own-studies.ts'
import { participantPageStore } from './participant-pages.ts'
import { participantStore } from './participants.ts'
import { createPresigner } from './presign.ts'
import { removalStore } from './removals.ts'
import { reportEntryStore } from './report-entries.ts'
import { reportNameStore } from './report-names.ts'
import { reportRollupStore } from './report-rollups.ts'
import { reportStore } from './reports.ts'
import { revivalStore } from './revivals.ts'
import { searchStore } from './search.ts'
import { serviceAccountStore } from './service-accounts.ts'
import { sessionStore } from './sessions.ts'
import { shelfStore } from './shelf.ts'
import { studyStore } from './studies.ts'
import { uploadStore } from './uploads.ts'
import { versionMoveStore } from './version-moves.ts'
import { versionStore } from './versions.ts'

export type Bindings = Readonly<{ databases: Databases; BUCKET: R2Bucket; TOKENS: KVNamespace }>

type Opened = Readonly<{ db: Databases; bindings: Bindings; settings: Settings; origin: string | undefined }>

const makers = {
  studies: ({ db }: Opened) => studyStore(db),
  ownStudies: ({ db }: Opened) => ownStudyStore(db),
  participants: ({ db }: Opened) => participantStore(db),
  participantPages: ({ db }: Opened) => participantPageStore(db),
  databaseSizes: ({ db }: Opened) => databaseSizeStore(db),
  departures: ({ db }: Opened) => departureStore(db),
  members: ({ db }: Opened) => memberStore(db),
  moves: ({ db }: Opened) => ({ ...moveStore(db), ...moveEndStore(db) }),
  memberFiles: ({ db }: Opened) => memberFileStore(db),
  apiKeys: ({ db }: Opened) => apiKeyStore(db),
  audit: ({ db }: Opened) => auditStore(db),
  belongings: ({ db }: Opened) => belongingStore(db),
  holdings: ({ db }: Opened) => holdingStore(db),
  enrolmentCodes: ({ db }: Opened) => enrolmentCodeStore(db),
  sessions: ({ db }: Opened) => sessionStore(db),
  serviceAccounts: ({ db }: Opened) => serviceAccountStore(db),
  erasures: ({ db, bindings }: Opened) => erasureStore(db, bindings.TOKENS),
  health: ({ db }: Opened) => healthStore(db),
  revivals: ({ db }: Opened) => revivalStore(db),
  hosts: ({ db }: Opened) => hostStore(db),
  idempotency: ({ db }: Opened) => idempotencyStore(db),
  files: ({ db }: Opened) => fileStore(db),
  handles: ({ db }: Opened) => handleStore(db),
  fileUploads: ({ db }: Opened) => fileUploadStore(db),
  drafts: ({ db }: Opened) => draftStore(db),
  versions: ({ db }: Opened) => versionStore(db),
  versionMoves: ({ db }: Opened) => versionMoveStore(db),
  shelf: ({ db }: Opened) => shelfStore(db),
  search: ({ db }: Opened) => searchStore(db),
  grants: ({ db }: Opened) => grantStore(db),
  grantTemplates: ({ db }: Opened) => grantTemplateStore(db),
  uploads: ({ db }: Opened) => uploadStore(db),
  completions: ({ db }: Opened) => completionStore(db),
  removals: ({ db }: Opened) => removalStore(db),
  documents: ({ db }: Opened) => documentStore(db),
  documentRemovals: ({ db }: Opened) => documentRemovalStore(db),
  documentSchemas: ({ db }: Opened) => documentSchemaStore(db),
  reports: ({ db }: Opened) => reportStore(db),
  reportEntries: ({ db }: Opened) => reportEntryStore(db),
  reportNames: ({ db }: Opened) => reportNameStore(db),
  reportRollups: ({ db }: Opened) => reportRollupStore(db),
  downloadTokens: ({ db, bindings }: Opened) => downloadTokenStore(db, bindings.TOKENS),
  downloadKeys: ({ db }: Opened) => downloadKeyStore(db),
  downloadClaims: ({ db, bindings }: Opened) => downloadClaimStore(db, bindings.TOKENS),
  objectDeletions: ({ db }: Opened) => objectDeletionStore(db),
  objects: ({ bindings }: Opened) => openObjects(bindings.BUCKET),
  presigner: ({ settings, origin }: Opened) => createPresigner(settings.s3, origin),
}

/** Everything that remembers. */
export type Stores = { readonly [Name in keyof typeof makers]: ReturnType<(typeof makers)[Name]> }

/** What a request or job has of them: a store is made when it is first asked for, since each asks but two or three. */
class Asked {
  readonly opened: Opened
  constructor(opened: Opened) {
    this.opened = opened
  }
}
for (const [name, make] of Object.entries(makers)) {
  Object.defineProperty(Asked.prototype, name, {
    get(this: Asked) {
      const value: unknown = make(this.opened)
      Object.defineProperty(this, name, { value })
      return value
    },
  })
}

/**
 * The stores of one request or job. `origin` is where the request came in: the bucket's local endpoint is reached there;
 * jobs have none and sign nothing.
 */
export const openStores = (bindings: Bindings, settings: Settings, origin: string | undefined): Stores =>
  new Asked({ db: bindings.databases, bindings, settings, origin }) as unknown as Stores // its prototype has a getter for each
