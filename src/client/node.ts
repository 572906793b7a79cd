import { open, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { CarrelError } from './errors.ts'
import type { Source } from './sources.ts'

/** A file of this machine, read a part at a time: what is in memory is what is being sent. */
export async function fromPath(path: string): Promise<Source> {
  const { size, mtimeMs } = await stat(path)
  return {
    size,
    name: basename(path),
    slice: async (from, to) => {
      const file = await open(path)
      try {
        const bytes = new Uint8Array(to - from)
        const { bytesRead } = await file.read(bytes, 0, bytes.length, from)
        const now = await file.stat()
        if (bytesRead !== bytes.length || now.size !== size || now.mtimeMs !== mtimeMs) {
          throw new CarrelError('The file has changed since it was begun.', { code: 'source_changed' })
        }
        return bytes
      } finally {
        await file.close()
      }
    },
  }
}
