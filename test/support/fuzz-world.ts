import { env } from 'cloudflare:workers'
import { bridgeAs } from './bridge-client.ts'
import { operator } from './client.ts'
import { aHost, atHat } from './hat.ts'
import { small } from './parts.ts'
import { aFile, aKey, aParticipant, aStudy, begin, ok, type Participant, put, type Study } from './world.ts'

// What requests that are made up may name and show. There are two studies: in `open`, which is made anew from time to time,
// everybody asks; in `shut` only those ask who may change nothing of what is looked at, and every word of it is a canary.

const CANARY = 'canary'
/** Who may be told of something, of those who ask: a study's download keys, its participants, or also the operator. */
export type Audience = 'nobody' | 'download' | 'participants' | 'operator'
/** The words of one study, each another one. */
function canaries() {
  const words = new Map<string, Audience>()
  const word = (audience: Audience = 'nobody') => {
    const made = `${CANARY}${crypto.randomUUID().replaceAll('-', '').slice(0, 12)}`
    words.set(made, audience)
    return made
  }
  return { words, word }
}
type Word = ReturnType<typeof canaries>['word']

/** Whether a text may hold a word at all: most hold none, and are not looked at any further. */
export const mayTell = (text: string) => text.includes(CANARY)

const anOwner = async (study: Study, word: Word) =>
  aParticipant(study, {
    id: 'ada',
    externalId: word(),
    email: `${word()}@example.org`,
    phone: '+491700000001',
    firstName: word(),
    lastName: word(),
    labels: ['arm-a'],
  })

/** Those who may change nothing of the owner's, with what they show. `nth`: after those before are no more. */
async function othersOf(study: Study, host: string, nth = ''): Promise<Record<string, string>> {
  const at = { id: `bob${nth}`, externalId: `PT-2${nth}`, email: `bob${nth}@example.org` }
  const bob = await aParticipant(study, at)
  const gone = await aParticipant(study, { id: `gone${nth}`, email: `gone${nth}@example.org` })
  ok(await study.admin.patch(`${study.path}/participants/${gone.id}`, { status: 'withdrawn' }))
  const { key: downloadKey = '' } = await aKey(study, { role: 'download' })
  const { key: bobKey = '' } = bob
  const signIn = { appId: study.id, externalId: at.externalId, password: bobKey }
  const session = ok(await bridgeAs().post('/v4/auth/signIn', signIn))
  const hat = ok(await atHat(host).get('/users/access_token', { username: bob.id, password: bobKey }))
  return {
    downloadKey,
    bobKey,
    goneKey: gone.key ?? '',
    session: session.sessionToken,
    reauth: session.reauthToken,
    hatToken: hat.accessToken,
  }
}

const detailsBy = (word: Word, audience?: Audience) => ({
  name: `${word(audience)}.txt`,
  title: word(audience),
  description: word(audience),
  tags: [word(audience)],
  metadata: { device: word(audience) },
})

async function filesOf(study: Study, ada: Participant, word: Word) {
  const own = await aFile(ada, study, { ...detailsBy(word), category: word(), source: 'diary' }, `bytes ${word()}`)
  const ofStudy = await aFile(
    study.staff,
    study,
    { ...detailsBy(word, 'download'), participant: null },
    word('download'),
  )
  const { upload } = await begin(ada, study, detailsBy(word))
  const { upload: sent } = await begin(ada, study, { ...detailsBy(word), size: 4 })
  await put(sent.url, 'sent')
  const desk = { study, owner: ada, at: ({ id }: { id: string }) => `${study.path}/uploads/${id}` }
  const { upload: parted } = await small(desk, detailsBy(word))
  const links = `${study.path}/files/${own.id}/download-tokens`
  const link = ok(await ada.post(links, { seconds: 600 }))
  const asking = ok(await ada.post(links, { seconds: 600, confirm: true, delivery: 'stream' }))
  return { own, ofStudy, upload, sent, parted, link, asking }
}

async function valuesOf(study: Study, ada: Participant, word: Word) {
  const at = `${study.path}/participants/ada`
  ok(await ada.put(`${at}/documents/preferences`, { theme: word() }))
  ok(await study.admin.put(`${study.path}/document-schemas/diary`, { type: 'object', title: word('participants') }))
  const entries = ['2026-11-20', '2026-11-21', '2026-11-21T08:30:00.000Z']
  const ofReport = { entries: entries.map((day) => ({ at: day, data: { steps: 1, note: word() } })) }
  ok(await ada.post(`${at}/reports/steps/entries`, ofReport))
  ok(await study.worker.post(`${study.path}/reports/steps/entries`, ofReport))
  const code = ok(await study.admin.post(`${at}/enrolment-codes`, { label: word() }))
  const member = ok(await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: word(), role: 'staff' }))
  const idle = await aParticipant(study)
  const erasure = ok(await study.admin.delete(`${study.path}/participants/${idle.id}`))
  return { code, member, erasure }
}

const tokenIn = ({ url }: { url: string }) => new URL(url).pathname.slice('/d/'.length)
const kf = (number: number) => {
  const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  return number
    .toString(32)
    .padStart(8, '0')
    .replaceAll(/./g, (digit) => digits.charAt(Number.parseInt(digit, 32)))
}

/** Where lists go on, by which list it is. */
async function cursorsOf({ path, admin }: Study): Promise<Record<string, string>> {
  const lists = ['files', 'keys', 'participants', 'reports/steps/entries', 'participants/ada/reports/steps/entries']
  const next = await Promise.all(lists.map(async (list) => ok(await admin.get(`${path}/${list}?limit=1`)).nextCursor))
  return Object.fromEntries(next.map((cursor, index) => [`cursor${index}`, String(cursor)]))
}

/** A study with everything that can be named, and the names. */
async function furnish() {
  const { words, word } = canaries()
  const study = await aStudy({ allowPublic: true })
  const ada = await anOwner(study, word)
  const files = await filesOf(study, ada, word)
  const values = await valuesOf(study, ada, word)
  const host = await aHost(study, ada)
  const extra = await aKey(study, { role: 'staff', label: word() })
  ok(await study.admin.patch(study.path, { name: word('operator') }))
  const keys = { admin: study.admin, staff: study.staff, worker: study.worker, ada }
  const shown = Object.fromEntries(Object.entries(keys).map(([role, { key }]) => [`${role}Key`, key ?? '']))
  const names: Record<string, string> = {
    ...shown,
    ...(await othersOf(study, host)),
    ...(await cursorsOf(study)),
    study: study.id,
    host,
    participant: 'ada',
    externalId: [...words.keys()][0] ?? '',
    member_number: String(ada.number),
    file: files.own.id,
    studyFile: files.ofStudy.id,
    handle: files.own.handle ?? files.own.id,
    number: String(files.own.number),
    fileKfId: `SF_${kf(files.ofStudy.number)}`,
    versionKfId: `FV_${kf(files.ofStudy.version.number)}`,
    version: files.own.version.id,
    upload: files.upload.id,
    sent: files.sent.id,
    parted: files.parted.id,
    token: files.link.id,
    link: tokenIn(files.link),
    askingLink: tokenIn(files.asking),
    member: values.member.id,
    principal: `member:${values.member.id}`,
    key: extra.id,
    code: values.code.id,
    enrolment: values.code.code,
    erasure: values.erasure.id,
    mdhKey: `ada/${files.own.handle ?? files.own.id}`,
  }
  return { study, words, names, secrets: [...Object.values(shown), values.code.code, tokenIn(files.link)] }
}
export type Furnished = Awaited<ReturnType<typeof furnish>>

/** What those who ask in `shut` may not change: whatever is not their own. */
const KEPT = [
  'SELECT id, number, name, status, default_visibility, allow_public, retention FROM studies WHERE id = ?1',
  `SELECT * FROM participants WHERE study_id = ?1 AND id = 'ada'`,
  `SELECT * FROM files WHERE study_id = ?1 AND owner IN ('ada', '')`,
  `SELECT v.* FROM versions v JOIN files f ON f.study_id = v.study_id AND f.id = v.file_id
   WHERE v.study_id = ?1 AND f.owner IN ('ada', '')`,
  `SELECT * FROM uploads WHERE study_id = ?1 AND owner IN ('ada', '')`,
  `SELECT * FROM documents WHERE study_id = ?1 AND participant_id = 'ada'`,
  `SELECT * FROM document_bodies WHERE study_id = ?1 AND participant_id = 'ada'`,
  'SELECT * FROM document_schemas WHERE study_id = ?1',
  `SELECT * FROM reports WHERE study_id = ?1 AND owner IN ('ada', '')`,
  `SELECT * FROM report_entries WHERE study_id = ?1 AND owner IN ('ada', '')`,
  `SELECT * FROM grants g WHERE study_id = ?1 AND EXISTS (
     SELECT 1 FROM files f WHERE f.study_id = g.study_id AND f.id = g.file_id AND f.owner IN ('ada', ''))`,
  `SELECT id, role, label, hash, revoked_at FROM api_keys WHERE study_id = ?1 AND role <> 'download'
     AND coalesce(participant_id, 'ada') = 'ada'`,
  'SELECT * FROM members WHERE study_id = ?1',
  `SELECT * FROM enrolment_codes WHERE study_id = ?1 AND participant_id = 'ada'`,
  'SELECT * FROM hosts WHERE study_id = ?1',
  `SELECT * FROM download_tokens WHERE study_id = ?1 AND owner IN ('ada', '')`,
]

async function contentOf({ id }: Study): Promise<string> {
  const rows = await env.DB.batch(KEPT.map((sql) => env.DB.prepare(sql).bind(id)))
  const { objects } = await env.BUCKET.list({ prefix: `${id}/` })
  const [, , , versions] = rows
  const keys = new Set((versions?.results ?? []).map((row) => Reflect.get(Object(row), 'object_key')))
  const bytes = objects.filter(({ key }) => keys.has(key)).map(({ key, etag }) => [key, etag])
  return JSON.stringify([rows.map(({ results }) => results), bytes])
}

export async function aShutStudy() {
  const furnished = await furnish()
  const before = await contentOf(furnished.study)
  let renewals = 0
  return {
    ...furnished,
    isUnharmed: async () => (await contentOf(furnished.study)) === before,
    /** Others ask from now on. */
    renew: async () => {
      const others = await othersOf(furnished.study, String(furnished.names['host']), String((renewals += 1)))
      Object.assign(furnished.names, others)
    },
  }
}
export type Shut = Awaited<ReturnType<typeof aShutStudy>>
export const anOpenStudy = furnish

export type Names = Readonly<Record<string, string>>
/** All that a request may name, as `study.name`. */
export const namesOf = (open: Furnished, shut: Furnished): Names => ({
  operator: operator.key ?? '',
  ...Object.fromEntries(Object.entries(open.names).map(([name, value]) => [`open.${name}`, value])),
  ...Object.fromEntries(Object.entries(shut.names).map(([name, value]) => [`shut.${name}`, value])),
})
