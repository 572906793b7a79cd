import { expect } from 'vitest'
import { callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'
import { sendingTo } from './faults.ts'
import { FILES } from './hat.ts'
import type { Target } from './hostile-doors.ts'
import {
  cellsOf,
  inTable,
  expectHarmlessRedirect,
  expectHarmlessUrl,
  expectSoundHeaders,
  lastOf,
  type Promised,
} from './hostile-told.ts'
import { filesOf, OWN } from './mydatahelps-files.ts'
import { PROJECT } from './openhumans.ts'
import type { Answer } from './callers.ts'
import { ok } from './world.ts'

// Where many names are told at once: lists, exports and tables, natively and in foreign protocols.

/** A file as some list tells it; what the list does not tell is left out. */
type Told = Readonly<{ id: string; name: string; type?: string; url?: string | null; isTable?: boolean }>

const json = ({ headers, body, status, text }: Answer) => {
  expectSoundHeaders({ headers })
  expect(headers.get('Content-Type')).toMatch(/^application\/json/)
  return ok({ status, body: status < 300 ? body : text })
}

type Native = { id: string; name: string; version: { mediaType: string } }
const told = ({ id, name, version }: Native): Told => ({ id, name, type: version.mediaType })

async function* listed({ person, study }: Target) {
  let cursor = ''
  do {
    const page = json(await person.get(`${study.path}/files?limit=100${cursor}`))
    yield page.items.map(told)
    cursor = page.nextCursor && `&cursor=${encodeURIComponent(page.nextCursor)}`
  } while (cursor !== null)
}

async function* found({ person, study }: Target) {
  let cursor: string | undefined
  do {
    const page = json(await person.post(`${study.path}/files/search`, { participant: 'me', limit: 100, cursor }))
    yield page.items.map(told)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

type Item = { kind: string; file: Native; version: { name: string; mediaType: string } | null; url: string | null }

/** With a URL of each version, under the name that the version has. */
async function* exported({ person, study }: Target) {
  let cursor = ''
  do {
    const manifest = json(await person.get(`${study.path}/participants/me/export${cursor}`))
    const items: Item[] = manifest.items.filter(({ kind, version }: Item) => kind === 'file' && version !== null)
    yield items.map(({ file, version, url }) => {
      expect(version?.name).toBe(file.name)
      return { id: file.id, name: file.name, type: version?.mediaType ?? '', url }
    })
    cursor = manifest.nextCursor && `?cursor=${encodeURIComponent(manifest.nextCursor)}`
  } while (cursor !== null)
}

export function linesOf(answer: Answer): Record<string, string>[] {
  expect(answer.status, answer.text.slice(0, 300)).toBe(200)
  expectSoundHeaders(answer)
  expect(answer.headers.get('Content-Type')).toBe('text/csv; charset=utf-8')
  expect(answer.headers.get('Content-Disposition')).toMatch(/^attachment; filename="[\w.-]+\.csv"$/)
  const [columns = [], ...rows] = cellsOf(answer.text)
  for (const cell of rows.flat()) expect(cell).not.toMatch(/^[=+\-@＝＋－＠\t\r\n]/)
  return rows.filter(({ length }) => length === columns.length).map((row) => lineOf(columns, row))
}
const lineOf = (columns: readonly string[], row: readonly string[]) =>
  Object.fromEntries(columns.map((column, index) => [column, row[index] ?? '']))

async function* tabled({ study }: Target) {
  let path = `${study.path}/manifest?format=csv`
  do {
    const lines = linesOf(await speaking(study.staff.key).get(path))
    yield lines.flatMap(({ kind, id = '', name = '', mediaType = '', location = '' }) =>
      kind === 'file' && mediaType !== '' ? [{ id, name, type: mediaType, url: location, isTable: true }] : [],
    )
    path = lines.find(({ kind }) => kind === 'next')?.['location'] ?? ''
  } while (path !== '')
}
const speaking = callersOf(sendingTo({}), () => ORIGIN)

/** A key ends in the file's own handle, which is its id where none was chosen. */
const idIn = (key: string): string => key.slice(key.lastIndexOf('/') + 1)

async function* toMyDataHelps({ person }: Target) {
  let page = ''
  do {
    const { files, nextPageID } = json(await person.get(`${OWN}?limit=100${page}`))
    yield files.map(({ key, fileName }: { key: string; fileName: string }) => ({ id: idIn(key), name: fileName }))
    page = nextPageID && `&pageID=${encodeURIComponent(nextPageID)}`
  } while (page !== null)
}

/** A place in a folder: from its root down, and never up. */
export const PLACE = /^(?:\/(?!\.+(?:\/|$))[^/\\\p{Cc}]+)+$/u

async function* tabledByMyDataHelps({ study }: Target) {
  const lines = linesOf(await speaking(study.worker.key).get(`${filesOf(study)}/UploadedFiles.csv`))
  for (const { ExportFilePath } of lines) expect(ExportFilePath).toMatch(PLACE)
  yield lines.map(({ FileKey = '', FileName = '' }) => ({ id: idIn(FileKey), name: FileName, isTable: true }))
}

type Exchanged = { id: number; basename: string; download_url: string }

/** Downloads of every eighth are asked for, too. */
export async function expectExchanged({ study, person, anyone }: Target, all: ReadonlyMap<number, Promised>) {
  const worker = speaking(study.worker.key)
  let seen = 0
  let url = `${PROJECT}/exchange-member/?project_member_id=${person.number}&limit=200`
  do {
    const page = json(await worker.get(url))
    for (const { id, basename, download_url } of page.data as Exchanged[]) {
      const given = all.get(id)
      if (given === undefined) continue
      seen += 1
      expect(basename).toBe(lastOf(given.name) || String(id))
      if (seen % 8 === 0) {
        const { hash } = expectHarmlessRedirect(await anyone.get(download_url), given)
        expect(decodeURIComponent(hash.slice(hash.lastIndexOf('/') + 1))).toBe(given.name)
      }
    }
    url = page.next
  } while (url !== null)
  return seen
}

/** HAT's search has no pages: it is asked for each source. */
export async function expectFoundByHat({ owner }: Target, source: string, all: ReadonlyMap<string, Promised>) {
  const files = json(await owner.post(`${FILES}/search`, { name: '', source }))
  for (const { fileId, name, contentUrl } of files as { fileId: string; name: string; contentUrl: string }[]) {
    const given = all.get(fileId)
    if (given === undefined) throw new Error(`nobody sent ${fileId}`)
    expect(name).toBe(given.name)
    expectHarmlessUrl(contentUrl, given)
  }
  return files.length
}

export const LISTS: Readonly<Record<string, (target: Target) => AsyncGenerator<readonly Told[]>>> = {
  'the list': listed,
  'the search': found,
  'the export': exported,
  'the table of the study': tabled,
  'the list of MyDataHelps': toMyDataHelps,
  'the table of MyDataHelps': tabledByMyDataHelps,
}

/** All that a list tells is as it was sent; answers with the ids of what it told. */
export async function expectListed(
  lists: AsyncGenerator<readonly Told[]>,
  all: ReadonlyMap<string, Promised>,
): Promise<Set<string>> {
  const ids = new Set<string>()
  for await (const files of lists) {
    for (const { id, name, type, url, isTable = false } of files) {
      const given = all.get(id)
      if (given === undefined) continue
      ids.add(id)
      const asTold = isTable ? inTable : String
      expect(name).toBe(asTold(given.name))
      if (type !== undefined) expect(type).toBe(asTold(given.type))
      if (url !== undefined) expectHarmlessUrl(url ?? '', given)
    }
  }
  return ids
}
