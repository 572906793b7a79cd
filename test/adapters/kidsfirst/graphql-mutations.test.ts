import { beforeAll, describe, expect, test } from 'vitest'
import { fileIdOf } from '../../../src/adapters/kidsfirst/ids.ts'
import { anonymous, operator } from '../../support/client.ts'
import {
  CREATE_FILE,
  CREATE_TOKEN,
  DELETE_FILE,
  DELETE_TOKEN,
  globalId,
  MATCH,
  mutate,
  outcome,
  SIGNED_URL,
  UPDATE_FILE,
  UPDATE_VERSION,
  upload,
} from '../../support/kidsfirst-mutations.ts'
import { aStudyFile } from '../../support/kidsfirst.ts'
import { aFile, aParticipant, aStudy, ok, type Participant, type Study } from '../../support/world.ts'

let study: Study
let other: Study
let participant: Participant

beforeAll(async () => {
  ;[study, other] = await Promise.all([aStudy(), aStudy()])
  participant = await aParticipant(study)
})

/** Content that nobody has made a file of yet, as GraphQL tells it. */
const aDraft = async () => ok(await upload(study.staff, { study: study.id })).data.createVersion.version
const aName = () => `token-${crypto.randomUUID()}`
const kfId = ({ number }: { number: number }) => fileIdOf(number)

const NO = 'Not allowed'
const NO_FILE = 'File does not exist.'
const NO_VERSION = 'Version does not exist.'

describe('the way of a file', () => {
  test('goes from content to file to further versions, each with its words, and to its end', async () => {
    const { staff, admin } = study
    const first = ok(
      await upload(
        staff,
        { study: globalId('StudyNode', study.id), description: 'As it came' },
        { filename: 'é 1.csv' },
      ),
    ).data.createVersion
    expect(first).toMatchObject({
      success: true,
      __typename: 'VersionUploadMutation',
      version: {
        fileName: 'é 1.csv',
        size: 10,
        state: 'PEN',
        description: 'As it came',
        downloadUrl: null,
        rootFile: null,
      },
    })
    const { id, kfId: versionId } = first.version
    expect(ok(await admin.get(`${study.path}/files?name=${encodeURIComponent('é 1.csv')}`)).items).toEqual([])

    const made = { name: 'Manifest', description: 'Of samples', fileType: 'BSM', tags: ['a', '', null, 'b', 'a'] }
    const { file } = ok(await mutate(staff, CREATE_FILE, { version: id, study: study.id, ...made })).data.createFile
    expect(file).toMatchObject({ ...made, tags: ['a', 'b'], kfId: versionId.replace('FV_', 'SF_') })
    expect(file.versions.edges).toEqual([
      { node: { kfId: versionId, downloadUrl: expect.stringContaining(versionId) } },
    ])

    const second = ok(await upload(staff, { fileId: file.kfId }, { filename: 'b.csv', content: 'a\n' })).data
      .createVersion
    expect(second.version.rootFile).toMatchObject({ kfId: file.kfId, name: 'Manifest' })
    expect(second.version.rootFile.versions.edges).toHaveLength(2)

    const updated = { name: 'M', description: '', fileType: 'CLN', tags: [] }
    expect(ok(await mutate(staff, UPDATE_FILE, { kfId: file.kfId, ...updated })).data.updateFile.file).toMatchObject({
      ...updated,
      description: 'Of samples',
    })
    const reviewed = { kfId: second.version.kfId, state: 'CHN', description: 'Wrong columns' }
    expect(ok(await mutate(admin, UPDATE_VERSION, reviewed)).data.updateVersion.version).toMatchObject(reviewed)
    // What is so already may be said by whoever could say the rest.
    expect(outcome(await mutate(staff, UPDATE_VERSION, { ...reviewed, description: 'Wrong' }))).toBe('done')

    const { url } = ok(await mutate(staff, SIGNED_URL, { studyId: study.id, fileId: file.kfId })).data.signedUrl
    expect(url).toMatch(
      new RegExp(`^/download/study/${study.id}/file/${file.kfId}/version/${second.version.kfId}\\?token=[\\w-]{27}$`),
    )
    expect((await anonymous.get(url)).text).toBe('a\n')
    const former = { studyId: study.id, fileId: file.kfId, versionId }
    expect((await anonymous.get(ok(await mutate(staff, SIGNED_URL, former)).data.signedUrl.url)).text).toBe(
      'a,b\r\n1,2\r\n',
    )

    const deleted = { data: { deleteFile: { success: true, kfId: file.kfId } } }
    expect(ok(await mutate(admin, DELETE_FILE, { kfId: file.kfId }))).toEqual(deleted)
    expect(outcome(await mutate(admin, DELETE_FILE, { kfId: file.kfId }))).toBe(NO_FILE)
    expect(outcome(await mutate(admin, UPDATE_VERSION, { kfId: versionId, state: 'APP' }))).toBe(NO_VERSION)
  })

  test('may begin in another file: a draft that is moved leaves nothing behind', async () => {
    const [draft, file] = [await aDraft(), await aStudyFile(study)]
    const moving = { kfId: draft.kfId, file: kfId(file), description: 'Moved' }
    const { version } = ok(await mutate(study.staff, UPDATE_VERSION, moving)).data.updateVersion
    expect(version).toMatchObject({ description: 'Moved', rootFile: { kfId: kfId(file) } })
    expect(outcome(await mutate(study.staff, UPDATE_VERSION, moving))).toBe('done')
    const made = { version: draft.id, name: 'A', description: 'B', fileType: 'OTH' }
    expect(outcome(await mutate(study.staff, CREATE_FILE, made))).toContain('part of a file already')
  })

  test('is not moved by who may not say the rest of what is asked', async () => {
    const [draft, file] = [await aDraft(), await aStudyFile(study)]
    const asked = { kfId: draft.kfId, file: kfId(file), state: 'APP' }
    expect(outcome(await mutate(study.staff, UPDATE_VERSION, asked))).toBe(NO)
    const { version } = ok(await mutate(study.admin, UPDATE_VERSION, { kfId: draft.kfId })).data.updateVersion
    expect(version).toMatchObject({ rootFile: null, state: 'PEN' })
  })

  test('ends before it has begun, where an admin deletes content that nobody has made a file of', async () => {
    const draft = await aDraft()
    expect(outcome(await mutate(study.admin, DELETE_FILE, { kfId: draft.kfId.replace('FV', 'SF') }))).toBe('done')
    const made = { version: draft.id, name: 'A', description: 'B', fileType: 'OTH' }
    expect(outcome(await mutate(study.staff, CREATE_FILE, made))).toBe(NO_VERSION)
  })

  test("of a participant's is deleted by an admin, and gets versions from who may write it", async () => {
    const shared = await aFile(participant, study, { visibility: 'study' })
    expect(outcome(await upload(study.staff, { fileId: kfId(shared) }))).toBe(NO)
    const { version } = ok(await upload(study.admin, { fileId: kfId(shared) })).data.createVersion
    expect(version.rootFile.kfId).toBe(kfId(shared))
    const hidden = await aFile(participant, study)
    expect(outcome(await upload(study.staff, { fileId: kfId(hidden) }))).toBe(NO_FILE)
    expect(outcome(await mutate(study.admin, DELETE_FILE, { kfId: kfId(shared) }))).toBe('done')
  })
})

describe('what is not there, or said wrongly', () => {
  const DETAILS = { name: 'A', description: 'B', fileType: 'OTH' }

  test.each([
    ['createVersion of nothing', async () => upload(study.staff, {}), 'Either a file or study must be specified'],
    ['createVersion of no file', async () => upload(study.staff, { fileId: 'SF_00000000' }), NO_FILE],
    ['createVersion of what is no id', async () => upload(study.staff, { fileId: 'x' }), NO_FILE],
    [
      'createVersion of a draft',
      async () => upload(study.staff, { fileId: (await aDraft()).kfId.replace('FV', 'SF') }),
      NO_FILE,
    ],
    [
      'createVersion in no study',
      async () => upload(study.staff, { study: 'no such' }),
      'Study matching query does not exist.',
    ],
    [
      'createFile of no version',
      async () => mutate(study.staff, CREATE_FILE, { version: 'FV_00000000', ...DETAILS }),
      NO_VERSION,
    ],
    [
      'createFile in another study',
      async () => mutate(study.staff, CREATE_FILE, { version: (await aDraft()).id, study: other.id, ...DETAILS }),
      'Study does not exist.',
    ],
    [
      'createFile with a template',
      async () =>
        mutate(study.staff, CREATE_FILE, { version: (await aDraft()).id, ...DETAILS, templateVersion: 'TV_1' }),
      'TemplateVersion TV_1 does not exist',
    ],
    [
      'createFile without a name',
      async () => mutate(study.staff, CREATE_FILE, { version: (await aDraft()).id, ...DETAILS, name: ' ' }),
      "{'name': ['This field cannot be blank.']}",
    ],
    [
      'createFile of a type that is none',
      async () => mutate(study.staff, CREATE_FILE, { version: 'x', ...DETAILS, fileType: 'XYZ' }),
      /"XYZ"/,
    ],
    [
      'updateFile of a draft',
      async () => mutate(study.staff, UPDATE_FILE, { kfId: (await aDraft()).kfId.replace('FV', 'SF'), name: 'x' }),
      NO_FILE,
    ],
    [
      'updateVersion to a draft',
      async () => {
        const [one, two] = [await aDraft(), await aDraft()]
        return mutate(study.staff, UPDATE_VERSION, { kfId: one.kfId, file: two.kfId.replace('FV', 'SF') })
      },
      NO_FILE,
    ],
    ['updateFile of none', async () => mutate(study.staff, UPDATE_FILE, { kfId: 'SF_00000000', name: 'x' }), NO_FILE],
    [
      'updateVersion of none',
      async () => mutate(study.staff, UPDATE_VERSION, { kfId: 'FV_00000000', description: 'x' }),
      NO_VERSION,
    ],
    [
      'updateVersion to no file',
      async () => mutate(study.staff, UPDATE_VERSION, { kfId: (await aDraft()).kfId, file: 'x' }),
      NO_FILE,
    ],
    [
      'signedUrl of no version',
      async () =>
        mutate(study.staff, SIGNED_URL, {
          studyId: study.id,
          fileId: kfId(await aStudyFile(study)),
          versionId: 'FV_00000000',
        }),
      'No version exists with given ID',
    ],
    [
      'evaluateTemplateMatch of none',
      async () => mutate(study.staff, MATCH, { input: { fileVersion: 'FV_00000000', study: study.id } }),
      'File FV_00000000 does not exist',
    ],
    [
      'deleteDevToken of none',
      async () => mutate(study.admin, DELETE_TOKEN, { name: aName() }),
      'Token does not exist.',
    ],
  ])('%s', async (_, ask, words) => {
    expect(outcome(await ask())).toMatch(words)
  })

  test.each([
    ['name', 'x'.repeat(101), 'Ensure this value has at most 100 characters (it has 101).'],
    ['name', 'a\nb', 'Control characters'],
    ['description', 'x'.repeat(10_001), 'at most 10000 characters'],
    ['description', 'a\u0000b', 'Control characters'],
    ['tags', ['x'.repeat(51)], 'at most 50 characters'],
    ['tags', Array.from({ length: 51 }, (_, index) => `${index}`), 'at most 50 tags'],
  ])('a %s that is none changes nothing', async (field, value, words) => {
    const file = await aStudyFile(study, { title: 'Before' })
    const asked = { kfId: kfId(file), name: 'After', [field]: value }
    expect(outcome(await mutate(study.staff, UPDATE_FILE, asked))).toContain(words)
    expect(ok(await study.admin.get(`${study.path}/files/${file.id}`)).title).toBe('Before')
    expect(outcome(await mutate(study.staff, UPDATE_FILE, { kfId: kfId(file), name: '💧'.repeat(100) }))).toBe('done')
  })
})

describe('developer tokens', () => {
  test('are told once, go by a name that nobody else has, and end when they are deleted', async () => {
    const file = await aStudyFile(study)
    const name = aName()
    const { token } = ok(await mutate(study.admin, CREATE_TOKEN, { name })).data.createDevToken
    expect(token.name).toBe(name)
    const path = `/download/study/${study.id}/file/${kfId(file)}`
    expect((await anonymous.get(`${path}?token=${token.token}`)).status).toBe(200)
    const again = await mutate(study.admin, CREATE_TOKEN, { name })
    expect([outcome(again), again.body.data.createDevToken]).toEqual(['Token with this name already exists.', null])
    expect(outcome(await mutate(other.admin, DELETE_TOKEN, { name }))).toBe('Token does not exist.')
    expect(outcome(await mutate(study.staff, DELETE_TOKEN, { name }))).toBe(NO)
    expect(ok(await mutate(study.admin, DELETE_TOKEN, { name })).data.deleteDevToken).toEqual({ success: true, name })
    expect((await anonymous.get(`${path}?token=${token.token}`)).status).toBe(401)
  })

  test.each(['', 'x'.repeat(101), 'a\u0000b'])('are told what is wrong with %j for a name', async (name) => {
    expect(outcome(await mutate(study.admin, CREATE_TOKEN, { name }))).toContain(
      "{'name': ['Ensure this value has 1 to",
    )
  })

  test('of the operator open every study, and tell when they were used', async () => {
    const name = aName()
    const { token } = ok(await mutate(operator, CREATE_TOKEN, { name })).data.createDevToken
    const usedAt = async () => {
      const { edges } = ok(await mutate(operator, '{ allDevTokens { edges { node { name lastUsedAt } } } }', {})).data
        .allDevTokens
      return edges.find(({ node }: { node: { name: string } }) => node.name === name)?.node.lastUsedAt
    }
    expect(await usedAt()).toBeNull()
    for (const each of [study, other]) {
      const path = `/download/study/${each.id}/file/${kfId(await aStudyFile(each))}`
      expect((await anonymous.get(path, { Authorization: `Token ${token.token}` })).status).toBe(200)
    }
    expect(await usedAt()).toMatch(/^\d{4}-\d\d-\d\dT/)
  })
})
