import { env } from 'cloudflare:workers'
import type { GrantLevel, Visibility } from '../../src/model/entities.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import type { Principal } from '../../src/model/principal.ts'
import type { Caller } from './client.ts'
import { aThing, type Thing } from './matrix.ts'
import { GRANTEE, OWNER, type People, STRANGER, WITHDRAWN } from './matrix-people.ts'
import { begin, ok, put, type Study } from './world.ts'

// Files and uploads, private and shared in each way. Their names and titles say "hush".

type Owner = typeof OWNER | typeof WITHDRAWN | null
type Shared = Readonly<{ level: GrantLevel; ended?: 'expired' | 'revoked' }>
type Spec = Readonly<{ what: string; owner: Owner; visibility: Visibility; shared?: Shared }>

const FILES: readonly Spec[] = [
  { what: 'a private file', owner: OWNER, visibility: 'private' },
  { what: "a file that the study's team sees", owner: OWNER, visibility: 'study' },
  { what: 'a public file', owner: OWNER, visibility: 'public' },
  { what: 'a file granted as metadata', owner: OWNER, visibility: 'private', shared: { level: 'metadata' } },
  { what: 'a file granted with content', owner: OWNER, visibility: 'private', shared: { level: 'content' } },
  {
    what: 'a file whose grant has expired',
    owner: OWNER,
    visibility: 'private',
    shared: { level: 'content', ended: 'expired' },
  },
  {
    what: 'a file whose grant was revoked',
    owner: OWNER,
    visibility: 'private',
    shared: { level: 'content', ended: 'revoked' },
  },
  { what: "a withdrawn participant's private file", owner: WITHDRAWN, visibility: 'private' },
  {
    what: "a withdrawn participant's file that the team sees",
    owner: WITHDRAWN,
    visibility: 'study',
    shared: { level: 'content' },
  },
  { what: "the study's file", owner: null, visibility: 'study' },
  { what: "the study's public file", owner: null, visibility: 'public' },
]
const ELSEWHERE: readonly Spec[] = FILES.slice(0, 3)

const ABSENT_ID = '0'.repeat(26)

/** A grant of whatever age: the API makes none that has expired. */
export async function share(
  study: Study,
  file: string,
  { grantees, shared }: { grantees: People['grantees']; shared: Shared },
) {
  const expiresAt = shared.ended === 'expired' ? Date.now() - 1_000 : Date.now() + 3_600_000
  await env.DB.batch(
    grantees.map((grantee) =>
      env.DB.prepare('INSERT INTO grants VALUES (?, ?, ?, ?, ?, ?)').bind(
        study.id,
        file,
        grantee,
        shared.level,
        expiresAt,
        Date.now() - 60_000,
      ),
    ),
  )
  if (shared.ended !== 'revoked') return
  await env.DB.prepare('DELETE FROM grants WHERE study_id = ? AND file_id = ?').bind(study.id, file).run()
}

type Builders = Readonly<{
  study: Study
  friend: string
  admin: Caller
  ownerOf: (owner: Owner) => Caller
  grantees: People['grantees']
}>

async function fileOf(builders: Builders, spec: Spec, handle: string): Promise<Thing> {
  const { study } = builders
  const { owner, visibility, shared } = spec
  // Nobody is granted what is theirs.
  const grantees = builders.grantees.filter((grantee) => grantee !== `participant:${owner}`)
  const caller = owner === null ? builders.admin : builders.ownerOf(owner)
  const said = {
    name: `hush ${handle}.txt`,
    title: 'hush',
    category: 'hush',
    mediaType: 'text/plain',
    size: 11,
    visibility,
  }
  const { upload } = ok(
    owner === null
      ? await caller.post(`${study.path}/files`, { ...said, participant: null })
      : await caller.put(`${study.path}/participants/${owner}/files/${handle}`, said),
  )
  await put(upload.url)
  const file = ok(await caller.post(`${study.path}/uploads/${upload.id}/complete`))
  const link = ok(await caller.post(`${study.path}/files/${file.id}/download-tokens`, { seconds: 3_600 }))
  if (shared !== undefined) await share(study, file.id, { grantees, shared })
  const stands = shared !== undefined && shared.ended === undefined
  return aThing({
    what: spec.what,
    ownerWithdrawn: owner === WITHDRAWN,
    facts: { owner: owner as ParticipantId | null, visibility, createdBy: null, source: null },
    grants: new Map(stands ? grantees.map((grantee) => [grantee, shared.level]) : []),
    names: {
      study: study.id,
      participant: owner ?? OWNER,
      handle: owner === null ? 'hush-absent' : handle,
      file: file.id,
      version: file.version.id,
      token: link.id,
      principal: `participant:${builders.friend}`,
    },
  })
}

/** Files by their ids, those that are not there among them. */
export async function filesOf(world: People): Promise<{ home: Thing[]; elsewhere: Thing[] }> {
  const { home, elsewhere, ada, wim, eve, team, strangers, grantees } = world
  const here: Builders = {
    study: home,
    friend: GRANTEE,
    admin: team.admin.caller,
    ownerOf: (owner) => (owner === WITHDRAWN ? wim : ada).caller,
    grantees,
  }
  const there: Builders = {
    study: elsewhere,
    friend: STRANGER,
    admin: strangers.admin.caller,
    ownerOf: () => eve.caller,
    grantees,
  }
  return {
    home: await Promise.all(FILES.map(async (spec, index) => fileOf(here, spec, `hush-${index}`))),
    elsewhere: (
      await Promise.all(ELSEWHERE.map(async (spec, index) => fileOf(there, spec, `hush-there-${index}`)))
    ).map((each) => ({ ...each, what: `${each.what} of another study`, place: 'elsewhere' })),
  }
}

/** The names of something, with ids that nothing has. */
const withoutIds = (names: Thing['names']): Thing['names'] =>
  Object.fromEntries(Object.entries(names).map(([name, id]) => [name, id.replace(/_[0-9a-z]{26}$/, `_${ABSENT_ID}`)]))

/** What somebody asks for who has made its id up, or has it from another study. */
export function absentLike([home]: readonly Thing[], [elsewhere]: readonly Thing[]): Thing[] {
  if (home === undefined || elsewhere === undefined) throw new Error('there is nothing to be like')
  const { study = '', participant = '' } = home.names
  const absent = { ...home, isThere: false }
  return [
    { ...absent, what: 'nothing', names: withoutIds(home.names) },
    { ...absent, what: "another study's, in this one", names: { ...elsewhere.names, participant, study } },
  ]
}

type Beginning = Readonly<{
  what: string
  owner: Owner
  visibility: Visibility
  by: { caller: Caller; principal: Principal }
  shared?: Shared
}>

async function uploadOf(
  study: Study,
  { what, owner, visibility, by, shared }: Beginning,
  grantees: People['grantees'],
) {
  const participant = owner === null ? null : owner
  const { file, upload } = await begin(by.caller, study, { name: 'hush.txt', title: 'hush', participant, visibility })
  await put(upload.url)
  if (shared !== undefined) await share(study, file.id, { grantees, shared })
  return aThing({
    what,
    ownerWithdrawn: owner === WITHDRAWN,
    facts: { owner: owner as ParticipantId | null, visibility, createdBy: by.principal.actor },
    grants: new Map(shared === undefined ? [] : grantees.map((grantee) => [grantee, shared.level])),
    names: { study: study.id, upload: upload.id },
  })
}

export async function uploadsOf(world: People): Promise<{ home: Thing[]; elsewhere: Thing[] }> {
  const { home, elsewhere, ada, wim, eve, team, strangers, grantees } = world
  const beginnings: readonly Beginning[] = [
    { what: 'an upload to a private file', owner: OWNER, visibility: 'private', by: ada },
    { what: 'an upload to a file that the team sees', owner: OWNER, visibility: 'study', by: ada },
    { what: 'an upload to a public file', owner: OWNER, visibility: 'public', by: ada },
    { what: 'an upload that a worker began', owner: OWNER, visibility: 'private', by: team.worker },
    { what: 'an upload that an admin began', owner: OWNER, visibility: 'private', by: team.admin },
    {
      what: 'an upload to what is granted',
      owner: OWNER,
      visibility: 'private',
      by: ada,
      shared: { level: 'content' },
    },
    { what: "an upload to the study's file", owner: null, visibility: 'study', by: team.staff },
    { what: "a withdrawn participant's upload", owner: WITHDRAWN, visibility: 'private', by: wim },
    { what: "a withdrawn participant's upload that the team sees", owner: WITHDRAWN, visibility: 'study', by: wim },
  ]
  const there: readonly Beginning[] = [
    { what: "another study's upload", owner: OWNER, visibility: 'public', by: eve },
    { what: "an upload to another study's own", owner: null, visibility: 'study', by: strangers.staff },
  ]
  return {
    home: await Promise.all(beginnings.map(async (each) => uploadOf(home, each, grantees))),
    elsewhere: (await Promise.all(there.map(async (each) => uploadOf(elsewhere, each, grantees)))).map((each) => ({
      ...each,
      place: 'elsewhere',
    })),
  }
}
