/** @jsxImportSource preact */
import type { TargetedEvent } from 'preact'
import type { Carrel } from '../../client/index.ts'
import { instantText, sizeText } from '../parts/format.ts'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import type { Column } from '../parts/table.tsx'
import { useToast } from '../parts/toasts.tsx'
import { useSession } from '../session.ts'
import { addFiles } from '../uploads/queue.ts'
import type { FileRead } from './file.tsx'
import { DownloadButton } from './file-download.tsx'

type Version = Awaited<ReturnType<Carrel['files']['version']>>
type VersionsProps = Readonly<{ file: FileRead; mayReplace: boolean }>

/** What the file has been; the current one is the first. */
export function Versions({ file, mayReplace }: VersionsProps) {
  const { carrel } = useSession()
  const list = useList(
    (cursor) => carrel.files.versions(file.id, cursor === undefined ? {} : { cursor }),
    [file.id, file.version?.id],
  )
  const columns: readonly Column<Version>[] = [
    {
      title: 'Version',
      cell: ({ id, name }) => (
        <>
          <bdi>{name}</bdi> {id === file.version?.id && <span class="quiet">current</span>}
        </>
      ),
    },
    { title: 'Uploaded', cell: ({ completedAt }) => instantText(completedAt) },
    { title: 'Size', isEnd: true, cell: ({ size }) => sizeText(size) },
    {
      title: 'Actions',
      isEnd: true,
      cell: (version) => (
        <DownloadButton file={file.id} version={version} label={`Download ${instantText(version.completedAt)}`} />
      ),
    },
  ]
  return (
    <section class="card" aria-labelledby="versions">
      <div class="head">
        <h2 id="versions">Versions</h2>
        {mayReplace && <NewVersion file={file} />}
      </div>
      <ListTable caption="Versions" columns={columns} keyOf={({ id }) => id} list={list} />
    </section>
  )
}

/** The one before stays until the new one is complete, and afterwards as the study keeps versions. */
function NewVersion({ file }: Readonly<{ file: FileRead }>) {
  const say = useToast()
  const take = ({ currentTarget }: TargetedEvent<HTMLInputElement>) => {
    const [chosen] = currentTarget.files ?? []
    if (chosen === undefined || file.participant === null) return
    addFiles([chosen], { participant: file.participant, handle: file.handle ?? file.id })
    say('The new version is among the uploads.')
    currentTarget.value = ''
  }
  return (
    <label class="button">
      Upload a new version
      <input type="file" class="unseen" onChange={take} />
    </label>
  )
}
