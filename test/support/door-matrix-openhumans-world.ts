import { fileKeysFor } from '../../src/domain/file-keys.ts'
import type { KeyId } from '../../src/model/ids.ts'
import { anonymous, as } from './client.ts'
import { type Asked, type Asker, type DoorMatrix, type DoorThing, NOBODY } from './door-matrix.ts'
import { BY_NUMBER, numberedRows, OF_PROJECT, projectRows } from './door-matrix-openhumans.ts'
import { aDoorWorld, askerNamed, type DoorWorld, endedOf, NOTHING, personOf, shownBy } from './door-matrix-world.ts'
import { keepRows } from './kept.ts'
import { aThing } from './matrix.ts'
import { GRANTEE, OWNER, WITHDRAWN } from './matrix-people.ts'
import { about, DIRECT, form } from './openhumans.ts'
import { scopeOf } from './scopes.ts'
import { HELLO, ok, put } from './world.ts'

/** A code for the participant, which an app exchanges for a token. */
async function aCode({ people: { home } }: DoorWorld, label: string): Promise<string> {
  return ok(await home.admin.post(`${home.path}/participants/${OWNER}/enrolment-codes`, { label })).code
}

async function signedIn(world: DoorWorld, label: string): Promise<string> {
  const client = { client_id: 'hush', client_secret: askerNamed(world, 'a worker key').secret ?? '' }
  const fields = { ...client, grant_type: 'authorization_code', code: await aCode(world, label) }
  return ok(await form(anonymous, '/oauth2/token/', fields)).access_token
}

/** Tokens that apps were given, one by a key that was revoked since. */
async function sessionsOf(world: DoorWorld): Promise<Asker[]> {
  const { home } = world.people
  const [good, ended] = [await signedIn(world, 'hush-phone'), await signedIn(world, 'hush-lost')]
  const { items } = ok(await home.admin.get(`${home.path}/keys?limit=100`))
  const lost: { id: string } | undefined = items.find(({ label }: { label: string }) => label === 'hush-lost')
  ok(await home.admin.delete(`${home.path}/keys/${lost?.id}`))
  return [
    shownBy(askerNamed(world, 'the participant'), "the participant's app", good),
    { ...endedOf('an app whose key was revoked', ended), keyId: lost?.id },
  ]
}

/** A file of the participant's whose bytes are there, and that nobody has completed. */
async function pendingBy(by: Asker, member: { number: number }): Promise<DoorThing> {
  const { id, url } = ok(await form(as(by.secret), DIRECT, { ...about(member), filename: 'begun.txt' }))
  await put(url, HELLO)
  const owner = personOf({ id: '' }, OWNER, { ...member, canary: '', place: 'home' }).facts.owner
  return aThing({
    what: `an upload by ${by.name}`,
    facts: { owner, visibility: 'study', createdBy: by.home?.actor ?? null },
    names: { member: String(member.number), number: String(id) },
  })
}

/** As a list of theirs tells it; of what no list tells them of, made in the same way. */
async function keyFor({ asker, thing }: Asked): Promise<string> {
  if (asker.keyId === undefined) return ''
  const through = { key: asker.keyId as KeyId, lastUsedAt: null } // the key's own
  const scope = await scopeOf({ door: 'openhumans' })
  return fileKeysFor(
    scope,
    { ...NOBODY, role: 'worker', study: '' as never, through },
    3_600,
  )(Number(thing.names['number']))
}

export async function anOpenHumansMatrix(): Promise<{ ofProject: DoorMatrix; byNumber: DoorMatrix }> {
  const world = await aDoorWorld({ jwt: false })
  const { home, elsewhere, ada, bob, wim } = world.people
  const numbers = new Map([
    [OWNER, ada.caller.number],
    [GRANTEE, bob.caller.number],
    [WITHDRAWN, wim.caller.number],
  ])
  const withMember = (thing: DoorThing): DoorThing => ({
    ...thing,
    names: { ...thing.names, member: String(numbers.get(thing.names['participant'] ?? '')) },
  })
  const [person, left] = [OWNER, WITHDRAWN].map((id) =>
    withMember(personOf(home, id, { number: numbers.get(id) ?? 0, canary: '', place: 'home' })),
  ) as [DoorThing, DoorThing] // as many as there are ids
  const askers = [...world.askers, ...(await sessionsOf(world))]
  const pending = await Promise.all(
    ['the participant', 'a worker key'].map(async (name) => pendingBy(askerNamed(world, name), ada.caller)),
  )
  const code = aThing({ what: 'a code', names: { code: await aCode(world, 'hush-spare') } })
  const kept = await keepRows(home, elsewhere)
  const owned = world.files.filter(({ facts }) => facts.owner !== null)
  return {
    ofProject: {
      tongue: OF_PROJECT,
      rows: projectRows(world),
      askers,
      things: {
        nothing: [NOTHING],
        person: [person, { ...left, isThere: false }],
        everyone: [person, left],
        // By numbers that are no other study's.
        file: owned.map(({ what, names, facts, grants, ownerWithdrawn }) =>
          withMember(aThing({ what, names, facts, grants, ownerWithdrawn })),
        ),
        pending,
        code: [code],
      },
      kept,
    },
    byNumber: {
      tongue: BY_NUMBER,
      rows: numberedRows(keyFor),
      askers,
      things: { nothing: [NOTHING], file: [...world.files, ...world.filesAbroad] },
      kept,
    },
  }
}
