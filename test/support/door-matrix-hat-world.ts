import type { Principal } from '../../src/model/principal.ts'
import { type Asker, type DoorMatrix, type DoorThing } from './door-matrix.ts'
import { HAT, hatRows } from './door-matrix-hat.ts'
import { aDoorWorld, APPLICATION, askerNamed, type DoorWorld, endedOf, shownBy } from './door-matrix-world.ts'
import { aHost, aNew, atHat, send } from './hat.ts'
import { keepRows } from './kept.ts'
import { aThing } from './matrix.ts'
import { GRANTEE, OWNER, STRANGER } from './matrix-people.ts'
import { aKey, ok } from './world.ts'

/** Tokens of the host: the owner's, one whose key was revoked, and an application's. */
async function sessionsOf(world: DoorWorld, host: string): Promise<Asker[]> {
  const { home } = world.people
  const owner = askerNamed(world, 'the participant')
  const signIn = async (password: string | undefined): Promise<string> =>
    ok(await atHat(host).get('/users/access_token', { username: OWNER, password: password ?? '' })).accessToken
  const token = await signIn(owner.secret)
  const ended = await aKey(home, { role: 'participant', participant: OWNER })
  const endedToken = await signIn(ended.key)
  ok(await home.admin.delete(`${home.path}/keys/${ended.id}`))
  const asked = await atHat(host, token).get(`/users/application_token?name=${APPLICATION}`)
  const application = shownBy(owner, 'an application', ok(asked).accessToken)
  return [
    shownBy(owner, 'the participant, signed in to their HAT', token),
    endedOf('who signed in with a key that was revoked', endedToken),
    { ...application, home: limited(owner.home) },
  ]
}

const limited = (principal: Principal | undefined): Principal | undefined =>
  principal?.role === 'participant' ? { ...principal, source: APPLICATION } : undefined

/** A file of the owner's whose bytes are there, and that nobody has completed. */
async function pendingBy(by: Asker, host: string, { name, source }: { name: string; source: string }) {
  const canary = `canary-home-${name}`
  const { fileId, contentUrl } = await aNew(atHat(host, by.secret), { name: `${canary}.txt`, source })
  await send(contentUrl)
  const owner = by.home?.role === 'participant' ? by.home.participant : null
  return aThing({
    what: `an upload by ${by.name}`,
    facts: { owner, visibility: 'private', createdBy: by.home?.actor ?? null, source },
    names: { host, handle: fileId, url: contentUrl, canary },
  })
}

/** The owner's, and with whom they are to be shared. */
const ofHost = (things: readonly DoorThing[], host: string, user: string): DoorThing[] =>
  things
    .filter(({ facts }) => facts.owner === OWNER)
    .map((thing) => ({ ...thing, names: { ...thing.names, host, user } }))

/** What differs from others only in who may read it. */
const SEEN_ALIKE = ['f-public', 'f-told', 'f-expired']

export async function aHatMatrix(): Promise<DoorMatrix> {
  const world = await aDoorWorld({ jwt: false })
  const { home, elsewhere, ada, eve } = world.people
  const host = await aHost(home, ada.caller)
  const hostAbroad = await aHost(elsewhere, eve.caller)
  const sessions = await sessionsOf(world, host)
  const [application = endedOf('', undefined)] = sessions.toReversed()
  const here = ofHost(world.files, host, GRANTEE)
  const there = ofHost(world.filesAbroad, hostAbroad, STRANGER)
  const pending = await Promise.all([
    pendingBy(askerNamed(world, 'the participant'), host, { name: 'begun', source: 'hush-notes' }),
    pendingBy(application, host, { name: 'begun-by-app', source: APPLICATION }),
  ])
  const other = world.files.find(({ names }) => names['handle'] === 'f-other')
  const notHere = aThing({
    what: "another participant's file, on this HAT",
    isThere: false,
    facts: here[0]?.facts ?? {},
    names: { ...other?.names, host, user: GRANTEE },
  })
  const hat = { names: { host }, facts: here[0]?.facts ?? {} }
  const hats = [
    aThing({ what: 'the HAT', ...hat }),
    aThing({ what: 'the HAT, for an application', ...hat, facts: { ...hat.facts, source: APPLICATION } }),
    {
      ...aThing({ what: 'the HAT of another study', ...hat, names: { host: hostAbroad } }),
      place: 'elsewhere' as const,
    },
  ]
  return {
    tongue: HAT,
    rows: hatRows([...here, ...there, ...pending]),
    askers: [...world.askers, ...sessions],
    things: {
      hat: hats,
      file: [...here, ...there.slice(1), notHere],
      owner: hats.filter(({ facts }) => facts.source === null),
      'some hat': hats.slice(0, 1),
      'few file': [...here, ...there.slice(1)].filter(({ names }) => !SEEN_ALIKE.includes(names['handle'] ?? '')),
      'some file': here.filter(({ names }) => names['handle'] === 'f-shown'),
      pending,
      'some pending': pending.slice(0, 1),
    },
    kept: await keepRows(home, elsewhere),
  }
}
