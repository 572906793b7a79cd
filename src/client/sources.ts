/** Bytes to be sent: what every kind of them is made into. `slice` is asked for a part whenever that is sent, or again. */
export type Source = Readonly<{
  size: number
  slice: (from: number, to: number) => Promise<Blob | ArrayBuffer | Uint8Array>
  /** What is known of them, for where the caller does not say it. */
  name?: string
  mediaType?: string
}>

/** A `File` is a `Blob`. What has no random access, such as a stream, has to be kept somewhere first. */
export type Bytes = Source | Blob | ArrayBuffer | Uint8Array

const isBlob = (bytes: Bytes): bytes is Blob => typeof Blob !== 'undefined' && bytes instanceof Blob

export function sourceOf(bytes: Bytes): Source {
  if (isBlob(bytes)) {
    return {
      size: bytes.size,
      slice: async (from, to) => bytes.slice(from, to),
      ...(bytes.type === '' ? {} : { mediaType: bytes.type }),
      ...('name' in bytes && typeof bytes.name === 'string' ? { name: bytes.name } : {}),
    }
  }
  if (bytes instanceof ArrayBuffer) return sourceOf(new Uint8Array(bytes))
  if (bytes instanceof Uint8Array) {
    return { size: bytes.length, slice: async (from, to) => bytes.subarray(from, to) }
  }
  return bytes
}
