import type { Settings } from '../settings.ts'
import { apiKeyStore } from './api-keys.ts'
import { belongingStore } from './belongings.ts'
import { completionStore } from './completions.ts'
import { openDatabase } from './database.ts'
import { documentSchemaStore } from './document-schemas.ts'
import { documentStore } from './documents.ts'
import { downloadTokenStore } from './download-tokens.ts'
import { enrolmentCodeStore } from './enrolment-codes.ts'
import { fileStore } from './files.ts'
import { memberStore } from './members.ts'
import { objectDeletionStore } from './object-deletions.ts'
import { openObjects } from './objects.ts'
import { participantStore } from './participants.ts'
import { createPresigner } from './presign.ts'
import { reportEntryStore } from './report-entries.ts'
import { reportRollupStore } from './report-rollups.ts'
import { reportStore } from './reports.ts'
import { shelfStore } from './shelf.ts'
import { studyStore } from './studies.ts'
import { uploadStore } from './uploads.ts'

export type Bindings = Readonly<{ DB: D1Database; BUCKET: R2Bucket; TOKENS: KVNamespace }>

/**
 * Everything that remembers, for one request or job. `origin` is where the request came in: the bucket's local
 * endpoint is reached there; jobs have none and sign nothing.
 */
export function openStores(bindings: Bindings, settings: Settings, origin: string | undefined) {
  const db = openDatabase(bindings.DB)
  return {
    studies: studyStore(db),
    participants: participantStore(db),
    members: memberStore(db),
    apiKeys: apiKeyStore(db),
    belongings: belongingStore(db),
    enrolmentCodes: enrolmentCodeStore(db),
    files: fileStore(db),
    shelf: shelfStore(db),
    uploads: uploadStore(db),
    completions: completionStore(db),
    documents: documentStore(db),
    documentSchemas: documentSchemaStore(db),
    reports: reportStore(db),
    reportEntries: reportEntryStore(db),
    reportRollups: reportRollupStore(db),
    downloadTokens: downloadTokenStore(db, bindings.TOKENS),
    objectDeletions: objectDeletionStore(db),
    objects: openObjects(bindings.BUCKET),
    presigner: createPresigner(settings.s3, origin),
  }
}
export type Stores = ReturnType<typeof openStores>
