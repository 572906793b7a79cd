/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import type { Carrel } from '../../client/index.ts'
import { Field, filledIn } from '../parts/field.tsx'
import { instantText, sizeText } from '../parts/format.ts'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import type { Column } from '../parts/table.tsx'
import { go, hrefOf } from '../route.ts'
import { useSession } from '../session.ts'

type Document = Awaited<ReturnType<ReturnType<Carrel['documents']['list']>['all']>>[number]

const columnsFor = (participant: string): readonly Column<Document>[] => [
  {
    title: 'Document',
    cell: ({ identifier }) => (
      <a class="file-name" href={hrefOf('documents', [participant, identifier])}>
        <bdi>{identifier}</bdi>
      </a>
    ),
  },
  { title: 'Size', isEnd: true, cell: ({ size }) => sizeText(size) },
  { title: 'Changed', isEnd: true, cell: ({ updatedAt }) => instantText(updatedAt) },
]

export function DocumentList({ participant }: Readonly<{ participant: string }>) {
  const { carrel } = useSession()
  const list = useList(
    (cursor) => carrel.documents.list(participant, cursor === undefined ? {} : { cursor }),
    [participant],
  )
  const make = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    go(hrefOf('documents', [participant, filledIn(event.currentTarget)('identifier')]))
  }
  return (
    <>
      <h1>Documents</h1>
      {participant !== 'me' && (
        <p class="quiet">
          Of <bdi>{participant}</bdi>
        </p>
      )}
      <form class="search" onSubmit={make}>
        <div class="words">
          <Field label="Document" hint="The name of one that is there, or of a new one.">
            {(named) => <input {...named} name="identifier" required maxLength={255} autoComplete="off" />}
          </Field>
          <button type="submit">Open</button>
        </div>
      </form>
      <ListTable
        caption="Documents"
        columns={columnsFor(participant)}
        keyOf={({ identifier }) => identifier}
        list={list}
        empty={<p class="empty">There are no documents yet.</p>}
      />
    </>
  )
}
