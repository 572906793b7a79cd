import { expect, test } from 'vitest'
import { aQueue, auditIdOf, recorded, type StoredEvent } from '../support/audit.ts'
import { anonymous, as, type Caller, operator } from '../support/client.ts'
import { within } from '../support/faults.ts'
import { aToken } from '../support/tokens.ts'
import { aFile, aKey, aParticipant, aStudy, begin, HELLO, ok } from '../support/world.ts'

// Reads of content and refusals write nothing themselves: they go on record through the queue, after the answer.

async function aScene() {
  const study = await aStudy({ allowPublic: true })
  const ada = await aParticipant(study, { id: 'ada' })
  const staff = await aKey(study, { role: 'staff' })
  const subject = await auditIdOf(study, ada)
  const byStaff = { actor: `key:${staff.id}`, through: staff.id, door: 'native' }
  return { study, ada, staff, subject, byStaff }
}

/** What comes to be on record when a caller asks and the queue has brought what that left. */
async function witnessed(
  study: { id: string },
  caller: Caller,
  ask: (caller: Caller) => Promise<unknown>,
): Promise<StoredEvent[]> {
  const queue = aQueue()
  return recorded(study, async () => {
    await ask(within({ JOBS: queue.JOBS }, caller))
    await queue.bring()
  })
}

test('a download is on record once, however the bytes are delivered', async () => {
  const { study, ada, staff, subject, byStaff } = await aScene()
  const file = await aFile(ada, study, { visibility: 'study' })
  const content = `${study.path}/files/${file.id}/content`
  const download = { action: 'file.read', outcome: 'done', ...byStaff, subject, object: file.version.id }
  for (const [path, status] of [
    [content, 302],
    [`${content}?delivery=stream`, 200],
    [`${study.path}/files/${file.id}/versions/${file.version.id}/content`, 302],
  ] as const) {
    const events = await witnessed(study, staff, async (c) => expect((await c.get(path)).status).toBe(status))
    expect(events).toEqual([expect.objectContaining(download)])
  }
  const range = await witnessed(study, staff, async (c) => c.get(`${content}?delivery=stream`, { Range: 'bytes=0-3' }))
  expect(range).toEqual([expect.objectContaining(download)])
})

test('a look that gives no content is not on record', async () => {
  const { study, ada, staff } = await aScene()
  const file = await aFile(ada, study, { visibility: 'study' })
  const path = `${study.path}/files/${file.id}`
  const events = await witnessed(study, staff, async (c) => {
    const streamed = await c.head(`${path}/content?delivery=stream`)
    const etag = streamed.headers.get('ETag') ?? ''
    for (const [answer, status] of [
      [await c.head(`${path}/content`), 302],
      [streamed, 200],
      [await c.get(`${path}/content?delivery=stream`, { 'If-None-Match': etag }), 304],
      [await c.get(`${path}/content?delivery=stream`, { Range: 'bytes=99-' }), 416],
      [await c.get(path), 200],
      [await c.get(`${study.path}/files`), 200],
      [await c.get(`${study.path}/participants/ada`), 200],
    ] as const) {
      expect(answer.status).toBe(status)
    }
  })
  expect(events).toEqual([])
})

test('a link that is used is on record, as whoever had it', async () => {
  const { study, ada, subject } = await aScene()
  const file = await aFile(ada, study)
  const links = `${study.path}/files/${file.id}/download-tokens`
  for (const delivery of ['redirect', 'stream']) {
    const link = ok(await ada.post(links, { delivery }))
    const events = await witnessed(study, anonymous, async (c) => {
      await c.head(link.url)
      await c.get(link.url)
      expect((await c.get(link.url)).status).toBe(410)
    })
    const claim = { action: 'link.claim', door: 'link', outcome: 'done', actor: 'anonymous', through: link.id, subject }
    expect(events).toEqual([expect.objectContaining({ ...claim, object: file.version.id })])
  }
})

test('a link that is used again by the same press of its button is on record once', async () => {
  const { study, ada } = await aScene()
  const file = await aFile(ada, study)
  const link = ok(await ada.post(`${study.path}/files/${file.id}/download-tokens`, { confirm: true }))
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
  const nonce = `nonce=${crypto.randomUUID()}`
  const events = await witnessed(study, anonymous, async (c) => {
    for (const _ of [1, 2]) expect((await c.post(link.url, nonce, form)).status).toBe(303)
  })
  expect(events.map(({ action }) => action)).toEqual(['link.claim'])
})

test('documents, reports and exports that are read are on record', async () => {
  const { study, ada, subject } = await aScene()
  const { worker } = study
  const theirs = `${study.path}/participants/ada`
  const put = await ada.put(`${theirs}/documents/preferences`, { theme: 'dark' })
  ok(await ada.put(`${theirs}/reports/steps/entries/2026-11-20`, { steps: 1 }))
  const document = { action: 'document.read', object: put.headers.get('ETag')?.slice(1, -1) }
  const report = { action: 'report.read', object: null }
  const rollup = 'rollup?period=day&timeZone=UTC&from=2026-11-01&until=2026-11-30'
  for (const [path, expected] of [
    ['documents/preferences', document],
    ['reports/steps/entries', report],
    ['reports/steps/entries/2026-11-20', report],
    [`reports/steps/${rollup}`, report],
  ] as const) {
    const events = await witnessed(study, worker, async (c) => ok(await c.get(`${theirs}/${path}`)))
    expect([path, events]).toEqual([path, [expect.objectContaining({ ...expected, outcome: 'done', subject })]])
  }
  const listed = await witnessed(study, worker, async (c) => {
    ok(await c.get(`${theirs}/documents`))
    ok(await c.get(`${theirs}/reports`))
    ok(await c.get(`${theirs}/reports/steps`))
  })
  expect(listed).toEqual([])
  const exported = await witnessed(study, study.admin, async (c) => ok(await c.get(`${theirs}/export`)))
  expect(exported).toMatchObject([{ action: 'participant.export', subject, object: null }])
})

test('whoever is nobody in particular writes nothing to the database', async () => {
  const { study, ada } = await aScene()
  const { id } = await aFile(ada, study, { visibility: 'public' })
  const secret = await aFile(ada, study)
  ok(await study.admin.put(`${study.path}/reports/weather/entries/2026-11-20`, { rain: 1 }))
  ok(await study.admin.patch(`${study.path}/reports/weather`, { public: true }))
  const stranger = as(await aToken('nobody'))
  const other = (await aStudy()).admin
  for (const caller of [anonymous, stranger, other]) {
    const events = await witnessed(study, caller, async (c) => {
      expect((await c.get(`${study.path}/files/${id}/content?delivery=stream`)).text).toBe(HELLO)
      await c.get(`${study.path}/reports/weather/entries`)
      for (const path of [`files/${secret.id}`, `files/${secret.id}/content`, 'participants/ada', 'audit', 'files']) {
        expect((await c.get(`${study.path}/${path}`)).status).toBeGreaterThanOrEqual(401)
      }
    })
    expect(events).toEqual([])
  }
})

test('a refusal of a known caller is on record', async () => {
  const { study, ada, staff, subject, byStaff } = await aScene()
  const bob = await aParticipant(study)
  const file = await aFile(ada, study)
  const { upload } = await begin(ada, study)
  const theirs = `${study.path}/participants/ada`
  const path = `${study.path}/files/${file.id}`
  const ofFile = { subject, object: file.id }
  const byBob = { actor: `participant:${await auditIdOf(study, bob)}`, through: bob.keyId }
  const link = ok(await ada.post(`${path}/download-tokens`, { seconds: 600 }))
  const refusals: [caller: Caller, by: object, ask: (c: Caller) => Promise<{ status: number }>, what: object][] = [
    [staff, byStaff, async (c) => c.get(path), ofFile],
    [bob, byBob, async (c) => c.get(path), ofFile],
    [bob, byBob, async (c) => c.get(`${path}/content`), ofFile],
    [
      bob,
      byBob,
      async (c) => c.get(`${path}/versions/${file.version.id}/content`),
      { ...ofFile, object: file.version.id },
    ],
    [bob, byBob, async (c) => c.delete(`${path}/download-tokens/${link.id}`), { ...ofFile, object: link.id }],
    [bob, byBob, async (c) => c.get(`${study.path}/uploads/${upload.id}`), { subject, object: upload.id }],
    [bob, byBob, async (c) => c.get(`${theirs}/documents/preferences`), { subject, object: null }],
    [bob, byBob, async (c) => c.get(theirs), { subject, object: null }],
    [staff, byStaff, async (c) => c.get(`${theirs}/documents/preferences`), { subject, object: null }],
    [staff, byStaff, async (c) => c.get(`${theirs}/audit`), { subject, object: null }],
    [staff, byStaff, async (c) => c.get(`${study.path}/audit`), { subject: null, object: null }],
    [staff, byStaff, async (c) => c.delete(`${study.path}/keys/${ada.keyId}`), { subject: null, object: ada.keyId }],
    [study.admin, {}, async (c) => c.get(`${path}/content`), ofFile],
    [operator, { actor: 'operator', through: null }, async (c) => c.get(`${path}/content`), ofFile],
  ]
  for (const [caller, by, ask, what] of refusals) {
    const events = await witnessed(study, caller, async (c) => {
      expect([403, 404]).toContain((await ask(c)).status)
    })
    expect([ask.toString(), events]).toEqual([
      ask.toString(),
      [expect.objectContaining({ action: 'access.deny', outcome: 'denied', door: 'native', ...by, ...what })],
    ])
  }
})

test('what is just not there is no refusal of the one whose it would be', async () => {
  const { study, ada } = await aScene()
  const file = await aFile(ada, study)
  const { upload } = await begin(ada, study)
  const events = await witnessed(study, ada, async (c) => {
    for (const path of [
      `participants/me/documents/none`,
      `participants/ada/documents/none`,
      `participants/me/files/none`,
      `participants/ada/reports/none`,
      `files/${file.id}/versions/${upload.id.replace('upl_', 'ver_')}`,
      `uploads/${file.version.id.replace('ver_', 'upl_')}`,
    ]) {
      expect([path, (await c.get(`${study.path}/${path}`)).status]).toEqual([path, 404])
    }
  })
  expect(events).toEqual([])
})

test('what is refused to a participant who has withdrawn is on record, as is what is refused of their own', async () => {
  const { study, ada, subject } = await aScene()
  const file = await aFile(ada, study)
  ok(await study.admin.patch(`${study.path}/participants/ada`, { status: 'withdrawn' }))
  const events = await witnessed(study, ada, async (c) => {
    expect((await c.patch(`${study.path}/files/${file.id}`, { title: 'x' })).status).toBe(403)
    expect((await c.patch(`${study.path}/participants/ada`, { labels: [] })).status).toBe(403)
  })
  const denied = { action: 'access.deny', outcome: 'denied', subject }
  expect(events.toSorted((a, b) => (a.object === null ? 1 : 0) - (b.object === null ? 1 : 0))).toMatchObject([
    { ...denied, object: file.id },
    { ...denied, object: null },
  ])
})

test('of what is not in the study, or not an id of Carrel, nothing is kept', async () => {
  const { study, staff } = await aScene()
  const events = await witnessed(study, staff, async (c) => {
    for (const path of [
      'participants/no-such-one/documents/secret-words',
      'participants/no-such-one/files/secret-words',
      'reports/secret-words',
      'files/fil_00000000000000000000000000',
    ]) {
      expect((await c.get(`${study.path}/${path}`)).status).toBe(404)
    }
  })
  expect(events.map(({ subject }) => subject)).toEqual([null, null, null, null])
  expect(events.flatMap(({ object }) => object ?? [])).toEqual(['fil_00000000000000000000000000'])
  expect(JSON.stringify(events)).not.toMatch(/no-such-one|secret-words/)
})
