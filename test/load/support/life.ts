import { aDocument } from '../../crash/support/documents.ts'
import { aFile, type FileEntry } from '../../crash/support/files.ts'
import { answered, type Content, type Entry, type Wrong, written } from '../../crash/support/journal.ts'
import { bridge, hat, kidsFirst, myDataHelps, openHumans } from './foreign.ts'
import { addEntries, countInDocument, find, followLink, share } from './native.ts'
import { aName, MAX_BYTES, must, type Seat } from './seat.ts'

/** More than that nobody keeps: what is stored is as much after an hour as after a minute. */
const MOST_FILES = 6

export type Life = Readonly<{
  /** One thing after the other. */
  act: () => Promise<void>
  /** What was acknowledged and is not there. */
  wrongs: () => Promise<Wrong[]>
  /** The end of it: all that is theirs goes, and their key with it. */
  erase: () => Promise<void>
}>

/** What a participant and their study's team do, by chance, until the participant is erased. */
export function aLife(seat: Seat): Life {
  const { study, participant, random } = seat
  const document = aDocument(seat, 'preferences')
  const files: FileEntry[] = []
  const gone: FileEntry[] = []
  const kept = () => files.filter((file) => file.isKept())

  const someContent = (): Content => ({ seed: random.below(2 ** 30), size: 1 + random.below(MAX_BYTES) })

  async function upload(parts: boolean) {
    if (files.length >= MOST_FILES) await remove()
    const file = aFile(seat, { name: aName(), content: someContent(), parts })
    files.push(file)
    await file.goOn()
  }

  async function remove() {
    const file = random.oneOf(files)
    if (file === undefined) return
    await file.remove()
    files.splice(files.indexOf(file), 1)
    gone.push(file)
  }

  const writeDocument = async () =>
    document.become(random.below(4) === 0 ? undefined : JSON.stringify({ written: random.below(2 ** 30) }))

  async function withFile(use: (seat: Seat, file: FileEntry) => Promise<void>) {
    const file = random.oneOf(kept())
    await (file === undefined ? upload(false) : use(seat, file))
  }

  async function mustBeThere(entry: Entry) {
    const [wrong] = await entry.wrongs()
    must(wrong === undefined, `${wrong?.kind}: ${wrong?.what}`)
  }

  /** How often each is done, of all together. */
  const deeds: readonly (readonly [number, () => Promise<void>])[] = [
    [16, async () => upload(false)],
    [5, async () => upload(true)],
    [12, async () => withFile(async (_, file) => mustBeThere(file))],
    [12, async () => withFile(find)],
    [8, async () => withFile(followLink)],
    [6, async () => withFile(share)],
    [5, remove],
    [6, writeDocument],
    [4, async () => mustBeThere(document)],
    [8, async () => countInDocument(seat)],
    [8, async () => addEntries(seat)],
    [3, async () => bridge(seat)],
    [3, async () => myDataHelps(seat)],
    [3, async () => openHumans(seat)],
    [2, async () => kidsFirst(seat)],
    [3, async () => hat(seat)],
  ]
  const lots = deeds.flatMap(([often, deed]) => Array.from({ length: often }, () => deed))

  return {
    act: async () => random.oneOf(lots)?.(),
    wrongs: async () => (await Promise.all([document, ...files, ...gone].map(async (each) => each.wrongs()))).flat(),
    erase: async () => {
      const path = `${study.path}/participants/${participant.id}`
      await written(seat, study.admin.delete(path), 202)
      await answered(participant.get(`${study.path}/files`), 401)
      await answered(study.admin.get(`${path}/documents/preferences`), 404)
      for (const file of files) await answered(study.admin.get(`${study.path}/files/${file.id()}`), 404)
    },
  }
}
