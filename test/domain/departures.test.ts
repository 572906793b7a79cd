import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { leave } from '../../src/domain/departures.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import { anonymous, as, type Caller } from '../support/client.ts'
import { heldJobs } from '../support/erasures.ts'
import { deliver } from '../support/faults.ts'
import { asking, delegatedParticipant } from '../support/mydatahelps.ts'
import { filesOf as projectFilesOf, OWN } from '../support/mydatahelps-files.ts'
import { PROJECT } from '../support/openhumans.ts'
import { expectProblem } from '../support/problems.ts'
import { idOf, outcomeOf, scopeOf } from '../support/scopes.ts'
import { aFile, aKey, aParticipant, aStudy, begin, HELLO, ok, put } from '../support/world.ts'

/** Has a token made that acts for a participant. */
const act = async ({ key = '' }: Caller, { id }: { id: string }) => asking(anonymous)(delegatedParticipant(key, id))
const BULKY = 'limit=100'

/** A member of a project with something open to each of the project's people, and links to it. */
async function aMember() {
  const study = await aStudy({ allowPublic: true })
  const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
  const issuer = 'https://id.example.org'
  const sam = ok(await study.admin.post(`${study.path}/members`, { issuer, subject: 'sam', role: 'staff' }))
  const colleague = await aKey(study, { role: 'staff', member: sam.id })
  const about = { tags: ['walk'], title: 'A walk' }
  const shared = await aFile(ada, study, { ...about, visibility: 'study' })
  const open = await aFile(ada, study, { ...about, visibility: 'public' })
  const granted = await aFile(ada, study, about)
  for (const to of [`member:${sam.id}`, `participant:${bob.id}`]) {
    ok(await ada.put(`${study.path}/files/${granted.id}/grants/${to}`, { level: 'content' }))
  }
  const { file: pending, upload } = await begin(study.worker, study, { participant: ada.id, visibility: 'study' })
  await put(upload.url)
  const at = (file: { id: string }) => `${study.path}/files/${file.id}`
  const issue = async (caller: Caller): Promise<string> =>
    ok(await caller.post(`${at(shared)}/download-tokens`, { seconds: 3_600 })).url
  const exchanged = ok(await study.worker.get(`${PROJECT}/exchange-member/?project_member_id=${ada.number}`)).data
  return {
    study,
    ada,
    bob,
    sam,
    colleague,
    at,
    upload,
    files: { shared, open, granted, pending },
    /** Of the team that sees what was shared with all of it. */
    team: { staff: study.staff, worker: study.worker, colleague, download: study.download },
    links: await Promise.all([study.staff, study.worker, study.admin, colleague].map(issue)),
    ownLink: await issue(ada),
    urls: exchanged.map(({ download_url }: { download_url: string }) => download_url) as string[],
    delegated: as(ok(await act(study.worker, ada)).access_token),
  }
}
type Member = Awaited<ReturnType<typeof aMember>>

const leaving = async ({ study, ada }: Member, secret = study.admin.key) =>
  outcomeOf(leave(await scopeOf({ secret, other: { JOBS: heldJobs().JOBS } }), idOf(study), ada.id as ParticipantId))
const stepOn = async ({ study, ada }: Member) =>
  deliver([{ kind: 'departure', study: study.id, participant: ada.id }], { JOBS: heldJobs().JOBS }, 'carrel-jobs')
const isUnderWay = async ({ study }: Member) =>
  (await env.DB.prepare('SELECT 1 FROM departures WHERE study_id = ?').bind(study.id).all()).results.length > 0

/** Which of the member's files each list names to a caller. */
async function listed({ study, ada, files }: Member, caller: Caller): Promise<Record<string, string[]>> {
  const lists = [
    ...['', '&tag=walk', '&tag=walk&name=hello.txt', '&q=walk', '&status=pending', '&status=pending&q=hello'].flatMap(
      (filter) => [`files?${BULKY}${filter}`, `files?${BULKY}${filter}&participant=${ada.id}`],
    ),
    'manifest',
  ]
  const named = await Promise.all(
    lists.map(async (list) => {
      const { text } = await caller.get(`${study.path}/${list}`)
      const those = Object.entries(files).filter(([, { id }]) => text.includes(id))
      return [list, those.map(([name]) => name)] as const
    }),
  )
  return Object.fromEntries(named.filter(([, names]) => names.length > 0))
}

/** How each way to a file itself is answered. */
async function answered({ at, files: { shared } }: Member, caller: Caller, file: { id: string }): Promise<number[]> {
  const version = file.id === shared.id ? `/${shared.version.id}` : ''
  const asked = ['', '/content', '/content?delivery=stream', '/versions', `/versions${version}`]
  return Promise.all([
    ...asked.map(async (way) => (await caller.get(`${at(file)}${way}`)).status),
    caller.post(`${at(file)}/download-tokens`, {}).then(({ status }) => status),
  ])
}

describe.each(['at once', 'when the steps are done', 'and when whoever left is taken back meanwhile'])(
  'after a member has left, %s,',
  (when) => {
    let member: Member
    const isBack = when.includes('taken back')
    beforeAll(async () => {
      member = await aMember()
      const { study, team, files } = member
      for (const caller of [team.staff, team.worker, team.colleague]) {
        expect(Object.keys(await listed(member, caller)).length).toBe(13)
        expect(new Set(await answered(member, caller, files.shared))).toEqual(new Set([200, 201, 302]))
      }
      ok(await member.delegated.get(OWN))
      expect(await leaving(member)).toBe('done')
      if (when.includes('steps')) await stepOn(member)
      if (isBack) ok(await study.admin.patch(`${study.path}/participants/${member.ada.id}`, { status: 'active' }))
      expect(await isUnderWay(member)).toBe(!when.includes('steps'))
    })

    test('nobody of the team is told of any of their files', async () => {
      const { team, files } = member
      for (const [name, caller] of Object.entries(team)) {
        expect([name, await listed(member, caller)]).toEqual([name, {}])
        for (const file of Object.values(files)) {
          const refused = name === 'download' ? [404, 403] : [404]
          expect([name, refused]).toEqual([name, expect.arrayContaining(await answered(member, caller, file))])
        }
      }
    })

    test('and who would delete them learns nothing', async () => {
      const { study, team, files } = member
      const ids = Object.values(files).map(({ id }) => id)
      const { refused } = ok(await team.worker.post(`${study.path}/files:delete`, { ids }))
      expect(refused).toEqual(ids.map((id) => ({ id, code: 'file_not_found' })))
    })

    test('an admin sees of them what there is to see of private files, and no content', async () => {
      const { study, files, at } = member
      for (const { id } of Object.values(files)) {
        expect(ok(await study.admin.get(at({ id }))).visibility).toBe('private')
        expect((await study.admin.get(`${at({ id })}/content`)).status).toBe(403)
        expect((await study.admin.post(`${at({ id })}/download-tokens`, {})).status).toBe(403)
      }
      const { items } = ok(await study.admin.get(`${study.path}/manifest`))
      expect(items).toHaveLength(3)
      expect(items.map(({ url }: { url: string | null }) => url)).toEqual([null, null, null])
    })

    test('no link and no key of theirs leads to one, and the platforms’ doors are closed', async () => {
      const { study, ada, links, urls, files, delegated } = member
      for (const link of links) expectProblem(await anonymous.get(link), 'download_token_revoked')
      expect(urls).toHaveLength(2)
      for (const url of urls) expect((await anonymous.get(url)).status).toBe(403)
      expect(ok(await study.worker.get(projectFilesOf(study))).files).toEqual([])
      expect((await delegated.get(OWN)).status).toBe(401)
      const members = ok(await study.worker.get(`${PROJECT}/members/`)).results
      expect(members.filter(({ file_count }: { file_count: number }) => file_count > 0)).toEqual([])
      const exchange = await study.worker.get(`${PROJECT}/exchange-member/?project_member_id=${ada.number}`)
      expect(isBack ? [exchange.body.count, exchange.body.data] : exchange.status).toEqual(isBack ? [0, []] : 400)
      expect((await anonymous.get(`/api/public/datafile/${files.open.number}/`)).status).toBe(404)
    })

    test('what was public is nobody’s to see', async () => {
      const { files, bob, at } = member
      expect([(await anonymous.get(at(files.open))).status, (await bob.get(at(files.open))).status]).toEqual([401, 404])
    })

    test('a participant with whom it was shared still reads it', async () => {
      const { study, files, bob, at } = member
      expect((await bob.get(`${at(files.granted)}/content?delivery=stream`)).text).toBe(HELLO)
      const { items } = ok(await bob.get(`${study.path}/files`))
      expect(items.map(({ id }: { id: string }) => id)).toEqual([files.granted.id])
    })

    test('they themselves list, read and export all of it, and their own link stands', async () => {
      const { study, ada, files, at, ownLink } = member
      for (const file of [files.shared, files.open, files.granted]) {
        expect(ok(await ada.get(at(file)))).toMatchObject({ visibility: 'private', shared: null })
        expect((await ada.get(`${at(file)}/content?delivery=stream`)).text).toBe(HELLO)
      }
      expect((await listed(member, ada))[`files?${BULKY}&q=walk`]).toEqual(['shared', 'open', 'granted'])
      const { items } = ok(await ada.get(`${study.path}/participants/me/export`))
      const urls = items.flatMap(({ url }: { url?: string | null }) => url ?? [])
      expect(urls).toHaveLength(3)
      expect((await anonymous.get(ownLink)).status).toBe(302)
    })

    test('the upload that the team had begun goes on only if they are back', async () => {
      const { study, upload, files, at } = member
      const { status } = await study.worker.post(`${study.path}/uploads/${upload.id}/complete`)
      expect(status).toBe(isBack ? 200 : 404)
      expect((await study.worker.get(at(files.pending))).status).toBe(404)
    })
  },
)

describe('a departure', () => {
  test('is shown as it will be: its end changes nothing that anybody sees', async () => {
    const member = await aMember()
    const { ada, files, at } = member
    const tell = async () =>
      Promise.all(
        Object.values(files).map(async (file) => {
          const { body, headers } = await ada.get(at(file))
          return { body, etag: headers.get('ETag') }
        }),
      )
    const before = await tell()
    expect(await leaving(member)).toBe('done')
    const then = await tell()
    expect(then.map(({ etag }, index) => etag === before[index]?.etag)).toEqual([false, false, true, false])
    await stepOn(member)
    expect(await isUnderWay(member)).toBe(false)
    expect(await tell()).toEqual(then)
  })

  test('leaves nothing behind that would open with what is shared again', async () => {
    const member = await aMember()
    const { study, ada, team, files, links, at, sam } = member
    const grants = `${at(files.granted)}/grants`
    await leaving(member)
    await stepOn(member)
    ok(await study.admin.patch(`${study.path}/participants/${ada.id}`, { status: 'active' }))
    const { items } = ok(await ada.get(grants))
    expect(items.map(({ principal }: { principal: string }) => principal)).not.toContain(`member:${sam.id}`)
    expect((await team.colleague.get(at(files.granted))).status).toBe(404)
    ok(await ada.patch(at(files.shared), { visibility: 'study' }))
    ok(await team.worker.get(at(files.shared)))
    for (const link of links) expectProblem(await anonymous.get(link), 'download_token_revoked')
  })

  test('tells whoever sent a file of it no more, however they ask again', async () => {
    const member = await aMember()
    const { study, ada, at } = member
    const asked = {
      name: 'a.txt',
      mediaType: 'text/plain',
      size: HELLO.length,
      participant: ada.id,
      visibility: 'study',
    }
    const ask = async () => study.worker.post(`${study.path}/files`, asked, { 'Idempotency-Key': 'once' })
    const { file, upload } = ok(await ask())
    await put(upload.url)
    const complete = async () => study.worker.post(`${study.path}/uploads/${upload.id}/complete`)
    ok(await complete())
    ok(await ada.patch(at(file), { title: 'Of my own', visibility: 'private' }))
    for (const answer of [await ask(), await complete()]) ok(answer)
    await leaving(member)
    for (const _ of ['at once', 'when the steps are done']) {
      for (const answer of [await ask(), await complete()]) expectProblem(answer, 'upload_not_found')
      await stepOn(member)
    }
  })

  test('is of one word with who is taken back meanwhile', async () => {
    const member = await aMember()
    const { study, ada, files, upload } = member
    await leaving(member)
    ok(await study.admin.patch(`${study.path}/participants/${ada.id}`, { status: 'active' }))
    expect((await study.admin.get(`${study.path}/uploads/${upload.id}`)).status).toBe(404)
    const again = { name: 'hello.txt', mediaType: 'text/plain', size: HELLO.length, visibility: 'private' }
    ok(await ada.put(`${study.path}/participants/me/files/${files.shared.id}`, again))
  })

  test('closes what somebody has left to the team by withdrawing', async () => {
    const member = await aMember()
    const { study, ada, team, files, at } = member
    ok(await study.admin.patch(`${study.path}/participants/${ada.id}`, { status: 'withdrawn' }))
    ok(await team.staff.get(at(files.shared)))
    expect(await leaving(member)).toBe('done')
    expect((await team.staff.get(at(files.shared))).status).toBe(404)
  })

  test('is their own to begin and an admin’s, and nobody else’s', async () => {
    const member = await aMember()
    const { study, ada, bob, team, files, at } = member
    expect(await leaving(member, bob.key)).toBe('participant_not_found')
    for (const { key } of [team.staff, team.worker]) expect(await leaving(member, key)).toBe('forbidden')
    ok(await team.staff.get(at(files.shared)))
    expect(await leaving(member, ada.key)).toBe('done')
    expect((await team.staff.get(at(files.shared))).status).toBe(404)
    ok(await study.admin.delete(`${study.path}/participants/${ada.id}`))
    expect(await leaving(member)).toBe('participant_withdrawn')
  })
})

test('who has withdrawn is acted for by nobody of the team any more', async () => {
  const { study, ada } = await aMember()
  ok(await study.admin.patch(`${study.path}/participants/${ada.id}`, { status: 'withdrawn' }))
  for (const caller of [study.worker, study.admin]) {
    expect((await act(caller, ada)).body).toMatchObject({ error: 'invalid_grant' })
  }
})
