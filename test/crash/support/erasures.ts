import { answered, type Desk, type Entry, type Wrong, written } from './journal.ts'
import { aDocument } from './documents.ts'
import { aFile } from './files.ts'

/** Somebody with a file and a document, who is erased: with them everything, or nothing. */
export async function aPerson(desk: Desk, seed: number): Promise<Entry & { erase: () => Promise<void> }> {
  const { study, participant } = desk
  const file = aFile(desk, { name: `of-${participant.id}`, content: { seed, size: 2_000 }, parts: false })
  const document = aDocument(desk, 'preferences')
  await file.goOn()
  await document.become('{"theme":"dark"}')
  let asked = false
  let receipt: string | undefined

  async function goOn() {
    if (!asked || receipt !== undefined) return
    const answer = await written(desk, study.admin.delete(`${study.path}/participants/${participant.id}`), 202)
    receipt ??= answer.body.id
    if (receipt !== answer.body.id) throw new Error(`${participant.id} is erased twice`)
  }

  /** What the team still sees of theirs, and whether their key is good for anything. */
  async function traces(): Promise<string[]> {
    const { admin, path } = study
    const [key, theirs, texts] = await Promise.all([
      answered(participant.get(`${path}/files`), 200, 401),
      answered(admin.get(`${path}/files/${file.id()}`), 200, 404),
      answered(admin.get(`${path}/participants/${participant.id}/documents/preferences`), 200, 404),
    ])
    const found = { key, file: theirs, document: texts }
    return Object.entries(found).flatMap(([what, { status }]) => (status === 200 ? [what] : []))
  }

  async function wrongs(): Promise<Wrong[]> {
    const found = await traces()
    if (found.length === 3 && receipt === undefined) return [...(await file.wrongs()), ...(await document.wrongs())]
    if (found.length === 0 && asked) return []
    const kind = receipt === undefined ? 'lost' : 'back'
    return [{ kind, what: `${found.join()} of ${participant.id}, who ${asked ? 'is erased' : 'is not'}` }]
  }

  const erase = async () => {
    asked = true
    await goOn()
  }
  return { goOn, wrongs, erase }
}
