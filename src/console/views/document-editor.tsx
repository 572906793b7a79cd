/** @jsxImportSource preact */
import { useRef, useState } from 'preact/hooks'
import { type Carrel, CarrelError } from '../../client/index.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { Field } from '../parts/field.tsx'
import { lineAt, lineOf, lineRange, prettyJson, readJson } from '../parts/json-text.ts'
import { useLoaded } from '../parts/loading.ts'
import { ProblemMessage } from '../parts/problem.tsx'
import { useTask } from '../parts/task.ts'
import { useToast } from '../parts/toasts.tsx'
import { go, hrefOf } from '../route.ts'
import { useSession } from '../session.ts'

type Name = Readonly<{ participant: string; identifier: string }>
type Known = Readonly<{ text: string; etag: string | null }>
type Wrong = Readonly<{ line: number; message: string }>

const isCode = (failure: unknown, code: string): failure is CarrelError =>
  failure instanceof CarrelError && failure.code === code

/** A document, or that there is none yet. */
async function readDocument(carrel: Carrel, name: Name): Promise<Known> {
  try {
    const { value, etag } = await carrel.documents.get(name)
    return { text: prettyJson(value), etag }
  } catch (failure) {
    if (isCode(failure, 'document_not_found')) return { text: '{}', etag: null }
    throw failure
  }
}

export function DocumentEditor(name: Name) {
  const { carrel } = useSession()
  const {
    value: known,
    failure,
    reload,
  } = useLoaded(async () => readDocument(carrel, name), [name.participant, name.identifier])
  return (
    <>
      <a class="back" href={hrefOf('documents', [name.participant])}>
        Documents
      </a>
      <h1>
        <bdi>{name.identifier}</bdi>
      </h1>
      <ProblemMessage failure={failure} />
      {known !== undefined && <Editor key={known.etag} name={name} known={known} onReload={reload} />}
    </>
  )
}

type EditorProps = Readonly<{ name: Name; known: Known; onReload: () => void }>

function Editor({ name, known, onReload }: EditorProps) {
  const { carrel } = useSession()
  const say = useToast()
  const [text, setText] = useState(known.text)
  const [etag, setEtag] = useState(known.etag)
  const [wrong, setWrong] = useState<readonly Wrong[]>([])
  const [isDeleting, setDeleting] = useState(false)
  const area = useRef<HTMLTextAreaElement>(null)
  const { failure, isBusy, run } = useTask((reason) => {
    if (!isCode(reason, 'document_invalid')) return
    const read = readJson(text)
    if ('value' in read) {
      setWrong(reason.errors.map(({ pointer, message }) => ({ line: lineAt(read.value, pointer), message })))
    }
  })

  const put = (value: unknown, at: string | null) => {
    run(async () => {
      const options = at === null ? { ifNoneMatch: '*' } : { ifMatch: at }
      const saved = await carrel.documents.put(name, value, options)
      setEtag(saved.etag)
      say('It is saved.')
    })
  }
  const saveOver = (theirs: string | null) => {
    const read = readJson(text)
    if ('value' in read) put(read.value, theirs)
  }
  const save = (event: Event) => {
    event.preventDefault()
    const read = readJson(text)
    if ('problem' in read) {
      setWrong([{ line: lineOf(text, read.problem.from), message: read.problem.message }])
      return
    }
    setWrong([])
    // What is told of a place in it is then told of a line that is there.
    setText(prettyJson(read.value))
    put(read.value, etag)
  }
  const showLine = ({ line }: Wrong) => {
    const [from, to] = lineRange(text, line)
    area.current?.focus()
    area.current?.setSelectionRange(from, to)
  }
  const remove = () => {
    setDeleting(false)
    run(async () => {
      await carrel.documents.delete(name)
      say('It is deleted.')
      go(hrefOf('documents', [name.participant]))
    })
  }
  const isConflict = isCode(failure, 'revision_mismatch')
  return (
    <form onSubmit={save}>
      <Field label="Content" hint="JSON. Tab leaves the field.">
        {(named) => (
          <textarea
            {...named}
            ref={area}
            class="json"
            rows={16}
            spellcheck={false}
            value={text}
            aria-invalid={wrong.length > 0}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        )}
      </Field>
      <Places wrong={wrong} onShow={showLine} />
      {isConflict ? (
        <Conflict name={name} onTheirs={onReload} onMine={saveOver} />
      ) : (
        wrong.length === 0 && <ProblemMessage failure={failure} />
      )}
      <div class="actions">
        <button type="submit" class="main" aria-disabled={isBusy}>
          Save
        </button>
        {etag !== null && (
          <button type="button" onClick={() => setDeleting(true)}>
            Delete
          </button>
        )}
      </div>
      {isDeleting && (
        <ConfirmDialog title="Delete it?" action="Delete it" onConfirm={remove} onClose={() => setDeleting(false)}>
          <p>
            <bdi>{name.identifier}</bdi> goes for good.
          </p>
        </ConfirmDialog>
      )}
    </form>
  )
}

type PlacesProps = Readonly<{ wrong: readonly Wrong[]; onShow: (place: Wrong) => void }>

/** What is wrong, line by line; each leads to its line. */
function Places({ wrong, onShow }: PlacesProps) {
  if (wrong.length === 0) return null
  return (
    <div class="problem" role="alert">
      <p>This is not saved:</p>
      <ul>
        {wrong.map((place, index) => (
          <li key={`${index} ${place.message}`}>
            <button type="button" class="plain" onClick={() => onShow(place)}>
              Line {place.line}
            </button>{' '}
            <span dir="auto">{place.message}</span>
          </li>
        ))}
      </ul>
    </div>
  )
}

type ConflictProps = Readonly<{ name: Name; onTheirs: () => void; onMine: (etag: string | null) => void }>

/** What is stored is not what was opened: whoever edits sees it, and says which of the two is to stay. */
function Conflict({ name, onTheirs, onMine }: ConflictProps) {
  const { carrel } = useSession()
  const { value: theirs, failure } = useLoaded(async () => readDocument(carrel, name), [])
  return (
    <section class="problem" role="alert" aria-label="It was changed meanwhile">
      <p>
        It was changed elsewhere since you opened it, and yours is not saved, so that neither is lost. This is what is
        there now:
      </p>
      <ProblemMessage failure={failure} />
      {theirs !== undefined && (
        <>
          <pre class="json">{theirs.etag === null ? '(It is deleted.)' : theirs.text}</pre>
          <div class="actions">
            <button type="button" onClick={onTheirs}>
              Take theirs
            </button>
            <button type="button" onClick={() => onMine(theirs.etag)}>
              Save mine over it
            </button>
          </div>
        </>
      )}
    </section>
  )
}
