import { type serving } from './databases.ts'
import { aBusyParticipant } from './erasures.ts'
import { aFile, aStudy, ok } from './world.ts'

// A study with something in every table. It is made while there is one database, which is the first of three then.

const SIZE = { files: 12, documents: 6, entries: 20 }
/** Of a foreign alphabet, of quotes and of what JSON has words of its own for. */
const LONG = `"\\ \u{1F4D6} \u6F22\n`.repeat(40_000)

export async function aBusyStudy({ as, operator }: ReturnType<typeof serving>) {
  const made = await aStudy()
  const busy = await aBusyParticipant(made, SIZE)
  ok(await made.admin.put(`${made.path}/document-schemas/preferences`, { type: 'object' }))
  ok(await busy.ada.put(`${made.path}/participants/me/documents/long`, { text: LONG }))
  const file = await aFile(busy.ada, made, { name: 'hello.txt', title: 'Hello \u7814\u7A76', tags: ['a', 'b'] })
  const study = { ...made, admin: as(made.admin.key), worker: as(made.worker.key), staff: as(made.staff.key) }
  return {
    study,
    file,
    operator,
    ada: { ...busy.ada, ...as(busy.ada.key) },
    grace: { ...busy.grace, ...as(busy.grace.key) },
  }
}

/** A study of one participant, who has a file and a document. */
export async function aSmallStudy({
  aStudy: aPlacedStudy,
  aParticipant,
  aFile: aPlacedFile,
}: ReturnType<typeof serving>) {
  const study = await aPlacedStudy()
  const ada = await aParticipant(study)
  const file = await aPlacedFile(ada, study, { tags: ['a'] })
  ok(await ada.put(`${study.path}/participants/me/documents/before`, { a: 1 }))
  return { study, ada, file }
}
export type Small = Awaited<ReturnType<typeof aSmallStudy>>
