import { bridgeCallers } from '../../support/bridge.ts'
import { bytesOf } from '../../support/bytes.ts'
import type { Caller } from '../../support/callers.ts'
import { answered, written } from '../../crash/support/journal.ts'
import { aName, bytesAt, type Deed, MAX_BYTES, must, mustEqual, type Seat, sendTo } from './seat.ts'

// Each foreign tongue as its clients speak it: a file goes in, is told of, comes out as it was, and goes.

const ENCRYPTED = { 'x-amz-server-side-encryption': 'AES256' }
const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }
const someBytes = ({ random }: Seat) => bytesOf(random.below(2 ** 30), 1 + random.below(MAX_BYTES))
const has = (items: readonly object[], field: string, value: unknown) =>
  items.some((item) => Object.entries(item).some(([name, each]) => name === field && each === value))

/** A phone signs in, keeps a value, a report and a file, and signs out. */
export const bridge: Deed = async (seat) => {
  const { study, participant, house } = seat
  const as = bridgeCallers(house.as)
  const [name, bytes, day] = [aName(), someBytes(seat), '2026-11-01']
  const who = { appId: study.id, externalId: seat.externalId, password: participant.key }
  const session = (await written(seat, as().post('/v4/auth/signIn', who), 200)).body.sessionToken
  const phone = as(session)
  const [file, value] = [`/v3/participants/self/files/${name}`, '/v3/users/self/data/settings']

  const { uploadUrl } = (await written(seat, phone.post(file, { mimeType: 'text/csv' }), 201)).body
  await sendTo(uploadUrl, bytes, { 'Content-Type': 'text/csv' })
  const found = await answered(phone.get(file), 302)
  mustEqual(await bytesAt(found.headers.get('Location') ?? ''), bytes, 'a file of Bridge')
  const { items } = (await answered(phone.get('/v3/participants/self/files'), 200)).body
  must(has(items, 'fileId', name), 'a file of Bridge is not on the list')

  await written(seat, phone.post(value, { data: { name } }), 201)
  must((await answered(phone.get(value), 200)).body.data.name === name, 'a value of Bridge is another')
  const report = '/v3/users/self/reports/walks'
  await written(seat, phone.post(report, { date: day, data: { name } }), 201)
  const entries = (await answered(phone.get(`${report}?startDate=${day}&endDate=${day}`), 200)).body.items
  must(entries[0]?.data.name === name, 'an entry of Bridge is another')
  await written(seat, phone.delete(file), 200)
  await answered(phone.get(file), 404)
  await written(seat, phone.post('/v4/auth/signOut'), 200)
  await answered(phone.get(file), 401)
}

/** An app sends a file, and a service account fetches it. */
export const myDataHelps: Deed = async (seat) => {
  const { study, participant } = seat
  const [name, bytes, own] = [aName(), someBytes(seat), '/api/v1/delegated/files']
  const files = `/api/v1/administration/projects/${study.id}/files`
  const begun = await written(seat, participant.post(`${own}?category=walks&fileName=${name}`), 200)
  await sendTo(begun.body.preSignedUrl, bytes, ENCRYPTED)
  const told = (await answered(study.worker.get(`${files}?participantID=${participant.id}`), 200)).body.files
  const key = told.find(({ fileName }: { fileName: string }) => fileName === name)?.key
  must(typeof key === 'string', 'a file of MyDataHelps is not on the list')
  const query = `key=${encodeURIComponent(key)}`
  const link = (await answered(study.worker.get(`${files}/download?${query}`), 200)).body.preSignedUrl
  mustEqual(await bytesAt(link), bytes, 'a file of MyDataHelps')
  await written(seat, participant.delete(`${own}?${query}`), 204)
  must(!has((await answered(participant.get(own), 200)).body.files, 'fileName', name), 'a file of MyDataHelps is back')
}

/** A project sends a file to a member, and takes it back. */
export const openHumans: Deed = async (seat) => {
  const { study, participant } = seat
  const [name, bytes, project] = [aName(), someBytes(seat), '/api/direct-sharing/project']
  const member = String(participant.number)
  const ask = async (path: string, fields: Record<string, string>, status: number) => {
    const form = new URLSearchParams({ project_member_id: member, ...fields }).toString()
    return (await written(seat, study.worker.post(`${project}/files/${path}/`, form, FORM), status)).body
  }
  const metadata = '{"tags": ["walks"], "description": "A walk"}'
  const { id, url } = await ask('upload/direct', { metadata, filename: name }, 201)
  await sendTo(url, bytes)
  const { size } = await ask('upload/complete', { file_id: String(id) }, 200)
  must(size === bytes.length, 'a file of Open Humans has another size')
  const listed = async (): Promise<{ id: number; download_url: string }[]> =>
    (await answered(study.worker.get(`${project}/exchange-member/?project_member_id=${member}`), 200)).body.data
  const file = (await listed()).find((each) => each.id === id)
  mustEqual(await bytesAt(file?.download_url ?? ''), bytes, 'a file of Open Humans')
  await ask('delete', { file_id: String(id) }, 200)
  must(!has(await listed(), 'id', id), 'a file of Open Humans is back')
}

/** The team keeps a file of the study's, which a signed URL gives once. */
export const kidsFirst: Deed = async (seat) => {
  const { study, house } = seat
  const [name, bytes] = [aName(), someBytes(seat)]
  const graphql = async (caller: Caller, query: string) => {
    const { data, errors } = (await written(seat, caller.post('/graphql', { query }), 200)).body
    must(errors === undefined, JSON.stringify(errors))
    return data
  }
  const of = btoa(`StudyNode:${study.id}`)
  const version = await versionOf(seat, name, bytes)
  const created = await graphql(
    study.staff,
    `mutation { createFile(version: "${version}", study: "${of}", name: "${name}", description: "", fileType: OTH) {
      file { kfId } } }`,
  )
  const { kfId } = created.createFile.file
  const path = `/study/${study.id}/file/${kfId}`
  const shown = { Authorization: `Bearer ${study.staff.key}` }
  mustEqual(await bytesAt(`${house.origin}/download${path}`, shown), bytes, 'a file of Kids First')
  const { url } = (await written(seat, study.staff.get(`/signed-url${path}`), 200)).body
  mustEqual(await bytesAt(house.origin + url), bytes, 'a signed URL of Kids First')
  await answered(house.as().get(url), 401)
  await graphql(study.admin, `mutation { deleteFile(kfId: "${kfId}") { success } }`)
  await answered(study.staff.get(`/download${path}`), 404)
}

/** The bytes come first, as the form that GraphQL's clients send. */
async function versionOf({ study, house }: Seat, name: string, bytes: Uint8Array): Promise<string> {
  const query = `mutation ($file: Upload!, $study: ID) { createVersion(file: $file, study: $study) { version { id } } }`
  const variables = { file: null, study: btoa(`StudyNode:${study.id}`) }
  const form = new FormData()
  form.set('operations', JSON.stringify({ query, variables }))
  form.set('map', '{"1":["variables.file"]}')
  form.set('1', new File([new Uint8Array(bytes)], name))
  const headers = { Authorization: `Bearer ${study.staff.key}` }
  const response = await fetch(`${house.origin}/graphql`, { method: 'POST', headers, body: form })
  const text = await response.text()
  const id = response.status === 200 ? JSON.parse(text).data?.createVersion?.version?.id : undefined
  must(typeof id === 'string', `a version was answered ${response.status}: ${text.slice(0, 300)}`)
  return id
}

/** A person keeps a file in the HAT that the service's address is, finds it and takes it away. */
export const hat: Deed = async (seat) => {
  const { house } = seat
  const [name, bytes, files] = [aName(), someBytes(seat), '/api/v2.6/files']
  const shown = { Accept: 'application/json', 'X-Auth-Token': house.owner.key ?? '' }
  const nobody = house.as()
  const asked = { name, source: 'walks', title: 'A walk' }
  const { fileId, contentUrl } = (await written(seat, nobody.post(`${files}/upload`, asked, shown), 200)).body
  await sendTo(contentUrl, bytes, ENCRYPTED)
  const file = `${files}/file/${fileId}`
  const { status } = (await written(seat, nobody.put(`${file}/complete`, undefined, shown), 200)).body
  must(status.size === bytes.length, 'a file of HAT has another size')
  const found = (await answered(nobody.get(file, shown), 200)).body
  mustEqual(await bytesAt(found.contentUrl), bytes, 'a file of HAT')
  const searched = (await answered(nobody.post(`${files}/search`, { name, source: 'walks' }, shown), 200)).body
  must(has(searched, 'fileId', fileId), 'a file of HAT is not found')
  await answered(nobody.get(`${files}/content/${fileId}`), 404)
  await written(seat, nobody.delete(file, shown), 200)
  await answered(nobody.get(file, shown), 404)
}
