import { answered, type Desk, type Entry, type Wrong, written } from './journal.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }

/** A document that is put, put again and deleted; its text, or nothing where there is to be none. */
export function aDocument(
  desk: Desk,
  identifier: string,
): Entry & { become: (text: string | undefined) => Promise<void> } {
  const { study, participant } = desk
  const path = `${study.path}/participants/me/documents/${identifier}`
  let text: string | undefined
  let next: { text: string | undefined } | undefined

  async function goOn() {
    if (next === undefined) return
    const asked = next.text === undefined ? participant.delete(path) : participant.put(path, next.text, JSON_TYPE)
    await written(desk, asked, 200, ...(next.text === undefined ? [204, 404] : []))
    text = next.text
    next = undefined
  }

  async function wrongs(): Promise<Wrong[]> {
    const answer = await answered(participant.get(path), 200, 404)
    const found = answer.status === 404 ? undefined : answer.text
    if (found === text || (next !== undefined && found === next.text)) return []
    return [{ kind: text === undefined && next === undefined ? 'back' : 'lost', what: `document ${identifier}` }]
  }

  const become = async (wanted: string | undefined) => {
    next = { text: wanted }
    await goOn()
  }
  return { goOn, wrongs, become }
}
