import { describe, expect, test } from 'vitest'
import { anonymous } from '../support/client.ts'
import { aFile, aKey, aParticipant, aStudy, begin, HELLO, ok, put, replace, type Study } from '../support/world.ts'

/** Everyone who may ask, the owner among them. */
async function everyone(study: Study) {
  const owner = await aParticipant(study)
  const elsewhere = await aStudy()
  const callers = {
    owner,
    other: await aParticipant(study),
    staff: study.staff,
    worker: study.worker,
    admin: study.admin,
    download: study.download,
    'admin of another study': elsewhere.admin,
    anonymous,
  }
  return { owner, callers }
}

const STATUS: Record<string, Record<string, number>> = {
  private: {
    owner: 200,
    other: 404,
    staff: 404,
    worker: 404,
    // Sees that it is there, to be able to delete it.
    admin: 403,
    download: 404,
    'admin of another study': 404,
    anonymous: 401,
  },
  study: {
    owner: 200,
    other: 404,
    staff: 200,
    worker: 200,
    admin: 200,
    download: 200,
    'admin of another study': 404,
    anonymous: 401,
  },
  public: {
    owner: 200,
    other: 200,
    staff: 200,
    worker: 200,
    admin: 200,
    download: 200,
    'admin of another study': 200,
    anonymous: 200,
  },
}

describe('who may have the content of a file that is', () => {
  test.each(Object.keys(STATUS))('%s: by redirect, by stream, and of a version', async (visibility) => {
    const study = await aStudy({ allowPublic: true })
    const { owner, callers } = await everyone(study)
    const { id, version } = await aFile(owner, study, { visibility })
    const path = `${study.path}/files/${id}`
    for (const [who, caller] of Object.entries(callers)) {
      const streamed = await caller.get(`${path}/content?delivery=stream`)
      const expected = STATUS[visibility]?.[who]
      expect([who, streamed.status, streamed.text === HELLO]).toEqual([who, expected, expected === 200])
      for (const content of ['content', `versions/${version.id}/content`]) {
        const redirected = await caller.get(`${path}/${content}`)
        expect([who, redirected.status]).toEqual([who, expected === 200 ? 302 : expected])
        expect([who, redirected.headers.has('Location')]).toEqual([who, expected === 200])
      }
    }
  })

  test('public where the study allows that no longer: as that of a `study` file', async () => {
    const study = await aStudy({ allowPublic: true })
    const { owner, callers } = await everyone(study)
    const { id } = await aFile(owner, study, { visibility: 'public' })
    ok(await study.admin.patch(study.path, { settings: { allowPublic: false } }))
    for (const [who, caller] of Object.entries(callers)) {
      const { status } = await caller.get(`${study.path}/files/${id}/content?delivery=stream`)
      expect([who, status]).toEqual([who, STATUS['study']?.[who]])
    }
  })

  test('changes with the next request', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { id } = await aFile(participant, study, { visibility: 'study' })
    const path = `${study.path}/files/${id}`
    const statusFor = async (caller: typeof study.staff) => (await caller.get(`${path}/content?delivery=stream`)).status
    expect(await statusFor(study.staff)).toBe(200)
    ok(await participant.patch(path, { visibility: 'private' }))
    expect(await statusFor(study.staff)).toBe(404)
    ok(await study.admin.delete(`${study.path}/keys/${participant.keyId}`))
    expect(await statusFor(participant)).toBe(401)
  })

  test('does not change for a participant who has withdrawn', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { id } = await aFile(participant, study)
    ok(await study.admin.patch(`${study.path}/participants/${participant.id}`, { status: 'withdrawn' }))
    expect((await participant.get(`${study.path}/files/${id}/content?delivery=stream`)).body).toBe(HELLO)
  })

  test('is nobody once it was deleted', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { id, version } = await aFile(participant, study)
    ok(await participant.delete(`${study.path}/files/${id}`))
    for (const content of ['content', `versions/${version.id}/content`]) {
      expect((await participant.get(`${study.path}/files/${id}/${content}`)).body.code).toBe('file_not_found')
    }
  })
})

describe('content that is not there', () => {
  test('yet, is a conflict', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { file, upload } = await begin(participant, study)
    await put(upload.url)
    for (const query of ['', '?delivery=stream']) {
      const { status, body } = await participant.get(`${study.path}/files/${file.id}/content${query}`)
      expect([status, body.code]).toEqual([409, 'content_missing'])
    }
  })

  test('in a study that is not there, is told like any other', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { id } = await aFile(participant, study)
    const stranger = await aKey(await aStudy(), { role: 'staff' })
    const elsewhere = [`/v1/studies/no-such-study/files/${id}/content`, `${study.path}/files/${id}/content`]
    const answers = await Promise.all(elsewhere.map(async (path) => stranger.get(path)))
    expect(answers.map(({ status, body }) => [status, body.code, body.detail])).toEqual([
      [404, 'study_not_found', 'No such study.'],
      [404, 'study_not_found', 'No such study.'],
    ])
  })
})

describe("a version's content", () => {
  async function twoVersions(settings: object = {}) {
    const study = await aStudy(settings)
    const participant = await aParticipant(study)
    const path = `${study.path}/participants/me/files/notes`
    const older = await replace(participant, path)
    const first = ok(await participant.post(`${study.path}/uploads/${older.id}/complete`))
    const newer = await replace(participant, path, 'goodbye')
    const file = `${study.path}/files/${first.id}`
    return { study, participant, path: file, first: first.version, newer }
  }

  test('stays that of the version, while the current content changes', async () => {
    const { study, participant, path, first, newer } = await twoVersions()
    const current = async () => (await participant.get(`${path}/content?delivery=stream`)).body
    expect(await current()).toBe(HELLO)
    const { version } = ok(await participant.post(`${study.path}/uploads/${newer.id}/complete`))
    expect(await current()).toBe('goodbye')
    const of = async (id: string) => (await participant.get(`${path}/versions/${id}/content?delivery=stream`)).body
    expect([await of(first.id), await of(version.id)]).toEqual([HELLO, 'goodbye'])
  })

  test('has the name it was uploaded under, but the current one that of the file', async () => {
    const { study, participant, path, first, newer } = await twoVersions()
    const { version } = ok(await participant.post(`${study.path}/uploads/${newer.id}/complete`))
    ok(await participant.patch(path, { name: 'renamed.txt' }))
    const nameOf = async (id: string) =>
      (await participant.head(`${path}/versions/${id}/content?delivery=stream`)).headers.get('Content-Disposition')
    expect(await nameOf(first.id)).toBe('inline; filename=hello.txt')
    expect(await nameOf(version.id)).toBe('inline; filename=renamed.txt')
  })

  test('goes with it, where the study keeps the latest only', async () => {
    const { study, participant, path, first, newer } = await twoVersions({ retention: 'latest' })
    ok(await participant.post(`${study.path}/uploads/${newer.id}/complete`))
    const { status, body } = await participant.get(`${path}/versions/${first.id}/content`)
    expect([status, body.code]).toEqual([404, 'version_not_found'])
    expect((await participant.get(`${path}/content?delivery=stream`)).body).toBe('goodbye')
  })

  test('is not had through another file', async () => {
    const { study, participant, first } = await twoVersions()
    const other = await aFile(participant, study)
    const { status, body } = await participant.get(`${study.path}/files/${other.id}/versions/${first.id}/content`)
    expect([status, body.code]).toEqual([404, 'version_not_found'])
  })
})
