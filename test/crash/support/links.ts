import { randomUUID } from 'node:crypto'
import { type Content, type Desk, type Entry, isOf, type Wrong, written } from './journal.ts'

type Linked = Readonly<{ file: string; content: Content; delivery: 'redirect' | 'stream' }>

/** A link, followed by two at once as soon as it is there, and whenever it is compared by one more. */
export function aLink(desk: Desk, { file, content, delivery }: Linked): Entry {
  const { study, participant } = desk
  const path = `${study.path}/files/${file}/download-tokens`
  const key = { 'Idempotency-Key': randomUUID() }
  const wrong: Wrong[] = []
  let issued: { id: string; url: string | null } | undefined
  let given = 0
  // Who was cut off may have used it up, and was not told.
  let cutOff = false
  let followed = false

  async function follow(url: string) {
    const response = await fetch(url, { redirect: 'manual' })
    if (response.status >= 400) {
      const text = await response.text()
      if (response.status !== 410 && response.status !== 404) throw new Error(`${response.status}: ${text}`)
      return
    }
    given += 1
    desk.note()
    const location = response.headers.get('Location')
    const bytes = await (location === null ? response : await fetch(location)).bytes()
    if (!isOf(content, bytes)) wrong.push({ kind: 'lost', what: `the bytes of link ${issued?.id}` })
  }

  async function issue() {
    const answer = await written(desk, participant.post(path, { delivery, seconds: 3_600 }, key), 201)
    const { id, url } = answer.body
    // A secret that was told to nobody is not told again.
    issued ??= { id, url }
    if (issued.id !== id) wrong.push({ kind: 'twice', what: `link ${id} was issued` })
    return issued
  }

  return {
    goOn: async () => {
      if (followed) return
      const { url } = await issue()
      if (url !== null) {
        const two = await Promise.allSettled([follow(url), follow(url)])
        const failed = two.find((each) => each.status === 'rejected')
        cutOff ||= failed !== undefined
        if (failed !== undefined) throw failed.reason
      }
      followed = true
    },
    wrongs: async () => {
      const url = issued?.url
      if (typeof url === 'string' && (followed || given > 0)) {
        // Once it was given to somebody, whoever comes after that is refused.
        await follow(url)
        if (given === 0 && !cutOff) wrong.push({ kind: 'lost', what: `link ${issued?.id}, which nobody was given` })
      }
      if (given > 1) wrong.push({ kind: 'twice', what: `link ${issued?.id} was given ${given} times` })
      return wrong.splice(0)
    },
  }
}
