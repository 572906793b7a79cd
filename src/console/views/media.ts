// What a browser is shown of a file. A type is what somebody said it was: only what cannot run is shown as itself, and
// everything else that is text as text.

export type PreviewKind = 'image' | 'pdf' | 'text' | 'none'

const MIB = 1024 * 1024
/** Drawn, and nothing else: no SVG, which is a document. */
const IMAGES: readonly string[] = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp']
const TEXTS =
  /^(?:text\/|application\/(?:json|xml|javascript|x-ndjson|yaml|toml|sql)\b|[\w.-]+\/[\w.-]+\+(?:json|xml)\b)/

/** How much is fetched to be shown: a whole picture or none of it, and the beginning of a text. */
export const PREVIEW_BYTES: Record<PreviewKind, number> = { image: 30 * MIB, pdf: 50 * MIB, text: 256 * 1024, none: 0 }

/** Without its parameters, as it is compared. */
export const essenceOf = (mediaType: string): string => (mediaType.split(';')[0] ?? '').trim().toLowerCase()

export function previewOf({ mediaType, size }: Readonly<{ mediaType: string; size: number }>): PreviewKind {
  const essence = essenceOf(mediaType)
  if (size === 0) return 'none'
  if (IMAGES.includes(essence)) return size <= PREVIEW_BYTES.image ? 'image' : 'none'
  if (essence === 'application/pdf') return size <= PREVIEW_BYTES.pdf ? 'pdf' : 'none'
  return TEXTS.test(essence) ? 'text' : 'none'
}

const NAMES: Readonly<Record<string, string>> = {
  'application/pdf': 'PDF',
  'application/json': 'JSON',
  'text/csv': 'CSV',
  'text/plain': 'Text',
  'application/zip': 'ZIP',
  'application/octet-stream': 'Data',
}

/** A type in a word, where there is one. */
export function typeText(mediaType: string | undefined): string {
  if (mediaType === undefined) return '–'
  const essence = essenceOf(mediaType)
  return NAMES[essence] ?? essence
}

/** How it is known that the bytes are those that were sent. */
export const VERIFIED = {
  storage: 'By storage, as it came in',
  read: 'By reading it again',
  no: 'By its size',
} as const
