import { beforeAll, describe, expect, test } from 'vitest'
import { fileIdOf, versionIdOf } from '../../../src/adapters/kidsfirst/ids.ts'
import { operator } from '../../support/client.ts'
import {
  ALL_STUDIES,
  dataOf,
  DEV_TOKENS,
  FILE,
  FILES,
  MY_PROFILE,
  query,
  refusalOf,
  STUDY,
} from '../../support/kidsfirst-queries.ts'
import { aDevToken, aStudyFile } from '../../support/kidsfirst.ts'
import { globalId } from '../../support/kidsfirst-mutations.ts'
import { signedIn } from '../../support/tokens.ts'
import { aDraft, withVersions } from '../../support/versions.ts'
import { aFile, aParticipant, aStudy, ok, type Study } from '../../support/world.ts'

type Numbered = { number: number }

const VERSION = `query Version($kfId: String!) {
  versionByKfId(kfId: $kfId) {
    id kfId fileName size state downloadUrl __typename
    rootFile { kfId name __typename } study { id kfId name __typename }
  }
}`
const VERSIONS = `query ($kfId: String!, $order: String, $first: Int, $after: String, $last: Int) {
  fileByKfId(kfId: $kfId) {
    versions(orderBy: $order, first: $first, after: $after, last: $last) {
      edges { cursor node { kfId } }
      pageInfo { hasNextPage hasPreviousPage endCursor }
    }
  }
}`

let study: Study
let other: Study
let manifest: Numbered

beforeAll(async () => {
  ;[study, other] = await Promise.all([aStudy(), aStudy()])
  const described = { title: 'Manifest', category: 'SEQ', tags: ['Batch One', 'x'], description: 'All of them.' }
  manifest = await aStudyFile(study, described)
  await aStudyFile(study, { name: 'notes.csv', category: 'diary', tags: ['a,b'] })
  // It is private, and on no list of the team's.
  await aFile(await aParticipant(study), study, { name: 'diary.txt' })
})

describe('what the web app asks', () => {
  test('a file has its fields, and its versions theirs', async () => {
    const kfId = fileIdOf(manifest.number)
    const { fileByKfId } = await dataOf(study.staff, FILE, { kfId })
    const url = `http://localhost/download/study/${study.id}/file/${kfId}`
    expect(fileByKfId).toMatchObject({
      __typename: 'FileNode',
      id: globalId('FileNode', kfId),
      kfId,
      name: 'Manifest',
      description: 'All of them.',
      fileType: 'SEQ',
      tags: ['Batch One', 'x'],
      downloadUrl: url,
      validTypes: [],
      templateVersion: null,
      creator: { __typename: 'UserNode', username: expect.stringMatching(/^key:key_/) },
    })
    const [edge] = fileByKfId.versions.edges
    expect(edge.node).toMatchObject({
      __typename: 'VersionNode',
      kfId: versionIdOf(manifest.number),
      fileName: 'data.csv',
      size: 11,
      state: 'PEN',
      description: null,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000\+00:00$/),
      downloadUrl: `${url}/version/${versionIdOf(manifest.number)}`,
      analysis: null,
    })
  })

  test('a study has its files, and nothing of what is not known of it', async () => {
    const { studyByKfId } = await dataOf(study.staff, STUDY, { kfId: study.id })
    expect(studyByKfId).toMatchObject({ kfId: study.id, name: 'A study', events: { edges: [] }, bucket: null })
    expect(studyByKfId.files.edges.map(({ node }: { node: { name: string } }) => node.name)).toEqual([
      'notes.csv',
      'Manifest',
    ])
  })

  test('the studies are the caller’s own', async () => {
    const { allStudies } = await dataOf(study.staff, ALL_STUDIES)
    expect(allStudies.edges).toMatchObject([{ node: { kfId: study.id, name: 'A study' } }])
  })

  test('a profile says by the names of permissions what the app may show', async () => {
    const { myProfile } = await dataOf(study.staff, MY_PROFILE)
    const [{ node: group }] = myProfile.groups.edges
    expect(group.name).toBe('Investigators')
    expect(group.permissions.edges).toContainEqual(
      expect.objectContaining({ node: expect.objectContaining({ codename: 'add_my_study_file' }) }),
    )
    expect((await dataOf(await signedIn('nemo'), MY_PROFILE)).myProfile).toMatchObject({
      username: 'nemo',
      groups: { edges: [] },
    })
  })

  test('developers’ tokens are told without their secrets, to those who may make them', async () => {
    const secret = await aDevToken(other, 'pipeline')
    const answer = await query(other.admin, DEV_TOKENS)
    const nodes: { name: string }[] = answer.body.data.allDevTokens.edges.map(({ node }: { node: object }) => node)
    expect(nodes.find(({ name }) => name === 'pipeline')).toMatchObject({
      token: `crl_${'*'.repeat(23)}`,
      creator: { username: expect.stringMatching(/^key:key_/) },
    })
    expect(answer.text).not.toContain(secret)
    for (const caller of [other.staff, other.worker, other.download])
      expect(refusalOf(await query(caller, DEV_TOKENS))).toBe('Not allowed')
    expect(refusalOf(await query(operator, DEV_TOKENS))).toBe('yes')
  })
})

test.each([
  ['its title', { name: 'Manifest' }, ['Manifest']],
  ['its name, where it has no title', { name: 'notes.csv' }, ['notes.csv']],
  ['not its name, where it has a title', { name: 'data.csv' }, []],
  ['its type', { type: 'SEQ' }, ['Manifest']],
  ['another type than those that there are', { type: 'OTH' }, ['notes.csv']],
  ['a part of a tag, in any case', { tag: 'batch o' }, ['Manifest']],
  ['a tag that looks like what is between two', { tag: ',' }, ['notes.csv']],
  ['a tag that looks like JSON', { tag: '["' }, []],
  ['all of them', { name: 'Manifest', type: 'SEQ', tag: 'ONE' }, ['Manifest']],
  ['nothing, where what is asked is empty', { name: '', tag: '' }, ['notes.csv', 'Manifest']],
  ['a text that none has', { tag: '\u0000' }, []],
])('a file is found by %s', async (_, asked, found) => {
  for (const within of [study.id, undefined]) {
    const { allFiles } = await dataOf(study.staff, FILES, { ...asked, study: within })
    expect(allFiles.edges.map(({ node }: { node: { name: string } }) => node.name)).toEqual(found)
  }
})

test('a global id leads to its node, and to no other kind of it', async () => {
  const ids = {
    file: globalId('FileNode', fileIdOf(manifest.number)),
    version: globalId('VersionNode', versionIdOf(manifest.number)),
    study: globalId('StudyNode', study.id),
  }
  const data = await dataOf(
    study.staff,
    `query ($file: ID!, $version: ID!, $study: ID!) {
      file(id: $file) { id } version(id: $version) { id rootFile { id } } study(id: $study) { id }
      one: node(id: $file) { id __typename ... on FileNode { name } } other: node(id: "bm90aGluZw==") { id }
    }`,
    ids,
  )
  expect(data).toEqual({
    file: { id: ids.file },
    version: { id: ids.version, rootFile: { id: ids.file } },
    study: { id: ids.study },
    one: { id: ids.file, __typename: 'FileNode', name: 'Manifest' },
    other: null,
  })
  const asFile = await query(study.staff, 'query ($id: ID!) { file(id: $id) { id } }', { id: ids.version })
  expect(refusalOf(asFile)).toBe('Must receive a FileNode id.')
  const noId = await query(study.staff, '{ file(id: "%") { id } }')
  expect(refusalOf(noId)).toBe('File was not found')
})

test('content that nobody has made a file of is a version without a file, and no file', async () => {
  const { file, version } = await aDraft(study)
  expect(refusalOf(await query(study.staff, FILE, { kfId: fileIdOf(file.number) }))).toBe('File was not found')
  const { versionByKfId } = await dataOf(study.staff, VERSION, { kfId: versionIdOf(version) })
  expect(versionByKfId).toMatchObject({ rootFile: null, downloadUrl: null, study: { kfId: study.id, name: 'A study' } })
  const { allFiles } = await dataOf(study.staff, FILES, { study: study.id })
  expect(allFiles.edges.map(({ node }: { node: { kfId: string } }) => node.kfId)).not.toContain(fileIdOf(file.number))
})

test('versions are told newest first, oldest first, by pages and from their end', async () => {
  const { file, numbers } = await withVersions(other, 4)
  const [one, two, three, four] = numbers.map(versionIdOf)
  const asked = async (variables: object) => {
    const { fileByKfId } = await dataOf(other.staff, VERSIONS, { kfId: fileIdOf(file.number), ...variables })
    const { edges, pageInfo } = fileByKfId.versions
    const kfIds: string[] = edges.map(({ node }: { node: { kfId: string } }) => node.kfId)
    return { kfIds, edges, pageInfo }
  }
  expect((await asked({})).kfIds).toEqual([four, three, two, one])
  expect((await asked({ order: 'created_at' })).kfIds).toEqual([one, two, three, four])
  const first = await asked({ first: 2 })
  expect(first).toMatchObject({ kfIds: [four, three], pageInfo: { hasNextPage: true, hasPreviousPage: false } })
  expect(await asked({ first: 2, after: first.pageInfo.endCursor })).toMatchObject({
    kfIds: [two, one],
    pageInfo: { hasNextPage: false, hasPreviousPage: true },
  })
  expect((await asked({ first: 2, after: first.edges[0].cursor })).kfIds).toEqual([three, two])
  expect(await asked({ last: 1 })).toMatchObject({ kfIds: [one], pageInfo: { hasPreviousPage: true } })
  const words = async (variables: object) =>
    refusalOf(await query(other.staff, VERSIONS, { kfId: fileIdOf(file.number), ...variables }))
  expect(await words({ order: 'size' })).toBe('`orderBy` must be `created_at` or `-created_at`.')
  expect(await words({ last: 1, first: 1 })).toContain('stands alone')
  // A place of the one order is none of the other's.
  expect(await words({ order: 'created_at', after: first.pageInfo.endCursor })).toContain('`after` must be a cursor')
})

test('each field of a mutation is told what there is when it is done', async () => {
  const { file, numbers } = await withVersions(other, 1)
  const [kfId = ''] = numbers.map(versionIdOf)
  const field = (description: string) =>
    `${description}: updateVersion(kfId: "${kfId}", description: "${description}") {
      version { rootFile { kfId versions { edges { node { description } } } } }
    }`
  const { one, two } = await dataOf(other.admin, `mutation { ${field('one')} ${field('two')} }`)
  const told = (description: string) => ({
    version: { rootFile: { kfId: fileIdOf(file.number), versions: { edges: [{ node: { description } }] } } },
  })
  expect({ one, two }).toEqual({ one: told('one'), two: told('two') })
})

test('what is listed here is what is listed natively', async () => {
  const { items } = ok(await study.staff.get(`${study.path}/files`))
  const { allFiles } = await dataOf(study.staff, FILES)
  expect(allFiles.edges.map(({ node }: { node: { kfId: string } }) => node.kfId)).toEqual(
    items.map(({ number }: Numbered) => fileIdOf(number)),
  )
})
