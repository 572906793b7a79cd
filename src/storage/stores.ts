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

/**
 * Everything that remembers, for one request or job. `origin` is where the request came in: the bucket's local
 * endpoint is reached there; jobs have none and sign nothing.
 */
export function openStores(bindings: Bindings, settings: Settings, origin: string | undefined) {
  const db = bindings.databases
  return {
    studies: studyStore(db),
    ownStudies: ownStudyStore(db),
    participants: participantStore(db),
    participantPages: participantPageStore(db),
    databaseSizes: databaseSizeStore(db),
    departures: departureStore(db),
    members: memberStore(db),
    moves: { ...moveStore(db), ...moveEndStore(db) },
    memberFiles: memberFileStore(db),
    apiKeys: apiKeyStore(db),
    audit: auditStore(db),
    belongings: belongingStore(db),
    holdings: holdingStore(db),
    enrolmentCodes: enrolmentCodeStore(db),
    sessions: sessionStore(db),
    serviceAccounts: serviceAccountStore(db),
    erasures: erasureStore(db, bindings.TOKENS),
    health: healthStore(db),
    revivals: revivalStore(db),
    hosts: hostStore(db),
    idempotency: idempotencyStore(db),
    files: fileStore(db),
    handles: handleStore(db),
    fileUploads: fileUploadStore(db),
    drafts: draftStore(db),
    versions: versionStore(db),
    versionMoves: versionMoveStore(db),
    shelf: shelfStore(db),
    search: searchStore(db),
    grants: grantStore(db),
    grantTemplates: grantTemplateStore(db),
    uploads: uploadStore(db),
    completions: completionStore(db),
    removals: removalStore(db),
    documents: documentStore(db),
    documentRemovals: documentRemovalStore(db),
    documentSchemas: documentSchemaStore(db),
    reports: reportStore(db),
    reportEntries: reportEntryStore(db),
    reportNames: reportNameStore(db),
    reportRollups: reportRollupStore(db),
    downloadTokens: downloadTokenStore(db, bindings.TOKENS),
    downloadKeys: downloadKeyStore(db),
    downloadClaims: downloadClaimStore(db, bindings.TOKENS),
    objectDeletions: objectDeletionStore(db),
    objects: openObjects(bindings.BUCKET),
    presigner: createPresigner(settings.s3, origin),
  }
}
export type Stores = ReturnType<typeof openStores>
