import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { anonymous, type Caller } from '../support/client.ts'
import { LOGIN, signedIn } from '../support/tokens.ts'
import {
  aFile,
  aKey,
  aParticipant,
  aStudy,
  HELLO,
  objectKeyOf,
  ok,
  type Participant,
  replace,
  type Study,
} from '../support/world.ts'

// A link never gives more than the one who made it may have at that moment: it is asked anew when it is used.

const linksOf = (study: { path: string }, file: { id: string }) => `${study.path}/files/${file.id}/download-tokens`
const linkBy = async (issuer: Caller, links: string, link: object = {}): Promise<string> =>
  ok(await issuer.post(links, { seconds: 3_600, ...link })).url

/** What the link gives, whichever way it delivers. */
async function outcome(url: string) {
  const { status, body } = await anonymous.get(url)
  return status === 302 || body === HELLO ? 'given' : `${status} ${body.code}`
}

describe.each(['redirect', 'stream'])('a link by %s gives nothing more', (delivery) => {
  let study: Study
  let participant: Participant
  let file: { id: string; version: { id: string } }
  let links: string

  beforeEach(async () => {
    study = await aStudy({ allowPublic: true })
    participant = await aParticipant(study)
    file = await aFile(participant, study, { visibility: 'study' })
    links = linksOf(study, file)
  })

  test('once the file was made private, if one of the team made it; but the owner’s own does', async () => {
    const theirs = await Promise.all(
      [study.staff, study.worker, study.admin].map(async (issuer) => linkBy(issuer, links, { delivery })),
    )
    const own = await linkBy(participant, links, { delivery })
    ok(await participant.patch(`${study.path}/files/${file.id}`, { visibility: 'private' }))
    expect(await Promise.all(theirs.map(outcome))).toEqual(theirs.map(() => '410 download_token_revoked'))
    expect(await outcome(own)).toBe('given')
  })

  test('once the key that made it was revoked; but another key’s does', async () => {
    const key = await aKey(study, { role: 'staff' })
    const [gone, stands] = [await linkBy(key, links, { delivery }), await linkBy(study.staff, links, { delivery })]
    ok(await study.admin.delete(`${study.path}/keys/${key.id}`))
    expect(await outcome(gone)).toBe('410 download_token_revoked')
    expect(await outcome(stands)).toBe('given')
  })

  test('once the key that made it has expired', async () => {
    const expiresAt = new Date(Date.now() + 60_000)
    const key = await aKey(study, { role: 'staff', expiresAt: expiresAt.toISOString() })
    const url = await linkBy(key, links, { delivery })
    vi.useFakeTimers({ toFake: ['Date'], now: expiresAt })
    try {
      expect(await outcome(url)).toBe('410 download_token_revoked')
    } finally {
      vi.useRealTimers()
    }
    expect(await outcome(url)).toBe('given')
  })

  test('once the member who made it was removed', async () => {
    const { member, caller } = await aMember(study)
    const url = await linkBy(caller, links, { delivery })
    ok(await study.admin.delete(`${study.path}/members/${member}`))
    expect(await outcome(url)).toBe('410 download_token_revoked')
  })

  test('once the file was deleted', async () => {
    const url = await linkBy(study.staff, links, { delivery })
    ok(await participant.delete(`${study.path}/files/${file.id}`))
    expect(await outcome(url)).toBe('410 download_token_revoked')
  })

  test('once retention has removed its version', async () => {
    ok(await study.admin.patch(study.path, { settings: { retention: 'latest' } }))
    const path = `${study.path}/participants/me/files/notes`
    const complete = async (upload: { id: string }) =>
      ok(await participant.post(`${study.path}/uploads/${upload.id}/complete`))
    const first = await complete(await replace(participant, path))
    const older = await linkBy(participant, linksOf(study, first), { delivery })
    await complete(await replace(participant, path))
    const newer = await linkBy(participant, linksOf(study, first), { delivery })
    expect(await outcome(older)).toBe('410 download_token_revoked')
    expect(await outcome(newer)).toBe('given')
  })
})

describe('a link still gives', () => {
  test('what is a participant’s own, after they have withdrawn', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const links = linksOf(study, await aFile(participant, study))
    const before = await linkBy(participant, links)
    ok(await study.admin.patch(`${study.path}/participants/${participant.id}`, { status: 'withdrawn' }))
    const after = await linkBy(participant, links)
    expect([await outcome(before), await outcome(after)]).toEqual(['given', 'given'])
  })

  test('what one of the team may see, though the file is no longer public', async () => {
    const study = await aStudy({ allowPublic: true })
    const participant = await aParticipant(study)
    const links = linksOf(study, await aFile(participant, study, { visibility: 'public' }))
    const url = await linkBy(study.staff, links)
    ok(await study.admin.patch(study.path, { settings: { allowPublic: false } }))
    expect(await outcome(url)).toBe('given')
  })

  test('the version that it was made for, under the name that the file has now', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const path = `${study.path}/participants/me/files/notes`
    const upload = await replace(participant, path)
    const file = ok(await participant.post(`${study.path}/uploads/${upload.id}/complete`))
    const link = async () => linkBy(participant, linksOf(study, file), { delivery: 'stream' })
    const [renamed, replaced] = [await link(), await link()]
    ok(await participant.patch(`${study.path}/files/${file.id}`, { name: 'renamed.txt' }))
    const claim = async (url: string) => {
      const { body, headers } = await anonymous.get(url)
      return [body, headers.get('Content-Disposition')]
    }
    expect(await claim(renamed)).toEqual([HELLO, 'inline; filename=renamed.txt'])
    const newer = await replace(participant, path, 'goodbye')
    ok(await participant.post(`${study.path}/uploads/${newer.id}/complete`))
    expect(await claim(replaced)).toEqual([HELLO, 'inline; filename=hello.txt'])
  })
})

test('a link leads to the bytes of its own version, of all that the study has', async () => {
  const study = await aStudy()
  const participant = await aParticipant(study)
  const path = `${study.path}/participants/me/files/notes`
  const written = async (bytes: string) => {
    const upload = await replace(participant, path, bytes)
    return ok(await participant.post(`${study.path}/uploads/${upload.id}/complete`))
  }
  await aFile(await aParticipant(study), study)
  const files = [await written('one'), await written('two'), await written('three')]
  await aFile(participant, study)
  const given = files.map(async (file) => {
    const answer = await anonymous.get(await linkBy(participant, linksOf(study, file), { version: file.version.id }))
    return (await env.BUCKET.get(objectKeyOf(answer.headers.get('Location') ?? '')))?.text()
  })
  expect(await Promise.all(given)).toEqual(['one', 'two', 'three'])
})

describe('a link that was made by a member', () => {
  test('gives what they may see, until it is they who are removed', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const links = linksOf(study, await aFile(participant, study, { visibility: 'study' }))
    const [one, other] = [await aMember(study), await aMember(study)]
    const issue = async () => Promise.all([one, other].map(async ({ caller }) => linkBy(caller, links)))
    expect(await Promise.all((await issue()).map(outcome))).toEqual(['given', 'given'])
    const urls = await issue()
    ok(await study.admin.delete(`${study.path}/members/${one.member}`))
    expect(await Promise.all(urls.map(outcome))).toEqual(['410 download_token_revoked', 'given'])
  })

  test('or by a key gives a participant’s own, also after they have withdrawn, until they are being erased', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    // Another has a status too, which is none of theirs.
    await aParticipant(study)
    const { caller } = await aMember(study, { role: 'participant', participant: participant.id })
    const links = linksOf(study, await aFile(participant, study))
    const issue = async () => Promise.all([participant, caller].map(async (issuer) => linkBy(issuer, links)))
    expect(await Promise.all((await issue()).map(outcome))).toEqual(['given', 'given'])

    const [before, last] = [await issue(), await issue()]
    ok(await study.admin.patch(`${study.path}/participants/${participant.id}`, { status: 'withdrawn' }))
    expect(await Promise.all(before.map(outcome))).toEqual(['given', 'given'])
    // As it is for a moment, before their keys and places are gone.
    await env.DB.prepare("UPDATE participants SET status = 'erasing' WHERE study_id = ? AND id = ?")
      .bind(study.id, participant.id)
      .run()
    const revoked = '410 download_token_revoked'
    expect(await Promise.all(last.map(outcome))).toEqual([revoked, revoked])
  })

  test('is not told of again to who may still see the file, but make no link to it', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const file = await aFile(participant, study, { visibility: 'study' })
    const { member, caller } = await aMember(study)
    const header = { 'Idempotency-Key': crypto.randomUUID() }
    const issue = async () => caller.post(linksOf(study, file), { seconds: 600 }, header)
    ok(await issue())
    const path = `${study.path}/files/${file.id}`
    ok(await participant.put(`${path}/grants/${encodeURIComponent(`member:${member}`)}`, { level: 'content' }))
    ok(await participant.patch(path, { visibility: 'private' }))
    expect((await caller.get(path)).status).toBe(200)
    const again = await issue()
    expect([again.status, again.body.code]).toEqual([403, 'forbidden'])
  })
})

/** A member of the study, one of its staff if nothing else is said, with the JWT of a provider that the service knows. */
async function aMember(study: Study, place: object = { role: 'staff' }): Promise<{ member: string; caller: Caller }> {
  const subject = crypto.randomUUID()
  const { id } = ok(await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject, ...place }))
  return { member: id, caller: await signedIn(subject) }
}
