import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { aQueue, auditIdOf, eventsOf, recorded } from '../support/audit.ts'
import { as, type Caller, operator } from '../support/client.ts'
import { within } from '../support/faults.ts'
import { expectProblem } from '../support/problems.ts'
import { aFile, aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

type Told = { id: string; at: string; action: string; actor: string; participant: string | null; object: string | null }

/** All of a listing, page by page. */
async function allOf(caller: Caller, path: string): Promise<Told[]> {
  const items: Told[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const page: { items: Told[]; nextCursor: string | null } = ok(
      await caller.get(`${path}${path.includes('?') ? '&' : '?'}limit=3${cursor && `&cursor=${cursor}`}`),
    )
    items.push(...page.items)
    cursor = page.nextCursor
  }
  return items
}

describe('the audit of a study', () => {
  let study: Study
  let ada: Participant
  let bob: Participant
  let path: string

  beforeAll(async () => {
    study = await aStudy()
    ada = await aParticipant(study, { id: 'ada' })
    bob = await aParticipant(study, { id: 'bob' })
    path = `${study.path}/audit`
    const queue = aQueue()
    const file = await aFile(ada, study)
    await aFile(bob, study)
    await aFile(study.worker, study, { participant: 'ada', visibility: 'study' })
    await within({ JOBS: queue.JOBS }, ada).get(`${study.path}/files/${file.id}/content`)
    await within({ JOBS: queue.JOBS }, bob).get(`${study.path}/files/${file.id}/content`)
    await queue.bring()
  })

  test('tells what is stored, newest first, a page at a time', async () => {
    const stored = await eventsOf(study)
    const told = await allOf(study.admin, path)
    expect(told.map(({ id }) => id)).toEqual(stored.map(({ id }) => id).toReversed())
    expect(told.map(({ at }) => Date.parse(at))).toEqual(stored.map(({ at }) => at).toReversed())
    expect(stored.length).toBeGreaterThan(10)
  })

  test('calls participants by their ids, and never by their pseudonyms', async () => {
    const told = await allOf(study.admin, path)
    const mine = told.filter(({ actor }) => actor === 'participant:ada')
    expect(mine.map(({ action, participant }) => [action, participant])).toEqual([
      ['file.read', 'ada'],
      ['file.complete', 'ada'],
      ['file.begin', 'ada'],
    ])
    expect(told.find(({ action }) => action === 'access.deny')).toMatchObject({
      actor: 'participant:bob',
      participant: 'ada',
    })
    expect(JSON.stringify(told)).not.toContain('ptc_')
  })

  test.each<[what: string, query: () => string, holds: (event: Told) => boolean]>([
    ['whose things', () => 'participant=ada', ({ participant }) => participant === 'ada'],
    ['which participant acted', () => 'actor=participant:bob', ({ actor }) => actor === 'participant:bob'],
    ['that the operator acted', () => 'actor=operator', ({ actor }) => actor === 'operator'],
    ['what was done', () => 'action=file.begin', ({ action }) => action === 'file.begin'],
    [
      'all of these',
      () => 'participant=ada&actor=participant:ada&action=file.read',
      (event) => event.participant === 'ada' && event.actor === 'participant:ada' && event.action === 'file.read',
    ],
    ['someone who is not there', () => 'participant=nobody', () => false],
    ['an actor who is not there', () => 'actor=participant:nobody', () => false],
  ])('is filtered by %s', async (_what, query, holds) => {
    const all = await allOf(study.admin, path)
    expect(await allOf(study.admin, `${path}?${query()}`)).toEqual(all.filter(holds))
  })

  test('is filtered by the key that acted', async () => {
    const { id } = ok(await study.worker.get(`${study.path}/keys/self`))
    const told = await allOf(study.admin, `${path}?actor=key:${id}`)
    expect(told.map(({ action }) => action)).toEqual(['file.complete', 'file.begin'])
  })

  test('is filtered by time, both ends included', async () => {
    const all = await allOf(study.admin, path)
    const [from, until] = [all.at(-4)?.at ?? '', all[4]?.at ?? '']
    const expected = all.filter(({ at }) => at >= from && at <= until)
    expect(await allOf(study.admin, `${path}?from=${from}&until=${until}`)).toEqual(expected)
    expect(await allOf(study.admin, `${path}?action=file.begin&from=${from}&until=${until}`)).toEqual(
      expected.filter(({ action }) => action === 'file.begin'),
    )
    expect(await allOf(study.admin, `${path}?from=0000-01-01T00:00:00Z&until=9999-12-31T23:59:59.999Z`)).toEqual(all)
    expect(await allOf(study.admin, `${path}?until=0000-01-01T00:00:00Z`)).toEqual([])
  })

  test('is for admins', async () => {
    // In a study of their own, whose record these refusals come to sooner or later.
    const other = await aStudy()
    for (const caller of [await aParticipant(other), other.staff, other.worker, other.download, operator]) {
      expectProblem(await caller.get(`${other.path}/audit`), 'forbidden')
    }
    expectProblem(await other.admin.get(path), 'study_not_found')
  })

  test.each([
    'action=file.open',
    'actor=me',
    'actor=key:a%20b',
    'participant=me',
    'from=yesterday',
    'outcome=denied',
    'cursor=x',
    'limit=0',
  ])('refuses %s', async (query) => {
    expect((await study.admin.get(`${path}?${query}`)).status).toBe(400)
  })

  test("refuses another listing's cursor", async () => {
    const { nextCursor } = ok(await study.admin.get(`${path}?limit=1`))
    expectProblem(await study.admin.get(`${study.path}/participants/ada/audit?cursor=${nextCursor}`), 'cursor_invalid')
  })

  test('is not itself on record when it is read', async () => {
    const queue = aQueue()
    const events = await recorded(study, async () => {
      ok(await within({ JOBS: queue.JOBS }, study.admin).get(path))
      ok(await within({ JOBS: queue.JOBS }, ada).get(`${study.path}/participants/me/audit`))
      await queue.bring()
    })
    expect(events).toEqual([])
  })
})

test('of a participant who is gone, a pseudonym stays', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study, { id: 'ada' })
  const pseudonym = await auditIdOf(study, ada)
  await aFile(ada, study)
  await env.DB.prepare('DELETE FROM participants WHERE study_id = ?').bind(study.id).run()
  const told = ok(await study.admin.get(`${study.path}/audit?action=file.begin`)).items
  expect(told).toMatchObject([{ actor: `participant:${pseudonym}`, participant: null }])
})

test('whoever acts with a key that an admin made for a participant is found by that key', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study, { id: 'ada' })
  const admin = await aKey(study, { role: 'admin' })
  const made = ok(
    await admin.post(`${study.path}/keys`, { role: 'participant', participant: 'ada', label: 'borrowed' }),
  )
  const file = await aFile(as(made.secret), study)
  const audit = `${study.path}/audit`
  const [begun] = ok(await study.admin.get(`${audit}?action=file.begin`)).items
  expect(begun).toMatchObject({ actor: 'participant:ada', through: made.id, participant: 'ada' })
  const issued = ok(await study.admin.get(`${audit}?action=key.issue&participant=ada`)).items
  const [issue] = issued.filter(({ object }: Told) => object === begun.through)
  expect(issue).toMatchObject({ actor: `key:${admin.id}` })
  // Their own audit tells the participant of both: the key that was made, and that it was this one.
  const own = ok(await ada.get(`${study.path}/participants/me/audit`)).items
  expect(own).toContainEqual(expect.objectContaining({ action: 'file.begin', who: 'you', through: made.id }))
  expect(own).toContainEqual(
    expect.objectContaining({ summary: 'An administrator of the study made a key that acts for you.' }),
  )
  expect(file.participant).toBe('ada')
})

describe("the audit of a participant's own", () => {
  test('says in plain sentences who touched what is theirs, and nothing of others', async () => {
    const study = await aStudy({ allowPublic: true })
    const ada = await aParticipant(study, { id: 'ada' })
    const bob = await aParticipant(study, { id: 'bob' })
    const queue = aQueue()
    const through = (caller: Caller) => within({ JOBS: queue.JOBS }, caller)
    const file = await aFile(ada, study, { visibility: 'study' })
    const shown = `${study.path}/files/${file.id}`
    await aFile(bob, study)
    ok(await ada.put(`${study.path}/participants/me/documents/preferences`, {}))
    await through(study.staff).get(`${shown}/content`)
    await through(study.admin).get(`${shown}/content`)
    await through(bob).get(`${shown}/content`)
    const link = ok(await ada.post(`${shown}/download-tokens`, {}))
    await through(as()).get(link.url)
    ok(await ada.patch(shown, { visibility: 'public' }))
    await through(bob).get(`${shown}/content`)
    await queue.bring()

    const told = ok(await ada.get(`${study.path}/participants/me/audit`)).items as { who: string; summary: string }[]
    const sentences = told.map(({ who, summary }) => `${who}: ${summary}`)
    // What happened in one millisecond is in no order.
    expect(sentences.toSorted()).toEqual([
      'administrator: An administrator of the study added you to the study.',
      'administrator: An administrator of the study downloaded a file of yours.',
      'administrator: An administrator of the study made a key that acts for you.',
      'link: Someone with a link downloaded a file of yours through it.',
      'participant: Another participant asked for something of yours and was not given it.',
      'participant: Someone you shared it with downloaded a file of yours.',
      'team: A member of the study team downloaded a file of yours.',
      'you: You began to upload a file.',
      'you: You changed what is said of a file, or who may see it.',
      'you: You finished uploading a file.',
      'you: You made a link to a file.',
      'you: You stored a document.',
    ])
    expect(await allOf(study.admin, `${study.path}/participants/ada/audit`)).toEqual(told)
  })

  test('is for them and for admins', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    const bob = await aParticipant(study, { id: 'bob' })
    const path = `${study.path}/participants/ada/audit`
    for (const caller of [ada, study.admin]) ok(await caller.get(path))
    for (const caller of [bob, study.staff, study.worker, study.download, operator]) {
      expectProblem(await caller.get(path), 'participant_not_found')
    }
    for (const caller of [study.admin, study.staff]) {
      expectProblem(await caller.get(`${study.path}/participants/me/audit`), 'participant_not_found')
      expectProblem(await caller.get(`${study.path}/participants/nobody/audit`), 'participant_not_found')
    }
    ok(await study.admin.patch(`${study.path}/participants/ada`, { status: 'withdrawn' }))
    ok(await ada.get(path))
  })

  test('says of nobody of the team through which key they did it', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    const told = ok(await ada.get(`${study.path}/participants/me/audit`)).items as {
      who: string
      through: string | null
    }[]
    expect(told.length).toBeGreaterThan(1)
    for (const { who, through } of told) expect([who, through]).toEqual(['administrator', null])
  })
})
