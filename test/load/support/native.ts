import { aLink } from '../../crash/support/links.ts'
import type { FileEntry } from '../../crash/support/files.ts'
import { answered, download, isOf, listed, written } from '../../crash/support/journal.ts'
import { type Deed, must, type Seat } from './seat.ts'

// What the native API does beside bringing files and documents, each from its first request to its last.

const JSON_TYPE = { 'Content-Type': 'application/json' }
const etagOf = ({ headers }: { headers: Headers }) => ({ 'If-Match': headers.get('ETag') ?? '' })

/** A document that is counted in, by who has read what is there: whoever has not is refused. */
export const countInDocument: Deed = async (seat) => {
  const { study, participant, random } = seat
  const path = `${study.path}/participants/me/documents/count`
  const put = (count: number, headers: Record<string, string>) =>
    participant.put(path, JSON.stringify({ count }), { ...JSON_TYPE, ...headers })
  const first = await written(seat, put(0, {}), 200)
  const second = await written(seat, put(random.below(1_000), etagOf(first)), 200)
  await answered(put(-1, etagOf(first)), 412)
  const read = await answered(participant.get(path), 200)
  must(read.headers.get('ETag') === second.headers.get('ETag') && read.body.count >= 0, 'a stale document was put')
  await answered(participant.get(path, { 'If-None-Match': read.headers.get('ETag') ?? '' }), 304)
  const ofTeam = await answered(study.worker.get(path.replace('/me/', `/${participant.id}/`)), 200)
  must(ofTeam.text === read.text, 'a document is another to the team')
  await answered(study.staff.get(path.replace('/me/', `/${participant.id}/`)), 404)
}

/** Entries of a participant's report, and of one of the study's. */
export const addEntries: Deed = async (seat) => {
  const { study, participant, random } = seat
  const own = `${study.path}/participants/me/reports/steps`
  const day = `2026-11-${String(1 + random.below(28)).padStart(2, '0')}`
  const steps = random.below(30_000)
  await written(seat, participant.post(`${own}/entries`, { entries: [{ at: day, data: { steps } }] }), 200)
  const { items } = (await answered(participant.get(`${own}/entries?from=${day}&until=${day}`), 200)).body
  must(items.length === 1 && items[0]?.data.steps === steps, 'an entry is another')
  await answered(participant.get(`${own}/rollup?period=week&from=2026-11-01&until=2026-11-28`), 200)
  await written(seat, study.staff.put(`${study.path}/reports/weather/entries/${day}`, { steps }), 200)
  const shared = (await answered(study.worker.get(`${study.path}/reports/weather/entries?limit=100`), 200)).body
  must(
    shared.items.some(({ at }: { at: string }) => at === day),
    'an entry of the study is lost',
  )
  await written(seat, participant.delete(`${own}/entries/${day}`), 204)
}

/** A link, which two follow at once and then another. */
export async function followLink(seat: Seat, file: FileEntry): Promise<void> {
  const delivery = seat.random.oneOf(['redirect', 'stream'] as const) ?? 'stream'
  const link = aLink(seat, { file: file.id() ?? '', content: file.content, delivery })
  await link.goOn()
  const [wrong] = await link.wrongs()
  must(wrong === undefined, `${wrong?.kind}: ${wrong?.what}`)
}

/** A file that a friend may have for a while, and then no more. */
export async function share(seat: Seat, file: FileEntry): Promise<void> {
  const { study, participant, house } = seat
  const path = `${study.path}/files/${file.id()}`
  const grant = `${path}/grants/${encodeURIComponent(`participant:${house.friend.id}`)}`
  await answered(house.friend.get(path), 404)
  await written(seat, participant.put(grant, { level: 'content' }), 201)
  must(isOf(file.content, await download(house.friend, `${path}/content`)), 'a file that is shared has other bytes')
  await written(seat, participant.delete(grant), 204)
  await answered(house.friend.get(path), 404)
  await answered(study.staff.get(path), 404)
}

/** What its owner's list and search tell of a file, and the team's list of a participant who shows it nothing. */
export async function find(seat: Seat, file: FileEntry): Promise<void> {
  const { study, participant } = seat
  const files = `${study.path}/files`
  const isOn = (items: readonly { id: string }[]) => items.some(({ id }) => id === file.id())
  must(isOn(await listed(participant, files)), `${file.name} is not on the list`)
  const found = (await answered(participant.get(`${files}?q=${file.name}&limit=10`), 200)).body
  must(isOn(found.items), `${file.name} is not found`)
  const ofTeam = (await answered(study.worker.get(`${files}?participant=${participant.id}&limit=20`), 200)).body
  must(!isOn(ofTeam.items), `${file.name} is private, and told to the team`)
}
