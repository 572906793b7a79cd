/** What is mutated: of each subject, the files that decide it. */
export const SUBJECTS = {
  policy: ['src/domain/policy.ts', 'src/storage/conditions.ts'],
  tokens: [
    'src/storage/secrets.ts',
    'src/domain/content.ts',
    'src/domain/downloads.ts',
    'src/storage/download-claims.ts',
    'src/domain/token-sessions.ts',
  ],
  cursors: ['src/storage/cursor.ts', 'src/model/page.ts', 'src/storage/shelf-ranges.ts'],
  presigning: ['src/storage/presign.ts', 'src/storage/signature.ts'],
  uploads: [
    'src/domain/uploads.ts',
    'src/domain/upload-parts.ts',
    'src/domain/completions.ts',
    'src/domain/arrivals.ts',
    'src/domain/file-uploads.ts',
    'src/domain/begin-refusal.ts',
    'src/domain/received-uploads.ts',
    'src/storage/uploads.ts',
    'src/storage/begin.ts',
    'src/storage/completions.ts',
  ],
} as const

export type Subject = keyof typeof SUBJECTS

export const subjects = Object.keys(SUBJECTS) as Subject[] // keys are what was written

export const TARGETS: readonly string[] = Object.values(SUBJECTS).flat()

const UPLOADS = ['uploads', 'upload-access', 'multipart', 'arrival', 'races', 'idempotency-replays', 'restore', 'sweep']
/** How the names of those files of tests begin that are about a file: they are tried first, with those that pass it. */
export const TESTS_OF: Readonly<Record<string, readonly string[]>> = {
  'src/domain/policy.ts': ['policy', 'denials'],
  'src/storage/conditions.ts': ['policy', 'grants', 'withdrawal'],
  'src/storage/secrets.ts': ['secrets', 'enrolment-codes', 'sessions'],
  'src/domain/content.ts': ['content', 'audit-reads', 'versions'],
  'src/domain/downloads.ts': ['link', 'audit-reads'],
  'src/storage/download-claims.ts': ['link', 'signed-urls'],
  'src/domain/token-sessions.ts': ['tokens', 'openhumans-oauth', 'session'],
  'src/storage/cursor.ts': ['cursor'],
  'src/storage/shelf-ranges.ts': ['lists', 'shelf', 'grant-templates'],
  'src/storage/presign.ts': ['presign', 'signature', 'hat-uploads', 'openhumans-uploads'],
  'src/storage/signature.ts': ['signature', 'presign'],
  'src/domain/uploads.ts': UPLOADS,
  'src/domain/upload-parts.ts': ['multipart'],
  'src/domain/completions.ts': UPLOADS,
  'src/domain/arrivals.ts': ['arrival'],
  'src/domain/file-uploads.ts': ['hat-uploads', 'hat-files'],
  'src/domain/begin-refusal.ts': [...UPLOADS, 'versions', 'quotas', 'withdrawal'],
  'src/domain/received-uploads.ts': ['openhumans-received', 'graphql-upload', 'graphql-multipart'],
  'src/storage/uploads.ts': UPLOADS,
  'src/storage/begin.ts': [...UPLOADS, 'versions', 'quotas', 'drafts'],
  'src/storage/completions.ts': [...UPLOADS, 'versions', 'version-moves'],
}
