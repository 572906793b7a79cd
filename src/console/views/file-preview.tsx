/** @jsxImportSource preact */
import { useEffect, useState } from 'preact/hooks'
import type { Carrel } from '../../client/index.ts'
import { sizeText } from '../parts/format.ts'
import { useLoaded } from '../parts/loading.ts'
import { ProblemMessage } from '../parts/problem.tsx'
import { useSession } from '../session.ts'
import { essenceOf, PREVIEW_BYTES, previewOf } from './media.ts'

type Shown = Readonly<{ id: string; name: string; mediaType: string; size: number }>
type PreviewProps = Readonly<{ file: string; version: Shown }>

/** A look at a version. What is large is fetched when it is asked for. */
const AT_ONCE_BYTES = 5 * 1024 * 1024

export function Preview({ file, version }: PreviewProps) {
  const kind = previewOf(version)
  const [isWanted, setWanted] = useState(kind === 'text' || version.size <= AT_ONCE_BYTES)
  return (
    <section class="card preview" aria-labelledby="preview">
      <h2 id="preview">Preview</h2>
      {kind === 'none' && <p class="quiet">There is no preview of this. Download it to see it.</p>}
      {kind !== 'none' && !isWanted && (
        <div class="actions">
          <button type="button" onClick={() => setWanted(true)}>
            Show it ({sizeText(version.size)})
          </button>
        </div>
      )}
      {isWanted && kind === 'text' && <TextPreview file={file} version={version} />}
      {isWanted && (kind === 'image' || kind === 'pdf') && <DrawnPreview kind={kind} file={file} version={version} />}
    </section>
  )
}

/** The beginning of a text; the rest is not fetched. */
async function beginningOf(carrel: Carrel, { file, version }: PreviewProps): Promise<string> {
  const decoder = new TextDecoder()
  let left = PREVIEW_BYTES.text
  let text = ''
  for await (const chunk of await carrel.files.download(file, { version: version.id })) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true })
    left -= chunk.length
    if (left <= 0) break
  }
  return text
}

function TextPreview(props: PreviewProps) {
  const { carrel } = useSession()
  const { value, failure } = useLoaded(async () => beginningOf(carrel, props), [props.version.id])
  const isCut = props.version.size > PREVIEW_BYTES.text
  if (value === undefined) return failure === undefined ? <Coming /> : <ProblemMessage failure={failure} />
  return (
    <>
      {/* It scrolls, so the keyboard has to get to it. */}
      <pre tabIndex={0} aria-label={`Text of ${props.version.name}`} role="region" dir="auto">
        {value}
      </pre>
      {isCut && <p class="quiet">The first {sizeText(PREVIEW_BYTES.text)}. Download it to see all.</p>}
    </>
  )
}

const Coming = () => <p class="quiet">Fetching…</p>

/** As the type that was decided on, and no other: a browser then does not guess. */
async function fetchAs(carrel: Carrel, { file, version }: PreviewProps): Promise<Blob> {
  const coming = await carrel.files.download(file, { version: version.id })
  return new Blob([await coming.bytes()], { type: essenceOf(version.mediaType) })
}

function DrawnPreview({ kind, ...props }: PreviewProps & Readonly<{ kind: 'image' | 'pdf' }>) {
  const { carrel } = useSession()
  const { value: blob, failure } = useLoaded(async () => fetchAs(carrel, props), [props.version.id])
  const url = useAddress(blob)
  const [isBroken, setBroken] = useState(false)
  const { name } = props.version
  if (failure !== undefined) return <ProblemMessage failure={failure} />
  if (url === undefined) return <Coming />
  if (isBroken) return <p class="quiet">It is no picture that this browser can draw. Download it to see it.</p>
  return kind === 'image' ? (
    <img src={url} alt={`What is in ${name}`} onError={() => setBroken(true)} />
  ) : (
    <iframe src={url} title={`What is in ${name}`} />
  )
}

/** An address for bytes that are here, for as long as they are shown. */
function useAddress(blob: Blob | undefined): string | undefined {
  const [url, setUrl] = useState<string>()
  useEffect(() => {
    if (blob === undefined) return undefined
    const address = URL.createObjectURL(blob)
    setUrl(address)
    return () => URL.revokeObjectURL(address)
  }, [blob])
  return url
}
