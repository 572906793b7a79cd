/** The settings that limit what a study may hold, by the names of the CHECKs that hold its counters to them. */
const QUOTAS = {
  studies_bytes_limited: 'maxBytes',
  studies_files_limited: 'maxFiles',
  studies_documents_limited: 'maxDocuments',
}

/** The limit that a batch ran into, by the message that it failed with. */
export const quotaIn = (message: string): string | undefined =>
  Object.entries(QUOTAS).find(([check]) => message.includes(`CHECK constraint failed: ${check}`))?.[1]
