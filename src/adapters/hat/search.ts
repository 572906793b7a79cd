import { type FileQuery, getFile, listFiles } from '../../domain/files.ts'
import type { File } from '../../model/entities.ts'
import { DomainError } from '../../model/errors.ts'
import type { Handle } from '../../model/ids.ts'
import type { Call } from './access.ts'
import type { Template } from './bodies.ts'

// HAT's search has no pages. Here it is read in pages, so many and no more.

const PAGE_FILES = 250
const MAX_PAGES = 4
/** What one search finds at most. */
export const MAX_FOUND = PAGE_FILES * MAX_PAGES
/** How many parts of a template's texts narrow what is looked at; all of them are asked of what is found. */
const MAX_WORDS = 10

const plain = (value: string): string => value.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
const wordsIn = (value: string): string[] => plain(value).match(/[\p{L}\p{N}]+/gu) ?? []

/** Where no space stands between words, a part of the text is as good as one. */
const isFoundIn = (word: string, value: string, words: readonly string[]): boolean =>
  words.some((each) => each.startsWith(word)) || (/[^ -~]/.test(word) && plain(value).includes(word))

/** Whether a text is just what is asked for, or has each of its words, or words that begin with them. */
function says(value: string | null, asked: string | undefined): boolean {
  if (asked === undefined || asked === '' || value === asked) return true
  const [wanted, words] = [wordsIn(asked), wordsIn(value ?? '')]
  return wanted.length > 0 && wanted.every((word) => isFoundIn(word, value ?? '', words))
}

const HAS_STATUS = { New: 'pending', Completed: 'complete', Initialized: undefined, Deleted: undefined } as const

const matches = (file: File, { name, source, title, description, tags, status }: Template): boolean =>
  says(file.name, name) &&
  says(file.source, source) &&
  says(file.title, title) &&
  says(file.description, description) &&
  tags.every((tag) => file.tags.includes(tag)) &&
  (status === undefined || HAS_STATUS[status] === file.content.status)

/** What is looked at: each of these lists, of which every file that a template means is on one at least. */
function listsFor({ name, source, title, description, tags }: Template, { owner }: Call): Omit<FileQuery, 'status'>[] {
  const all = {
    participant: { id: owner },
    category: undefined,
    source: undefined,
    name: undefined,
    tags,
    from: undefined,
    until: undefined,
  }
  const asked = [name, title ?? '', description ?? ''].join(' ')
  if (wordsIn(asked).length > 0) return [{ ...all, q: asked.trim().split(/\s+/u).slice(0, MAX_WORDS).join(' ') }]
  if (name !== '') return [{ ...all, name }]
  // Of that source in full, and of what else there is for the word in its source.
  return source === '' ? [all] : [{ ...all, source }, all]
}

/** What was found; not all of it, where more was to be looked at than is. */
export type Found = Readonly<{ files: File[]; isAll: boolean }>

async function gather({ scope, study }: Call, query: FileQuery): Promise<Found> {
  const files: File[] = []
  let cursor: string | undefined
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { items, nextCursor } = await listFiles(scope, study, { query, page: { limit: PAGE_FILES, cursor } })
    files.push(...items)
    if (nextCursor === null) return { files, isAll: true }
    cursor = nextCursor
  }
  return { files, isAll: false }
}

/** The one of an id, if the caller may see it. */
async function findById({ scope, study, owner }: Call, fileId: string): Promise<File[]> {
  try {
    // The schema let nothing else pass than what a handle is.
    return [await getFile(scope, study, { owner, handle: fileId as Handle })]
  } catch (failure) {
    if (failure instanceof DomainError && failure.code === 'file_not_found') return []
    throw failure
  }
}

/** The owner's files that a template means, those of them that the caller may see. */
export async function findFiles(call: Call, template: Template): Promise<Found> {
  const { fileId, status } = template
  if (fileId !== undefined) {
    return { files: (await findById(call, fileId)).filter((file) => matches(file, template)), isAll: true }
  }
  const statuses = (['complete', 'pending'] as const).filter(
    (each) => status === undefined || HAS_STATUS[status] === each,
  )
  const lists = listsFor(template, call).map(async (query) =>
    Promise.all(statuses.map(async (each) => gather(call, { ...query, status: each }))),
  )
  const [exact = [], ...others] = await Promise.all(lists)
  const found = new Map([exact, ...others].flat().flatMap(({ files }) => files.map((file) => [file.id, file])))
  const files = [...found.values()].filter((file) => matches(file, template))
  return { files: files.slice(0, MAX_FOUND), isAll: files.length <= MAX_FOUND && exact.every(({ isAll }) => isAll) }
}
