/** @jsxImportSource preact */
import { type ComponentChildren, createContext, type TargetedDragEvent, type TargetedEvent } from 'preact'
import { useCallback, useContext, useRef, useState } from 'preact/hooks'
import { countText } from '../parts/format.ts'
import { useSaidTask, useToast } from '../parts/toasts.tsx'
import { useSession } from '../session.ts'
import { droppedFiles } from './dropped.ts'
import type { UploadSaying } from './kept.ts'
import { addFiles } from './queue.ts'

type Chosen = Readonly<{ saying: UploadSaying; changeSaying: (change: UploadSaying) => void }>
const ChosenContext = createContext<Chosen>({ saying: {}, changeSaying: () => undefined })

/** What is said of the files that are sent from now on. */
export const useSaying = (): Chosen => useContext(ChosenContext)

const hasFiles = ({ dataTransfer }: DragEvent): boolean => dataTransfer?.types.includes('Files') ?? false

/** The whole window takes files, and shows it. */
export function DropZone({ children }: Readonly<{ children: ComponentChildren }>) {
  const { role } = useSession()
  const say = useToast()
  const { run } = useSaidTask()
  const [saying, setSaying] = useState<UploadSaying>(role === 'participant' ? {} : { participant: null })
  const changeSaying = useCallback((change: UploadSaying) => setSaying((before) => ({ ...before, ...change })), [])
  const [isOver, setOver] = useState(false)
  const over = (event: TargetedDragEvent<HTMLDivElement>) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    setOver(true)
  }
  const add = (files: readonly File[]) => {
    addFiles(files, saying)
    say(`${countText(files.length, 'file')} added to the uploads.`)
  }
  const drop = (event: TargetedDragEvent<HTMLDivElement>) => {
    setOver(false)
    if (!hasFiles(event) || event.dataTransfer === null) return
    event.preventDefault()
    const dropped = droppedFiles(event.dataTransfer)
    run(async () => add(await dropped))
  }
  return (
    <ChosenContext.Provider value={{ saying, changeSaying }}>
      <div
        class={isOver ? 'window taking' : 'window'}
        onDragEnter={over}
        onDragOver={over}
        onDragLeave={(event) => event.relatedTarget === null && setOver(false)}
        onDrop={drop}
      >
        {children}
        {isOver && <p class="drop-here">Drop to upload</p>}
      </div>
    </ChosenContext.Provider>
  )
}

/** The button that opens the system's own window for choosing files. */
export function ChooseFiles({ label = 'Upload files' }: Readonly<{ label?: string }>) {
  const { saying } = useSaying()
  const say = useToast()
  const input = useRef<HTMLInputElement>(null)
  const take = ({ currentTarget }: TargetedEvent<HTMLInputElement>) => {
    const files = [...(currentTarget.files ?? [])]
    addFiles(files, saying)
    if (files.length > 0) say(`${countText(files.length, 'file')} added to the uploads.`)
    // The same ones may be chosen again.
    currentTarget.value = ''
  }
  return (
    <>
      <button type="button" class="main" onClick={() => input.current?.click()}>
        {label}
      </button>
      <input ref={input} type="file" multiple hidden aria-label={label} onChange={take} />
    </>
  )
}
