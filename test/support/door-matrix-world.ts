import type { Visibility } from '../../src/model/entities.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import type { Actor, Principal } from '../../src/model/principal.ts'
import type { Caller } from './client.ts'
import type { Asker, DoorThing } from './door-matrix.ts'
import { aThing, type Thing, type Who } from './matrix.ts'
import { share } from './matrix-files.ts'
import { GRANTEE, OWNER, type People, people, WITHDRAWN } from './matrix-people.ts'
import { aKey, ok, put, type Study } from './world.ts'

// Two studies with everyone who asks, and files that are theirs, in the way of each relation that somebody can have to
// them. Each has its canary: in its name, its title and its content, and nowhere else.

type Owner = typeof OWNER | typeof GRANTEE | typeof WITHDRAWN | null
type Spec = Readonly<{
  what: string
  name: string
  owner: Owner
  visibility: Visibility
  source?: string
  shared?: Parameters<typeof share>[2]['shared']
}>

/** An application, and the source of its files. */
export const APPLICATION = 'hush-app'

const [content, metadata] = [{ level: 'content' }, { level: 'metadata' }] as const
const HOME: readonly Spec[] = [
  { what: 'a private file', name: 'private', owner: OWNER, visibility: 'private' },
  { what: "a file that the study's team sees", name: 'study', owner: OWNER, visibility: 'study' },
  { what: 'a public file', name: 'public', owner: OWNER, visibility: 'public' },
  { what: 'a file granted with content', name: 'shown', owner: OWNER, visibility: 'private', shared: content },
  { what: 'a file granted as metadata', name: 'told', owner: OWNER, visibility: 'private', shared: metadata },
  {
    what: 'a file whose grant has expired',
    name: 'expired',
    owner: OWNER,
    visibility: 'private',
    shared: { ...content, ended: 'expired' },
  },
  { what: "another participant's private file", name: 'other', owner: GRANTEE, visibility: 'private' },
  {
    what: "a withdrawn participant's file that the team sees",
    name: 'left',
    owner: WITHDRAWN,
    visibility: 'study',
    shared: content,
  },
  { what: "a private file of an application's", name: 'app', owner: OWNER, visibility: 'private', source: APPLICATION },
  { what: "the study's file", name: 'own', owner: null, visibility: 'study' },
]
/** Under the same names as there, and of somebody of the same name. */
const ABROAD: readonly Spec[] = HOME.slice(0, 2)

const owned = (owner: Owner) => owner as ParticipantId | null // enrolled by this id

type Place = Readonly<{
  study: Study
  place: 'home' | 'abroad'
  callerOf: (owner: Owner) => Caller
  grantees: string[]
}>

async function fileOf({ study, place, callerOf, ...of }: Place, spec: Spec): Promise<DoorThing> {
  const { what, name, owner, visibility, shared, source = null } = spec
  const canary = `canary-${place}-${name}`
  const caller = callerOf(owner)
  const said = {
    name: `${canary}.txt`,
    title: canary,
    mediaType: 'text/plain',
    size: canary.length,
    visibility,
    source,
  }
  const { upload } = ok(
    owner === null
      ? await caller.post(`${study.path}/files`, { ...said, participant: null })
      : await caller.put(`${study.path}/participants/${owner}/files/f-${name}`, said),
  )
  await put(upload.url, canary)
  const file = ok(await caller.post(`${study.path}/uploads/${upload.id}/complete`))
  const grantees = of.grantees.filter((grantee) => grantee !== `participant:${owner}`)
  if (shared !== undefined) await share(study, file.id, { grantees, shared })
  return aThing({
    what: place === 'home' ? what : `${what} of another study`,
    place: place === 'home' ? 'home' : 'elsewhere',
    ownerWithdrawn: owner === WITHDRAWN,
    facts: { owner: owned(owner), visibility, source },
    grants: new Map(
      shared === undefined || shared.ended !== undefined ? [] : grantees.map((each) => [each, shared.level]),
    ),
    names: {
      study: study.id,
      participant: owner ?? '',
      handle: `f-${name}`,
      address: `f-${name}`,
      id: file.id,
      number: String(file.number),
      version: String(file.version.number),
      canary,
    },
  })
}

/** Those of the two studies; the first of this study lead elsewhere to what has the same names there. */
async function filesOf(world: People): Promise<{ home: DoorThing[]; abroad: DoorThing[] }> {
  const { home, elsewhere, ada, bob, wim, eve, team, strangers, grantees } = world
  const ofHome = (owner: Owner) =>
    owner === null ? team.admin : { [OWNER]: ada, [GRANTEE]: bob, [WITHDRAWN]: wim }[owner]
  const here: Place = { study: home, place: 'home', callerOf: (owner) => ofHome(owner).caller, grantees }
  const callerOf = (owner: Owner) => (owner === null ? strangers.admin : eve).caller
  const abroad = await Promise.all(
    ABROAD.map(async (spec) => fileOf({ study: elsewhere, place: 'abroad', callerOf, grantees: [] }, spec)),
  )
  const files = await Promise.all(HOME.map(async (spec) => fileOf(here, spec)))
  const counterpart = ({ names }: Thing) => abroad.find((each) => each.names['handle'] === names['handle'])
  return { home: files.map((file) => withAbroad(file, counterpart(file))), abroad }
}

export const withAbroad = (thing: Thing, abroad: Thing | undefined): DoorThing =>
  abroad === undefined ? thing : { ...thing, abroad }

/** Of those who ask the native API, whom there is no more to learn from. */
const LEFT_OUT = ['an expired key', ...['staff', 'worker', 'download'].map((role) => `another study's ${role} key`)]

const asAsker = ({ name, caller, home, elsewhere }: Who, grantee: string | undefined): Asker => ({
  name,
  secret: caller.key,
  home,
  elsewhere,
  grantee,
  keyId: keyIdOf(home) ?? keyIdOf(elsewhere),
})

const keyIdOf = (principal: Principal | undefined): string | undefined =>
  principal?.through !== undefined && 'key' in principal.through ? principal.through.key : undefined

/** To most tongues the operator's key is none. */
const unknown = (asker: Asker): Asker => (asker.home?.role === 'operator' ? endedOf(asker.name, asker.secret) : asker)

const granteeOf = (principal: Principal | undefined) =>
  principal?.role === 'participant' ? `participant:${principal.participant}` : undefined

export type DoorWorld = Readonly<{
  people: People
  askers: readonly Asker[]
  files: readonly DoorThing[]
  filesAbroad: readonly DoorThing[]
}>

/** Everyone who asks; `jwt`: whether those are somebody to the tongue who have signed in elsewhere, and the operator. */
export async function aDoorWorld<Made = undefined>({
  jwt,
  before,
}: {
  jwt: boolean
  /** Makes what is to be there as well, while everybody still takes part. */
  before?: (world: People) => Promise<Made>
}): Promise<DoorWorld & { made: Made | undefined }> {
  const world = await people()
  const { home, callers, staffMember, team } = world
  const { home: files, abroad } = await filesOf(world)
  const made = await before?.(world)
  ok(await home.admin.patch(`${home.path}/participants/${WITHDRAWN}`, { status: 'withdrawn' }))
  const member = `member:${staffMember.id}`
  const ofMember = await aKey(home, { role: 'staff', member: staffMember.id })
  const asked = callers.filter(({ name, shows }) => !LEFT_OUT.includes(name) && (jwt || shows !== 'a JWT'))
  const stranger = callers.find(({ name }) => name === "another study's participant")?.home
  const actor = member as Actor // as storage composes it
  return {
    people: world,
    made,
    files,
    filesAbroad: abroad,
    askers: [
      ...asked
        .map((who) => asAsker(who, who.name === 'the staff, signed in' ? member : granteeOf(who.home)))
        .map((asker) => (jwt ? asker : unknown(asker))),
      {
        name: "a member's staff key",
        secret: ofMember.key,
        home: { ...team.staff.principal, actor },
        elsewhere: stranger,
        grantee: member,
        keyId: ofMember.id,
      },
      await revokedKey(home),
    ],
  }
}

async function revokedKey(study: Study): Promise<Asker> {
  const { id, key } = await aKey(study, { role: 'admin' })
  ok(await study.admin.delete(`${study.path}/keys/${id}`))
  return { ...endedOf('a revoked admin key', key), keyId: id }
}

/** The same principal by another secret. */
export const shownBy = (asker: Asker, name: string, secret: string): Asker => ({ ...asker, name, secret })

/** Of nobody any more. */
export const endedOf = (name: string, secret: string | undefined): Asker => ({
  name,
  secret,
  home: undefined,
  elsewhere: undefined,
})

export function askerNamed({ askers }: Pick<DoorWorld, 'askers'>, name: string): Asker {
  const asker = askers.find((each) => each.name === name)
  if (asker === undefined) throw new Error(`There is no ${name}.`)
  return asker
}

/** A participant as something that is asked for. */
export const personOf = (
  study: { id: string },
  id: string,
  { number, canary, place }: { number: number; canary: string; place: 'home' | 'elsewhere' },
) =>
  aThing({
    what: place === 'home' ? `the participant ${id}` : `the participant ${id} of another study`,
    place,
    ownerWithdrawn: id === WITHDRAWN,
    facts: { owner: id as ParticipantId }, // enrolled by this id
    names: { study: study.id, participant: id, number: String(number), canary },
  })

/** What is asked for where nothing is named; everybody's study has as much of it. */
export const NOTHING: DoorThing = {
  ...aThing({ what: 'nothing in particular', names: {} }),
  abroad: aThing({ what: '', names: {} }),
}
