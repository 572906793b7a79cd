/** @jsxImportSource preact */
import type { TargetedSubmitEvent } from 'preact'
import type { File } from '../../client/index.ts'
import { Field, filledIn } from '../parts/field.tsx'
import { countText, instantText, sizeText } from '../parts/format.ts'
import { useList } from '../parts/loading.ts'
import { ListTable } from '../parts/list-table.tsx'
import type { Column } from '../parts/table.tsx'
import { go, hrefOf } from '../route.ts'
import { useSession } from '../session.ts'
import { ChooseFiles } from '../uploads/drop-zone.tsx'
import { useDone } from '../uploads/queue.ts'
import { typeText } from './media.ts'

const FILTERS = ['q', 'participant', 'category', 'source', 'tag', 'uploadedAfter', 'uploadedBefore'] as const
type Filter = (typeof FILTERS)[number]
type Filters = Readonly<Record<Filter, string>>

const filtersIn = (query: URLSearchParams): Filters =>
  // Every one of them, by its name.
  Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? ''])) as Filters

/** A day as a field of a form has it, as the instant at which it begins here. */
const dayStart = (day: string): string => new Date(`${day}T00:00:00`).toISOString()

function questionOf(filters: Filters) {
  const { tag, uploadedAfter, uploadedBefore, ...texts } = filters
  const said = Object.entries({
    ...texts,
    uploadedAfter: uploadedAfter && dayStart(uploadedAfter),
    uploadedBefore: uploadedBefore && dayStart(uploadedBefore),
  }).filter(([, value]) => value !== '')
  return { ...Object.fromEntries(said), tags: tag === '' ? [] : [tag] }
}

const COLUMNS: readonly Column<File>[] = [
  {
    title: 'Name',
    cell: (file) => (
      <>
        <a class="file-name" href={hrefOf('files', [file.id])}>
          <bdi>{file.name}</bdi>
        </a>
        {file.title !== null && <span class="quiet"> {file.title}</span>}
      </>
    ),
  },
  { title: 'Type', cell: ({ version }) => typeText(version?.mediaType) },
  { title: 'Category', cell: ({ category }) => category ?? '–' },
  { title: 'Visible to', cell: visibilityOf },
  { title: 'Size', isEnd: true, cell: ({ version }) => (version === null ? '–' : sizeText(version.size)) },
  { title: 'Uploaded', isEnd: true, cell: ({ listedAt }) => (listedAt === null ? '–' : instantText(listedAt)) },
]

const VISIBLE = { private: 'Owner', study: 'Study team', public: 'Everyone' } as const

function visibilityOf({ visibility, shared }: File) {
  return shared === null ? VISIBLE[visibility] : `${VISIBLE[visibility]}, shared with you`
}

export function FileList({ query }: Readonly<{ query: URLSearchParams }>) {
  const { carrel } = useSession()
  const filters = filtersIn(query)
  const done = useDone()
  const list = useList(
    (cursor) => carrel.files.search({ ...questionOf(filters), ...(cursor === undefined ? {} : { cursor }) }),
    [...FILTERS.map((name) => filters[name]), done],
  )
  const isFiltered = FILTERS.some((name) => filters[name] !== '')
  return (
    <>
      <div class="head">
        <h1>Files</h1>
        <ChooseFiles />
      </div>
      <Search key={query.toString()} filters={filters} onAgain={list.reload} />
      <p class="quiet" role="status">
        {list.items === undefined || list.isLoading
          ? 'Looking…'
          : `${countText(list.items.length, 'file')}${list.hasMore ? ', and there are more' : ''}`}
      </p>
      <ListTable
        caption="Files"
        columns={COLUMNS}
        keyOf={({ id }) => id}
        list={list}
        empty={
          <p class="empty">
            {isFiltered
              ? 'No file is like that.'
              : 'There are no files yet. Drop some anywhere in this window, or choose them by the button above.'}
          </p>
        }
      />
    </>
  )
}

type SearchProps = Readonly<{ filters: Filters; onAgain: () => void }>

function Search({ filters, onAgain }: SearchProps) {
  const { role } = useSession()
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const said = filledIn(event.currentTarget)
    // Where one is already nothing changes, but for what others have done since.
    if (FILTERS.every((name) => said(name) === filters[name])) return onAgain()
    return go(hrefOf('files', [], Object.fromEntries(FILTERS.map((name) => [name, said(name)]))))
  }
  const isOpen = FILTERS.some((name) => name !== 'q' && filters[name] !== '')
  return (
    <form class="search" role="search" onSubmit={submit}>
      <div class="words">
        <Field label="Search" hint="Words of the name, title or description.">
          {(named) => <input {...named} type="search" name="q" defaultValue={filters.q} />}
        </Field>
        <button type="submit">Search</button>
      </div>
      <details open={isOpen}>
        <summary>More filters</summary>
        <div class="columns">
          {role !== 'participant' && <TextFilter label="Participant" name="participant" filters={filters} />}
          <TextFilter label="Category" name="category" filters={filters} />
          <TextFilter label="Source" name="source" filters={filters} />
          <TextFilter label="Tag" name="tag" filters={filters} />
          <DayFilter label="Uploaded from" name="uploadedAfter" filters={filters} />
          <DayFilter label="Uploaded before" name="uploadedBefore" filters={filters} />
        </div>
        <a class="button plain" href={hrefOf('files')}>
          Clear the filters
        </a>
      </details>
    </form>
  )
}

type FilterProps = Readonly<{ label: string; name: Filter; filters: Filters }>

const TextFilter = ({ label, name, filters }: FilterProps) => (
  <Field label={label}>{(named) => <input {...named} name={name} defaultValue={filters[name]} />}</Field>
)
const DayFilter = ({ label, name, filters }: FilterProps) => (
  <Field label={label}>{(named) => <input {...named} type="date" name={name} defaultValue={filters[name]} />}</Field>
)
