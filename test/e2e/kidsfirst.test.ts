// The study creator's document on downloads, replayed over real HTTP: its examples in their order, each under the sentence
// that it is an example of. What the document leaves open (host, tokens, the ids of files) is filled in.

import { base64url, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { numberOf } from '../../src/adapters/kidsfirst/ids.ts'
import { HELLO, ok } from '../support/builders.ts'
import { bytesOf, hashOf } from '../support/bytes.ts'
import type { Caller } from '../support/callers.ts'
import { REGISTRY } from '../support/issuers.ts'
import { sharedCarrel } from './support/carrel.ts'

const carrel = await sharedCarrel()

const STUDY = 'SD_ME0WME0W'
const NOT_AUTHORIZED = [401, 'Not authorized to download the file'] as const
const BYTES = bytesOf(7, 200_013)

/** A token as the provider gives it to one of its users. */
const aJwt = async (subject: string, said: { roles?: string[]; groups?: string[] }): Promise<string> =>
  new SignJWT({ [REGISTRY.claimRoles.roles]: said.roles, [REGISTRY.claimRoles.groups]: said.groups })
    .setProtectedHeader({ alg: REGISTRY.keys.algorithm })
    .setIssuer(REGISTRY.issuer)
    .setAudience(REGISTRY.audience)
    .setSubject(subject)
    .setExpirationTime('5m')
    .sign(base64url.decode(REGISTRY.keys.secret))

/** Administrator, investigator of the study, investigator of another one. */
let admin: Caller
let investigator: Caller
let stranger: Caller
let adminKey: Caller
let file: { kfId: string; downloadUrl: string; versions: { edges: { node: { kfId: string; downloadUrl: string } }[] } }
let version: string

const graphql = async (caller: Caller, query: string) => {
  const { status, body } = await caller.post('/graphql', { query })
  expect(status, JSON.stringify(body)).toBe(200)
  return body
}

/** What the UI does with a file that is dropped on it: the bytes come first, then what they are. */
async function upload(caller: Caller, name: string, bytes: Uint8Array): Promise<string> {
  const form = new FormData()
  const query = `mutation ($file: Upload!, $study: ID) {
    createVersion(file: $file, study: $study) { success version { id kfId downloadUrl } } }`
  form.set('operations', JSON.stringify({ query, variables: { file: null, study: btoa(`StudyNode:${STUDY}`) } }))
  form.set('map', '{"1":["variables.file"]}')
  form.set('1', new File([new Uint8Array(bytes)], name))
  const headers = { Authorization: `Bearer ${caller.key}` }
  const { data } = JSON.parse(
    await (await fetch(`${carrel.origin}/graphql`, { method: 'POST', headers, body: form })).text(),
  )
  expect(data.createVersion).toMatchObject({ success: true, version: { downloadUrl: null } })
  const named = await graphql(
    caller,
    `mutation { createFile(version: "${data.createVersion.version.id}", study: "${btoa(`StudyNode:${STUDY}`)}",
      name: "Clinical data", description: "All of it", fileType: OTH) { file { kfId } } }`,
  )
  return named.data.createFile.file.kfId
}

beforeAll(async () => {
  ok(await carrel.operator.post('/v1/studies', { id: STUDY, name: 'Cats' }))
  adminKey = carrel.as(
    ok(await carrel.operator.post(`/v1/studies/${STUDY}/keys`, { role: 'admin', label: 'a' })).secret,
  )
  admin = carrel.as(await aJwt('admin', { roles: ['ADMIN'] }))
  investigator = carrel.as(await aJwt('investigator', { groups: [STUDY] }))
  stranger = carrel.as(await aJwt('stranger', { groups: [(await carrel.aStudy()).id] }))
  const kfId = await upload(investigator, 'clinical data ü.csv', BYTES)
  const { data } = await graphql(
    investigator,
    `{ fileByKfId(kfId: "${kfId}") { kfId downloadUrl versions { edges { node { kfId downloadUrl } } } } }`,
  )
  file = data.fileByKfId
  version = file.versions.edges[0]?.node.kfId ?? ''
})

/** A request as curl sends it. */
async function curl(path: string, headers: Record<string, string> = {}) {
  const response = await fetch(new URL(path, carrel.origin), { headers: { Accept: '*/*', ...headers } })
  const bytes = new Uint8Array(await response.arrayBuffer())
  const text = response.status < 300 ? hashOf('sha256', bytes) : new TextDecoder().decode(bytes)
  return { told: [response.status, text] as const, headers: response.headers }
}
const WHOLE = [200, hashOf('sha256', BYTES)] as const
const bearer = ({ key }: Caller) => ({ Authorization: `Bearer ${key}` })

describe('There are three levels of file access following the three User Types.', () => {
  test.each([
    ['Admin users', () => admin, WHOLE],
    ['Authenticated users of the study', () => investigator, WHOLE],
    ['Authenticated users of another study', () => stranger, NOT_AUTHORIZED],
    ['Unauthenticated users', () => carrel.anonymous, NOT_AUTHORIZED],
  ])('%s', async (_, caller, answer) => {
    const headers = caller().key === undefined ? {} : bearer(caller())
    expect((await curl(`/download/study/${STUDY}/file/${file.kfId}`, headers)).told).toEqual(answer)
  })
})

describe('Direct Download with Headers', () => {
  // curl -H "Authorization: Bearer $token" /download/study/SD_00000000/file/SF_00000000
  test('pass the same bearer token in the Authorization header', async () => {
    const { told, headers } = await curl(`/download/study/${STUDY}/file/${file.kfId}`, bearer(investigator))
    expect(told).toEqual(WHOLE)
    expect(headers.get('Content-Disposition')).toBe(
      `attachment; filename*=UTF-8''${version}_clinical%20data%20%C3%BC.csv`,
    )
    expect(headers.get('Content-Length')).toBe(String(BYTES.length))
    expect(headers.get('Content-Type')).toBe('application/octet-stream')
    const range = await fetch(file.downloadUrl, { headers: { ...bearer(investigator), Range: 'bytes=-13' } })
    expect([range.status, range.headers.get('Content-Range')]).toEqual([206, 'bytes 200000-200012/200013'])
    expect(new Uint8Array(await range.arrayBuffer())).toEqual(BYTES.slice(200_000))
  })

  // /download/study_id/<study_id>/file/<file_id>(?P/version/<version_id>)
  test('this endpoint is fairly deterministic and based on the following route', async () => {
    const path = `/download/study_id/${STUDY}/file/${file.kfId}`
    for (const each of [path, `${path}/version/${version}`]) {
      expect((await curl(each, bearer(investigator))).told).toEqual(WHOLE)
    }
  })

  test('this same url may be fetched from the file and version nodes as well', async () => {
    const files = await graphql(investigator, 'query fileUrls { allFiles { edges { node { downloadUrl } } } }')
    const versions = await graphql(investigator, 'query versionUrls { allVersions { edges { node{ downloadUrl } } } }')
    const urls = [files.data.allFiles, versions.data.allVersions].map(({ edges }) => edges[0].node.downloadUrl)
    expect(urls).toEqual([
      `${carrel.origin}/download/study/${STUDY}/file/${file.kfId}`,
      `${carrel.origin}/download/study/${STUDY}/file/${file.kfId}/version/${version}`,
    ])
    for (const url of urls) expect((await curl(url, bearer(investigator))).told).toEqual(WHOLE)
  })
})

describe('Downloads with Signed Urls', () => {
  const signed = async (path = `/signed-url/study/${STUDY}/file/${file.kfId}`): Promise<string> =>
    ok(await investigator.get(path)).url

  // /study/<study_id>/files/<file_id>(?P/version/<version_id>)
  test('Using the REST Endpoint', async () => {
    const path = `/study/${STUDY}/files/${file.kfId}`
    for (const each of [path, `${path}/version/${version}`, `/signed-url${path}`]) {
      const url = await signed(each)
      expect(url).toMatch(/\?token=[\w-]{27}$/)
      // "/download/study/<study_id>/files/<file_id>/version/<version_id>?token=abc"
      expect((await curl(url.replace('/file/', '/files/'))).told).toEqual(WHOLE)
      expect((await curl(url)).told).toEqual(NOT_AUTHORIZED)
    }
  })

  test('Using a GraphQL Mutation', async () => {
    const { data } = await graphql(
      investigator,
      `mutation downloadURL { signedUrl(studyId: "${STUDY}", fileId: "${file.kfId}") { url } }`,
    )
    const { url } = data.signedUrl
    expect(url.split('?')[0]).toBe(`/download/study/${STUDY}/file/${file.kfId}/version/${version}`)
    expect((await curl(url)).told).toEqual(WHOLE)
    expect((await curl(url)).told).toEqual(NOT_AUTHORIZED)
  })

  test('it may only be claimed once: of 200 at the same time, one gets every byte', async () => {
    const url = await signed()
    const answers = await Promise.all(Array.from({ length: 200 }, async () => curl(url)))
    expect(answers.filter(({ told }) => told[0] === 200).map(({ told }) => told)).toEqual([WHOLE])
    const others = answers.filter(({ told }) => told[0] !== 200)
    expect(others.map(({ told }) => told)).toEqual(others.map(() => NOT_AUTHORIZED))
  })

  test('what is no download claims nothing', async () => {
    const url = new URL(await signed(), carrel.origin)
    for (const init of [{ method: 'HEAD' }, { method: 'OPTIONS' }, { headers: { 'Sec-Purpose': 'prefetch' } }]) {
      expect((await (await fetch(url, init)).arrayBuffer()).byteLength).toBeLessThan(200)
    }
    expect((await curl(url.href)).told).toEqual(WHOLE)
  })

  test('the same authorization mechanisms are in place: nobody signs for a study that is not theirs', async () => {
    const refused = 'Not authenticated to generate a url.'
    for (const [caller, words] of [
      [stranger, 'No file exists with given ID'],
      [carrel.anonymous, refused],
    ] as const) {
      const { status, text } = await caller.get(`/signed-url/study/${STUDY}/file/${file.kfId}`)
      expect([status, text]).toEqual([404, refused])
      const { data, errors } = await graphql(
        caller,
        `mutation { signedUrl(studyId: "${STUDY}", fileId: "${file.kfId}") { url } }`,
      )
      expect([data, errors[0].message]).toEqual([{ signedUrl: null }, words])
    }
  })
})

describe('Downloads with Developer Tokens', () => {
  const created = async (caller: Caller, name: string) =>
    graphql(caller, `mutation { createDevToken(name: "${name}") { token { name token } } }`)

  test('they may be passed as a url parameter or under the Authorization header using a Token prefix', async () => {
    const made = [await created(adminKey, 'mine'), await created(carrel.operator, 'of all')]
    for (const { data } of made) {
      const { token } = data.createDevToken.token
      const path = `/download/study/${STUDY}/file/${file.kfId}`
      for (const _ of [1, 2]) {
        expect((await curl(`${path}?token=${token}`)).told).toEqual(WHOLE)
        expect((await curl(path, { Authorization: `Token ${token}` })).told).toEqual(WHOLE)
      }
      expect(carrel.logLines().join('\n')).not.toContain(token)
    }
    const listed = await graphql(adminKey, '{ allDevTokens { edges { node { name token } } } }')
    expect(listed.data.allDevTokens.edges.map(({ node }: { node: object }) => node)).toEqual([
      { name: 'mine', token: expect.stringMatching(/^.{4}\*{23}$/) },
    ])
  })

  test('they may only be generated by an admin user, and deleted at any time', async () => {
    for (const caller of [investigator, carrel.anonymous]) {
      expect((await created(caller, 'not mine')).errors[0].message).toBe('Not allowed')
    }
    const { token } = (await created(adminKey, 'for a while')).data.createDevToken.token
    const path = `/download/study/${STUDY}/file/${file.kfId}?token=${token}`
    expect((await curl(path)).told).toEqual(WHOLE)
    await graphql(adminKey, 'mutation { deleteDevToken(name: "for a while") { success name } }')
    expect((await curl(path)).told).toEqual(NOT_AUTHORIZED)
  })
})

test('a file made natively, or through another door, has its ids here and downloads', async () => {
  const study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study)
  await carrel.aFile(study.staff, study, { participant: null, name: 'native.txt' })
  const form = new FormData()
  form.set('project_member_id', String(participant.number))
  form.set('metadata', '{"tags": [], "description": ""}')
  form.set('data_file', new File([HELLO], 'member.txt'))
  const path = '/api/direct-sharing/project/files/upload/'
  const sent = await fetch(`${carrel.origin}${path}`, { method: 'POST', headers: bearer(study.worker), body: form })
  const { id } = JSON.parse(await sent.text())
  const { data } = await graphql(study.staff, '{ allFiles { edges { node { kfId name downloadUrl } } } }')
  const nodes: { kfId: string; name: string; downloadUrl: string }[] = data.allFiles.edges.map(
    ({ node }: { node: object }) => node,
  )
  expect(nodes.map(({ name }) => name).toSorted()).toEqual(['member.txt', 'native.txt'])
  expect(nodes.map(({ kfId }) => numberOf(kfId, 'SF'))).toContain(id)
  for (const { downloadUrl } of nodes)
    expect(await (await fetch(downloadUrl, { headers: bearer(study.staff) })).text()).toBe(HELLO)
})

test('nothing that opens anything is kept, or logged, as it is', async () => {
  const url: string = ok(await investigator.get(`/signed-url/study/${STUDY}/file/${file.kfId}`)).url
  const token = new URL(url, carrel.origin).searchParams.get('token') ?? ''
  await curl(url)
  const { DB } = await carrel.bindings()
  const { results } = await DB.prepare('SELECT * FROM download_tokens').all()
  expect(results.length).toBeGreaterThan(0)
  expect(JSON.stringify(results)).not.toContain(token)
  expect(carrel.logLines().length).toBeGreaterThan(0)
  expect(carrel.logLines().join('\n')).not.toContain(token)
})
