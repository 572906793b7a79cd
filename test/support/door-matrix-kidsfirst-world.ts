import type { DoorMatrix, DoorThing } from './door-matrix.ts'
import { BY_KF_ID, GRAPHQL, mutationRows, OF_TOKENS, queryRows, tokenRows } from './door-matrix-graphql.ts'
import { BY_PATH, kfIdOf, pathRows } from './door-matrix-kidsfirst.ts'
import { aDoorWorld, NOTHING } from './door-matrix-world.ts'
import { as } from './client.ts'
import { aDevToken } from './kidsfirst.ts'
import { keepRows } from './kept.ts'
import { aThing } from './matrix.ts'
import { aDraft } from './versions.ts'
import { ok, type Study } from './world.ts'

async function studyOf(study: Study, place: 'home' | 'elsewhere'): Promise<DoorThing> {
  const canary = `canary-${place}-study-name`
  ok(await study.admin.patch(study.path, { name: canary }))
  return aThing({
    what: place === 'home' ? 'the study' : 'another study',
    place,
    facts: { visibility: 'study' },
    names: { study: study.id, canary },
  })
}

async function draftOf(study: Study, place: 'home' | 'elsewhere'): Promise<DoorThing> {
  const { file, version } = await aDraft(study, { name: `canary-${place}-draft.txt` })
  return aThing({
    what: place === 'home' ? 'content that nobody has made a file of' : 'the same of another study',
    place,
    facts: { visibility: 'study', createdBy: file.createdBy },
    names: { study: study.id, number: String(file.number), version: String(version), canary: `canary-${place}-draft` },
  })
}

async function tokenOf(study: Study, place: 'home' | 'elsewhere'): Promise<[string, string]> {
  const canary = `canary-${place}-token`
  await aDevToken(study, canary)
  await aDevToken(study, 'spare')
  return [study.id, canary]
}

export type KidsFirstMatrices = Readonly<{ byPath: DoorMatrix; graphql: DoorMatrix; ofTokens: DoorMatrix }>

export async function aKidsFirstMatrix(routes: readonly string[]): Promise<KidsFirstMatrices> {
  const world = await aDoorWorld({ jwt: true })
  const { home, elsewhere } = world.people
  const files = [...world.files, ...world.filesAbroad]
  const named = (...names: string[]) => files.filter(({ names: { canary = '' } }) => names.includes(canary.slice(7)))
  const shared = named('home-study')
  const studies = await Promise.all([studyOf(home, 'home'), studyOf(elsewhere, 'elsewhere')])
  const things = {
    nothing: [NOTHING],
    // An application's, and another study's private one, are to nobody here what a private one is not.
    file: files.filter((file) => !named('home-app', 'abroad-private').includes(file)),
    'few files': named('home-private', 'home-shown', 'home-expired', 'home-study', 'home-own'),
    'some file': named('home-shown'),
    shared: shared.map((thing) => ({ ...thing, names: { ...thing.names, admin: home.admin.key ?? '' } })),
    study: studies,
    draft: await Promise.all([draftOf(home, 'home'), draftOf(elsewhere, 'elsewhere')]),
  }
  const canaries = Object.fromEntries(await Promise.all([tokenOf(home, 'home'), tokenOf(elsewhere, 'elsewhere')]))
  // Who has signed in is the same member.
  const askers = world.askers.filter(({ name }) => name !== "a member's staff key")
  const kept = await keepRows(home, elsewhere)
  const atRoots = ['POST /graphql', 'POST /'].map((route) => [
    route,
    {
      of: 'some file',
      sees: 'fileMetadata',
      unseen: 'file_not_found',
      ask: async ({ asker, thing }: Parameters<DoorMatrix['rows'][string]['ask']>[0]) =>
        as(asker.secret).post(route.slice('POST '.length), { query: BY_KF_ID, variables: { kfId: kfIdOf(thing) } }),
      shows: (_: unknown, { thing }: { thing: DoorThing }) => [thing.names['canary'] ?? ''],
    } as const,
  ])
  return {
    byPath: { tongue: BY_PATH, rows: pathRows(routes), askers, things, kept },
    graphql: {
      tongue: GRAPHQL,
      rows: { ...Object.fromEntries(atRoots), ...queryRows(files, studies), ...mutationRows },
      askers,
      things,
      kept,
    },
    ofTokens: { tongue: OF_TOKENS, rows: tokenRows(canaries), askers, things, kept },
  }
}
