/** @jsxImportSource preact */
import { useEffect } from 'preact/hooks'
import { countText } from '../parts/format.ts'
import { hrefOf } from '../route.ts'
import type { Upload } from './upload.ts'
import { unfinished, useUploads } from './queue.ts'

const sum = (uploads: readonly Upload[], of: (upload: Upload) => number) =>
  uploads.reduce((total, upload) => total + of(upload), 0)

const sentOf = (upload: Upload): number => (upload.state === 'done' ? upload.kept.size : upload.progress.confirmedBytes)

function briefly(uploads: readonly Upload[]): string {
  const open = unfinished(uploads)
  if (open.length === 0) return `${countText(uploads.length, 'upload')} done`
  const fileless = open.filter(({ state }) => state === 'fileless').length
  if (fileless > 0) return `${countText(fileless, 'upload')} to go on with: choose the file again`
  const failed = open.filter(({ state }) => state === 'failed').length
  if (failed > 0) return `${countText(failed, 'upload')} failed`
  return `${uploads.length - open.length} of ${countText(uploads.length, 'upload')} done`
}

/** At the foot of every view, while there is something on its way. */
export function UploadsInBrief() {
  const uploads = useUploads()
  const isSending = uploads.some(({ state }) => state === 'sending' || state === 'waiting')
  useEffect(() => {
    if (!isSending) return undefined
    // What is on its way is lost with the page, though not what has arrived.
    const ask = (event: BeforeUnloadEvent) => event.preventDefault()
    addEventListener('beforeunload', ask)
    return () => removeEventListener('beforeunload', ask)
  }, [isSending])
  const total = sum(uploads, ({ kept }) => kept.size)
  return (
    <aside class="brief" aria-label="Uploads" hidden={uploads.length === 0}>
      <p role="status">{uploads.length === 0 ? '' : briefly(uploads)}</p>
      <progress aria-label="All uploads" max={Math.max(total, 1)} value={total === 0 ? 1 : sum(uploads, sentOf)} />
      <a href={hrefOf('uploads')}>Show uploads</a>
    </aside>
  )
}
