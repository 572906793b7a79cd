import { aDocument } from './documents.ts'
import { type FileEntry, aFile } from './files.ts'
import { aHandle } from './handles.ts'
import { type Content, type Desk, type Entry, listed, type Wrong } from './journal.ts'
import { aLink } from './links.ts'
import type { Random } from './random.ts'

/** One part and a little, as a part is 8 MiB. */
const TWO_PARTS = 8 * 1024 ** 2 + 1_000
const MAX_BYTES = 60_000

export type Client = Readonly<{
  entries: readonly Entry[]
  /** Goes on with what was cut off, and then does one thing after the other until it fails. */
  work: () => Promise<never>
  /** Once everything is at its end: what is listed and was not made, or was made and is not listed. */
  unlisted: () => Promise<Wrong[]>
}>

/** What a participant's phone does, by chance; `others` are things that somebody else does meanwhile. */
export function aClient(
  desk: Desk,
  { random, others }: { random: Random; others: Readonly<Record<'sweep' | 'erase', () => Promise<void>>> },
): Client {
  const entries: Entry[] = []
  const files: FileEntry[] = []
  const linked = new Set<FileEntry>()
  const [handle, document] = [aHandle(desk, 'diary'), aDocument(desk, 'preferences')]
  entries.push(handle, document)
  let count = 0

  const someContent = (size = 1 + random.below(MAX_BYTES)): Content => ({ seed: random.below(2 ** 30), size })

  async function upload(parts: boolean, content = someContent()) {
    const file = aFile(desk, { name: `file-${(count += 1)}`, content, parts })
    entries.push(file)
    files.push(file)
    await file.goOn()
  }

  async function remove() {
    await random.oneOf(files.filter((file) => file.isKept() && !linked.has(file)))?.remove()
  }

  async function link() {
    const file = random.oneOf(files.filter((each) => each.isKept()))
    const id = file?.id()
    if (file === undefined || id === undefined) return
    linked.add(file)
    const delivery = random.oneOf(['redirect', 'stream'] as const) ?? 'stream'
    const entry = aLink(desk, { file: id, content: file.content, delivery })
    entries.push(entry)
    await entry.goOn()
  }

  const writeDocument = async () =>
    document.become(random.below(4) === 0 ? undefined : JSON.stringify({ written: random.below(2 ** 30) }))

  /** How often each is done, of all together. */
  const deeds: readonly (readonly [number, () => Promise<void>])[] = [
    [25, async () => upload(false)],
    [10, async () => upload(true)],
    [1, async () => upload(true, someContent(TWO_PARTS))],
    [20, async () => handle.replace(someContent())],
    [12, remove],
    [15, link],
    [15, writeDocument],
    [3, others.sweep],
    [4, others.erase],
  ]
  const lots = deeds.flatMap(([often, deed]) => Array.from({ length: often }, () => deed))

  async function work(): Promise<never> {
    for (const entry of entries) await entry.goOn()
    for (;;) await random.oneOf(lots)?.()
  }

  async function unlisted(): Promise<Wrong[]> {
    const { study, participant } = desk
    const items = await listed<{ id: string; handle: string | null }>(participant, `${study.path}/files`)
    const found = items.filter((item) => item.handle === null).map(({ id }) => id)
    const kept = files.filter((file) => file.isKept()).map((file) => file.id())
    return [
      ...kept
        .filter((id) => !found.includes(id ?? ''))
        .map((id): Wrong => ({ kind: 'lost', what: `${id} on the list` })),
      ...found.filter((id) => !kept.includes(id)).map((id): Wrong => ({ kind: 'twice', what: `${id} on the list` })),
    ]
  }

  return { entries, work, unlisted }
}
