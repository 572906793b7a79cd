/** @jsxImportSource preact */
import { useState } from 'preact/hooks'
import type { Carrel } from '../../client/index.ts'
import { ConfirmDialog } from '../parts/dialog.tsx'
import { instantText, sizeText } from '../parts/format.ts'
import { useLoaded } from '../parts/loading.ts'
import { ProblemMessage } from '../parts/problem.tsx'
import { useSaidTask, useToast } from '../parts/toasts.tsx'
import { go, hrefOf } from '../route.ts'
import { type Session, useSession } from '../session.ts'
import { useDone } from '../uploads/queue.ts'
import { Details } from './file-details.tsx'
import { DownloadButton } from './file-download.tsx'
import { Grants } from './file-grants.tsx'
import { Links } from './file-links.tsx'
import { Preview } from './file-preview.tsx'
import { Versions } from './file-versions.tsx'
import { typeText, VERIFIED } from './media.ts'

/** A file as it was read, and its ETag. */
export type FileRead = Awaited<ReturnType<Carrel['files']['get']>>
export type OfFile = Readonly<{ file: FileRead; onChange: () => void }>

/** What is offered of a file; what is allowed is for the service to say. */
function offeredTo({ role, participant }: Session, file: FileRead) {
  const isOwn = role === 'participant' && file.participant === participant
  const isTeams = role !== 'participant' && file.visibility !== 'private'
  return {
    edit: isOwn || isTeams,
    remove: isOwn || role === 'admin',
    share: isOwn || (role === 'admin' && isTeams),
    link: isOwn || isTeams,
    replace: file.participant !== null && (isOwn || isTeams),
  }
}

/** One file: what it is, and what can be done with it. */
export function FileView({ id }: Readonly<{ id: string }>) {
  const session = useSession()
  const done = useDone()
  const { value: file, failure, reload } = useLoaded(async () => session.carrel.files.get(id), [id, done])
  if (file === undefined) {
    return (
      <>
        <Back />
        <h1>File</h1>
        {failure === undefined ? <p class="waiting">Looking…</p> : <ProblemMessage failure={failure} />}
      </>
    )
  }
  const offered = offeredTo(session, file)
  return (
    <>
      <Back />
      <div class="head">
        <h1>
          <bdi>{file.name}</bdi>
        </h1>
        {file.version !== null && <DownloadButton file={file.id} version={file.version} isMain />}
      </div>
      <Facts file={file} />
      {file.version !== null && <Preview key={file.version.id} file={file.id} version={file.version} />}
      {offered.link && file.version !== null && <Links file={file} />}
      {offered.edit && <Details file={file} onChange={reload} />}
      {offered.share && <Grants file={file} />}
      <Versions file={file} mayReplace={offered.replace} />
      {offered.remove && <Remove file={file} />}
    </>
  )
}

const Back = () => (
  <p>
    <a class="back" href={hrefOf('files')}>
      All files
    </a>
  </p>
)

function Facts({ file }: Readonly<{ file: FileRead }>) {
  const { version } = file
  const facts: readonly (readonly [string, string])[] = [
    ...(file.title === null ? [] : [['Title', file.title] as const]),
    ...(version === null
      ? [['Content', 'None yet: its upload is not complete.'] as const]
      : ([
          ['Type', typeText(version.mediaType)],
          ['Size', sizeText(version.size)],
          ['Uploaded', instantText(version.completedAt)],
          ['Checked', VERIFIED[version.verified]],
        ] as const)),
    ['Owner', file.participant ?? 'The study'],
    ...(file.tags.length === 0 ? [] : [['Tags', file.tags.join(', ')] as const]),
  ]
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <bdi>{value}</bdi>
          </dd>
        </div>
      ))}
    </dl>
  )
}

function Remove({ file }: Readonly<{ file: FileRead }>) {
  const { carrel } = useSession()
  const say = useToast()
  const { run } = useSaidTask()
  const [isAsking, setAsking] = useState(false)
  const remove = () => {
    setAsking(false)
    run(async () => {
      await carrel.files.delete(file.id)
      say('The file is deleted.')
      go(hrefOf('files'))
    })
  }
  return (
    <section class="card" aria-labelledby="remove">
      <h2 id="remove">Delete</h2>
      <p>The file goes with all its versions, links and shares. Nobody can bring it back.</p>
      <div class="actions">
        <button type="button" onClick={() => setAsking(true)}>
          Delete this file
        </button>
      </div>
      {isAsking && (
        <ConfirmDialog title="Delete this file?" action="Delete" onConfirm={remove} onClose={() => setAsking(false)}>
          <p>
            <bdi>{file.name}</bdi> goes with all its versions, for everyone.
          </p>
        </ConfirmDialog>
      )}
    </section>
  )
}
