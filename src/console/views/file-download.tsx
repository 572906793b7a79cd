/** @jsxImportSource preact */
import { type Carrel, CarrelError } from '../../client/index.ts'
import { useSaidTask } from '../parts/toasts.tsx'
import { useSession } from '../session.ts'

/** What of a version is needed to save it. */
type Saved = Readonly<{ id: string; name: string; size: number }>

/** What is kept in memory while it comes; more than that is the browser's own to fetch, straight to the disk. */
const IN_MEMORY_BYTES = 64 * 1024 * 1024
const LINK_SECONDS = 60

/** As data, which a browser saves whatever it is. */
const SAVED_TYPE = 'application/octet-stream'

function follow(href: string, as: Readonly<{ download?: string; target?: string }>): void {
  const link = Object.assign(document.createElement('a'), { href, rel: 'noopener', ...as })
  link.click()
}

async function saveFromMemory(carrel: Carrel, file: string, { id, name }: Saved): Promise<void> {
  const coming = await carrel.files.download(file, { version: id })
  const url = URL.createObjectURL(new Blob([await coming.bytes()], { type: SAVED_TYPE }))
  follow(url, { download: name })
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** By a link of its own, which nobody sees: a browser goes on with what is cut, and wants no key for it. */
async function saveByLink(carrel: Carrel, file: string, { id }: Saved): Promise<boolean> {
  const link = { version: id, seconds: LINK_SECONDS, confirm: false, delivery: 'redirect' } as const
  const issued = await carrel.links.issue(file, link).catch((failure: unknown) => {
    // Who only reads a file may not make links to it.
    if (failure instanceof CarrelError && failure.code === 'forbidden') return undefined
    throw failure
  })
  if (issued === undefined || issued.url === null) return false
  follow(issued.url, { target: '_blank' })
  return true
}

type DownloadProps = Readonly<{ file: string; version: Saved; label?: string; isMain?: boolean }>

export function DownloadButton({ file, version, label, isMain = false }: DownloadProps) {
  const { carrel } = useSession()
  const { isBusy, run } = useSaidTask()
  const save = async () => {
    if (version.size > IN_MEMORY_BYTES && (await saveByLink(carrel, file, version))) return
    await saveFromMemory(carrel, file, version)
  }
  return (
    <button
      type="button"
      class={isMain ? 'main' : undefined}
      aria-label={label}
      aria-disabled={isBusy}
      onClick={() => run(save)}
    >
      {isBusy ? 'Downloading…' : 'Download'}
    </button>
  )
}
