import { type Content, type Desk, download, type Entry, isOf, listed, type Wrong, written } from './journal.ts'
import { sender, type Told } from './files.ts'

type Next = { content: Content; bytes: ReturnType<typeof sender>; upload?: Told }

/** A file under a handle, with one version after the other. */
export function aHandle(desk: Desk, handle: string): Entry & { replace: (content: Content) => Promise<void> } {
  const { study, participant } = desk
  const versions: (Content & { id: string })[] = []
  let file: string | undefined
  let next: Next | undefined
  const path = () => `${study.path}/files/${file}`
  const current = async () => download(participant, `${path()}/content`)

  async function mustBe(expected: Content | undefined) {
    if (expected !== undefined && !isOf(expected, await current())) throw new Error(`${handle} is not readable`)
  }

  async function begin({ size }: Content): Promise<Told> {
    const asked = { name: handle, mediaType: 'application/octet-stream', size }
    const begun = await written(desk, participant.put(`${study.path}/participants/me/files/${handle}`, asked), 201)
    file ??= begun.body.file.id
    if (file !== begun.body.file.id) throw new Error(`${handle} was begun twice`)
    return begun.body.upload
  }

  async function goOn() {
    if (next === undefined) return
    const { content, bytes, upload } = next
    const begun = (next.upload ??= await begin(content))
    // Until the newer one is complete the older one is there: nobody but this client completes what it has just begun.
    if (upload === undefined) await mustBe(versions.at(-1))
    await bytes.send(begun)
    if (upload === undefined) await mustBe(versions.at(-1))
    const done = await written(desk, participant.post(`${study.path}/uploads/${begun.id}/complete`), 200)
    versions.push({ ...content, id: done.body.version.id })
    next = undefined
    await mustBe(content)
  }

  /** The newest that was acknowledged, or the one on its way, where its bytes may be there. */
  async function isReadable(): Promise<boolean> {
    const [newest, found] = [versions.at(-1), await current()]
    const meant = [newest, next?.bytes.isUnderWay() === true ? next.content : undefined]
    if (newest === undefined && found === undefined) return true
    return meant.some((each) => each !== undefined && isOf(each, found))
  }

  async function wrongs(): Promise<Wrong[]> {
    if (file === undefined) return []
    const wrong: Wrong[] = []
    if (!(await isReadable())) wrong.push({ kind: 'lost', what: `what ${handle} has` })
    for (const version of versions) {
      const isThere = isOf(version, await download(participant, `${path()}/versions/${version.id}/content`))
      if (!isThere) wrong.push({ kind: 'lost', what: `a version of ${handle}` })
    }
    const { length } = await listed(participant, `${path()}/versions`)
    const more = length - versions.length
    if (more > (next === undefined ? 0 : 1)) wrong.push({ kind: 'twice', what: `a version of ${handle}` })
    return wrong
  }

  const replace = async (content: Content) => {
    next = { content, bytes: sender(desk, content) }
    await goOn()
  }
  return { goOn, wrongs, replace }
}
