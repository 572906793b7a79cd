import { createWriteStream } from 'node:fs'
import { appendFile, mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { z } from 'zod'
import type { Desk, Program, Signed } from './desk.ts'
import { exactPages, exchange } from './exact.ts'
import { exitOfAll, isThere, type Told } from './failures.ts'
import { localName, uniqueName } from './names.ts'
import { readIfThere, writePrivately } from './private-files.ts'
import { type Progress, progressOn } from './progress.ts'
import { entriesAt } from './reports.ts'
import { save, sizeAt } from './saving.ts'
import { facts } from './shown.ts'
import { sideBySide } from './side-by-side.ts'

const AT_ONCE = 4

const FileItem = z.looseObject({
  kind: z.literal('file'),
  file: z.looseObject({ id: z.string() }),
  version: z
    .looseObject({
      id: z.string(),
      number: z.number(),
      name: z.string(),
      size: z.number(),
      md5: z.string().nullable(),
      sha256: z.string().nullable(),
      verified: z.enum(['storage', 'read', 'no']),
    })
    .nullable(),
  url: z.string().nullable(),
})
const ValueItem = z.looseObject({
  kind: z.enum(['document', 'report']),
  participant: z.string(),
  identifier: z.string(),
})
/** What is known of who shares what stands in the manifest alone. */
const OtherItem = z.looseObject({ kind: z.enum(['grant', 'shared']) })
const Item = z.union([FileItem, ValueItem, OtherItem])
type Item = z.infer<typeof Item>
const Page = z.looseObject({
  participant: z.looseObject({ id: z.string() }),
  exportedAt: z.string(),
  items: z.array(Item),
})

type Exporting = Readonly<{ desk: Desk; signed: Signed; progress: Progress; folder: string }>

async function saveFile(
  exporting: Exporting,
  { file, version, url }: z.infer<typeof FileItem>,
): Promise<string | null> {
  if (version === null || url === null) return null
  const name = `${uniqueName(String(version.number))}-${localName(version.name)}`
  const target = join(exporting.folder, 'files', uniqueName(file.id), name)
  // It has its name once all of it is there, and a version never changes.
  if ((await sizeAt(target)) === version.size) return target
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  await save({ ...exporting, name: version.name }, { file: file.id, version, target }, { force: true })
  return target
}

async function saveDocument(
  { desk, signed, folder }: Exporting,
  { participant, identifier }: z.infer<typeof ValueItem>,
) {
  const path = ['participants', participant, 'documents', identifier]
  const { text } = await exchange(signed, { method: 'GET', path }, desk)
  const target = join(folder, 'documents', `${uniqueName(identifier)}.json`)
  await writePrivately(target, text)
  return target
}

async function saveReport({ desk, signed, folder }: Exporting, { participant, identifier }: z.infer<typeof ValueItem>) {
  const path = ['participants', participant, 'reports', identifier, 'entries']
  const target = join(folder, 'reports', `${uniqueName(identifier)}.jsonl`)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  const lines = async function* () {
    for await (const entry of entriesAt(signed, { path, query: { limit: '100' } }, desk))
      yield `${JSON.stringify(entry)}\n`
  }
  await pipeline(Readable.from(lines()), createWriteStream(`${target}.part`, { mode: 0o600 }), { signal: desk.signal })
  await rename(`${target}.part`, target)
  return target
}

async function saveItem(exporting: Exporting, item: Item): Promise<string | null> {
  if (FileItem.safeParse(item).success) return saveFile(exporting, FileItem.parse(item))
  const value = ValueItem.safeParse(item)
  if (!value.success) return null
  return value.data.kind === 'document' ? saveDocument(exporting, value.data) : saveReport(exporting, value.data)
}

/** A folder is one participant's: what was begun of it goes on, and what is somebody's else is left alone. */
async function mustBeOurs(folder: string, whose: object): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const mark = join(folder, 'export.json')
  const text = `${JSON.stringify(whose, null, 2)}\n`
  const there = await readIfThere(mark)
  if (there === text) return
  if (there !== undefined) throw isThere('That folder has another export in it.')
  if ((await readdir(folder)).length > 0) throw isThere('That folder is not empty, and has no export in it.')
  await writePrivately(mark, text)
}

type Outcome = { saved: number; failures: Told[] }

/** Saves what the manifest names, and writes it down; under its name the manifest is there once all of it is. */
async function walk(exporting: Exporting, participant: string): Promise<Outcome> {
  const { desk, signed, folder } = exporting
  const [draft, manifest] = [join(folder, 'manifest.jsonl.part'), join(folder, 'manifest.jsonl')]
  await rm(draft, { force: true })
  const write = async (line: object) => appendFile(draft, `${JSON.stringify(line)}\n`, { mode: 0o600 })
  const outcome: Outcome = { saved: 0, failures: [] }
  async function* items(): AsyncGenerator<Item> {
    let isFirst = true
    for await (const told of exactPages(signed, { path: ['participants', participant, 'export'] }, desk)) {
      const { items: some, participant: profile, exportedAt } = Page.parse(told)
      if (isFirst) await write({ kind: 'participant', exportedAt, participant: profile })
      isFirst = false
      yield* some
    }
  }
  await sideBySide(items(), AT_ONCE, async (item) => {
    try {
      const path = await saveItem(exporting, item)
      if (path !== null) outcome.saved += 1
      // The links to the bytes are for hours, and for whoever has them.
      const { url: _link, ...known } = { url: null, ...item }
      await write({ ...known, saved: path === null ? null : relative(folder, path) })
    } catch (failure) {
      outcome.failures.push(desk.complain(failure, item.kind))
    }
  })
  if (outcome.failures.length === 0) await rename(draft, manifest)
  return outcome
}

export function addExport(program: Program, desk: Desk): void {
  program
    .command('export')
    .description('Everything of a participant into a folder; interrupted, the same command goes on')
    .argument('<folder>')
    .argument('[participant]', 'id', 'me')
    .action(async (said, asked) => {
      const signed = await desk.signed()
      const folder = resolve(desk.terminal.cwd, said)
      const { id } = await signed.carrel.participants.get(asked, desk.call)
      await mustBeOurs(folder, { url: signed.url, study: signed.study, participant: id })
      const progress = progressOn(desk.terminal.stderr, { isQuiet: desk.json })
      try {
        const { saved, failures } = await walk({ desk, signed, progress, folder }, id)
        desk.exit = exitOfAll(failures)
        const told = { participant: id, folder, saved, failed: failures.length }
        await desk.tell(told, facts(told))
      } finally {
        progress.stop()
        if (desk.signal.aborted) desk.note('The same command goes on from here.')
      }
    })
}
