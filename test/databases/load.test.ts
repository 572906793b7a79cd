import { beforeAll, expect, test } from 'vitest'
import { databasesOf, migrated, moveTo, roomIn, rowsOf, serving, three, violationsIn } from '../support/databases.ts'
import type { Answer } from '../support/callers.ts'
import { sweepAt } from '../support/faults.ts'
import { HELLO, ok, put } from '../support/world.ts'

const { operator, aStudy, aParticipant } = serving()

beforeAll(async () => {
  await migrated()
  await roomIn(0)
})

test(
  'a study is moved, and moved on, under writers of all kinds: no request fails, and nothing is lost or doubled',
  { timeout: 120_000 },
  async () => {
    const study = await aStudy({ maxFiles: 10_000 })
    const people = await Promise.all(['ada', 'grace'].map(async (id) => aParticipant(study, { id })))
    const failed: string[] = []
    /** What was answered to with success, by what it made. */
    const journal = { documents: new Map<string, number>(), files: new Set<string>(), participants: new Set<string>() }
    const claimed: string[] = []
    const state = { isMoving: true }
    let requests = 0
    const took = (answer: Answer) => {
      requests += 1
      if (answer.status >= 300) failed.push(`${answer.status} ${answer.text}`)
      return answer.body
    }

    /** Each has an isolate of its own, which remembers where it last found the study. */
    const writers = people.flatMap(({ key, id }) => {
      const caller = serving().as(key)
      const admin = serving().as(study.admin.key)
      const anonymous = serving().anonymous
      const me = `${study.path}/participants/me`
      return [
        async (n: number) => {
          const name = `${id}-${n % 5}`
          took(await caller.put(`${me}/documents/${name}`, { n, text: '研究 '.repeat(n) }))
          journal.documents.set(name, n)
        },
        async (n: number) => {
          const begun = took(
            await caller.put(`${me}/files/f-${n}`, {
              name: `f ${n}`,
              mediaType: 'text/plain',
              size: 11,
              tags: [`t${n}`],
            }),
          )
          await put(begun.upload.url)
          const { id: file } = took(await caller.post(`${study.path}/uploads/${begun.upload.id}/complete`))
          journal.files.add(file)
          took(await caller.patch(`${study.path}/files/${file}`, { visibility: n % 2 === 0 ? 'study' : 'private' }))
          took(
            await caller.put(`${study.path}/files/${file}/grants/participant:${id === 'ada' ? 'grace' : 'ada'}`, {
              level: 'content',
            }),
          )
          const link = took(
            await caller.post(`${study.path}/files/${file}/download-tokens`, { seconds: 600, delivery: 'stream' }),
          )
          const both = await Promise.all([anonymous.get(link.url), serving().anonymous.get(link.url)])
          requests += 2
          const won = both.filter(({ status }) => status === 200)
          if (won.length !== 1 || won[0]?.text !== HELLO) failed.push(`a link was claimed ${won.length} times`)
          else claimed.push(link.id)
          if (n % 3 === 0) {
            took(await caller.delete(`${study.path}/files/${file}`))
            journal.files.delete(file)
          }
        },
        async (n: number) => {
          took(
            await caller.post(`${me}/reports/steps/entries`, {
              entries: [{ at: `2026-01-${String(1 + (n % 28)).padStart(2, '0')}`, data: { n } }],
            }),
          )
          const one = took(await admin.post(`${study.path}/participants`, { id: `${id}-${n}` }))
          journal.participants.add(one.id)
          const { id: made } = took(
            await admin.post(`${study.path}/keys`, { role: 'participant', participant: one.id, label: 'x' }),
          )
          took(await admin.delete(`${study.path}/keys/${made}`))
          if (n % 3 === 0) {
            took(await admin.delete(`${study.path}/participants/${one.id}`))
            journal.participants.delete(one.id)
          }
          if (n % 4 === 0) await sweepAt(new Date(), three())
        },
      ]
    })
    const writing = writers.map(async (write) => {
      for (let n = 1; state.isMoving; n += 1) await write(n)
    })
    const stoodStill: (number | null)[] = []
    const moving = (async () => {
      for (const database of [1, 2]) {
        const told = await moveTo(operator, study, database)
        stoodStill.push(...told.map(({ stoodStillMs }) => stoodStillMs).filter((each) => each !== null))
      }
    })()
    await moving.finally(() => {
      state.isMoving = false
    })
    await Promise.all(writing)

    expect(failed).toEqual([])
    expect(requests).toBeGreaterThan(50)
    expect(await databasesOf(study)).toEqual([2])
    // Two seconds where the machine has nothing else to do; five is where the move would have been put off.
    for (const ms of stoodStill) expect(ms).toBeLessThan(5_500)
    const rows = await rowsOf(study, 2)
    const ids = (table: string) => new Set(rows[table]?.map((row) => String(JSON.parse(row).id)))
    expect(ids('files')).toEqual(journal.files)
    for (const id of journal.participants) expect(ids('participants')).toContain(id)
    expect(rows['documents']?.length).toBe(journal.documents.size)
    for (const [name, n] of journal.documents) {
      const owner = people.find(({ id }) => name.startsWith(id))
      expect(ok(await serving().as(owner?.key).get(`${study.path}/participants/me/documents/${name}`)).n).toBe(n)
    }
    for (const id of claimed) {
      const row = rows['download_tokens']?.find((text) => JSON.parse(text).id === id)
      // A link goes with its file, and is claimed where it is still there.
      if (row !== undefined) expect(JSON.parse(row).claimed_by).not.toBeNull()
    }
    expect(await violationsIn(study, 2)).toEqual([])
  },
)
