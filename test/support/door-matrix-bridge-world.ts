import type { ParticipantId } from '../../src/model/ids.ts'
import { bridgeCallers } from './bridge.ts'
import { as, type Caller } from './client.ts'
import { BRIDGE, bridgeRows, BY_APP } from './door-matrix-bridge.ts'
import { openRows, reportRows, STEPS } from './door-matrix-bridge-reports.ts'
import type { Asker, DoorMatrix, DoorThing } from './door-matrix.ts'
import { aDoorWorld, askerNamed, type DoorWorld, endedOf, NOTHING, shownBy, withAbroad } from './door-matrix-world.ts'
import { keepRows } from './kept.ts'
import { aThing, type Thing } from './matrix.ts'
import { OWNER, type People, WITHDRAWN } from './matrix-people.ts'
import { aKey, HELLO, ok, put, type Study } from './world.ts'

const [DATE, INSTANT] = ['2026-11-21', '2026-11-21T08:00:00.000Z']

type Place = 'home' | 'elsewhere'

/** What a participant has, under names that others have too, but for those that are on lists. */
async function belongingsOf(study: Study, caller: Caller, { id, place }: { id: string; place: Place }) {
  const at = `${study.path}/participants/${id}`
  const canary = `canary-${place}-${id}`
  const [document, report, listed] = [`${canary}-document`, `${canary}-report`, `${canary}-listed`]
  ok(await caller.put(`${at}/documents/hush-doc`, { document }))
  ok(await caller.put(`${at}/documents/${listed}`, { listed: true }))
  for (const name of [STEPS, listed]) ok(await caller.put(`${at}/reports/${name}/entries/${DATE}`, { report }))
  ok(await caller.put(`${at}/reports/${STEPS}/entries/${INSTANT}`, { report }))
  const said = { name: 'a.txt', mediaType: 'text/plain', size: HELLO.length }
  const { upload } = ok(await caller.put(`${at}/files/${canary}-file`, said))
  await put(upload.url)
  ok(await caller.post(`${study.path}/uploads/${upload.id}/complete`))
  const thingOf = (what: string, address: string, its: string): Thing =>
    aThing({
      what: `${what} of ${id}`,
      place,
      ownerWithdrawn: id === WITHDRAWN,
      facts: { owner: id as ParticipantId }, // enrolled by this id
      names: { study: study.id, participant: id, identifier: STEPS, canary: its, listed, address },
    })
  return {
    document: thingOf('a document', 'document', document),
    report: thingOf('a report', 'report', report),
    name: thingOf('the name of a report', 'name', listed),
    file: thingOf('a file', 'list', `${canary}-file`),
  }
}

const VISIBLE = { kept: 'private', open: 'public', opened: 'participants' } as const

/** The app's own: kept from participants, open to everyone, and made here, which opens it to participants. */
async function appReports(study: Study, place: Place): Promise<{ report: DoorThing; listed: DoorThing }[]> {
  const worker = bridgeCallers(as)(study.worker.key)
  return Promise.all(
    (['kept', 'open', 'opened'] as const).map(async (name) => {
      const [canary, identifier] = [`canary-${place}-app-${name}`, `hush-${name}`]
      for (const each of [identifier, `${canary}-listed`]) {
        for (const date of [DATE, INSTANT]) {
          if (name === 'opened') ok(await worker.post(`/v3/reports/${each}`, { date, data: canary }))
          else ok(await study.admin.put(`${study.path}/reports/${each}/entries/${date}`, { canary }))
        }
        if (name === 'open') ok(await study.admin.patch(`${study.path}/reports/${each}`, { public: true }))
      }
      const thing = aThing({
        what: `a report of the app: ${name}`,
        place,
        facts: { visibility: VISIBLE[name] },
        names: { study: study.id, identifier, canary },
      })
      return { report: thing, listed: { ...thing, names: { ...thing.names, canary: `${canary}-listed` } } }
    }),
  )
}

/** Sessions of the participant, by keys of their own: one good, one of a key that was revoked since; and what renews them. */
async function sessionsOf(world: DoorWorld): Promise<{ sessions: Asker[]; renewals: DoorThing[] }> {
  const { home } = world.people
  const [good, ended] = [
    await aKey(home, { role: 'participant', participant: OWNER }),
    await aKey(home, { role: 'participant', participant: OWNER }),
  ]
  const signIn = async ({ key }: Caller): Promise<{ sessionToken: string; reauthToken: string }> =>
    ok(
      await bridgeCallers(as)().post('/v4/auth/signIn', {
        appId: home.id,
        externalId: `${OWNER}-external`,
        password: key,
      }),
    )
  const [session, endedSession] = [await signIn(good), await signIn(ended)]
  ok(await home.admin.delete(`${home.path}/keys/${ended.id}`))
  const renewalOf = (what: string, isThere: boolean, token: string): DoorThing => {
    const thing = aThing({ what, isThere, names: { study: home.id, token } })
    return withAbroad(thing, thing)
  }
  return {
    sessions: [
      shownBy(askerNamed(world, 'the participant'), 'the participant, signed in here', session.sessionToken),
      endedOf('who signed in with a key that was revoked', endedSession.sessionToken),
    ],
    renewals: [
      renewalOf('what renews a session', true, session.reauthToken),
      renewalOf('what renewed the session of a key that was revoked', false, endedSession.reauthToken),
    ],
  }
}

const belongings = async ({ home, elsewhere, ada, wim, eve }: People) => ({
  ada: await belongingsOf(home, ada.caller, { id: OWNER, place: 'home' }),
  wim: await belongingsOf(home, wim.caller, { id: WITHDRAWN, place: 'home' }),
  abroad: await belongingsOf(elsewhere, eve.caller, { id: OWNER, place: 'elsewhere' }),
  reports: await appReports(home, 'home'),
  reportsAbroad: await appReports(elsewhere, 'elsewhere'),
})
type Belongings = Awaited<ReturnType<typeof belongings>>

/** By what kind rows ask for them; what is in the app is of the one that the path names. */
function thingsOf({ ada, wim, abroad, reports, reportsAbroad }: Belongings, { files, people: { home } }: DoorWorld) {
  const reportsOf = [withAbroad(ada.report, abroad.report), wim.report]
  const here = aThing({ what: 'nothing in particular', names: { study: home.id } })
  const named: Thing = { ...ada.name, facts: { ...NOTHING.facts }, ownerWithdrawn: false }
  const report = reports.map(({ report: each }, index) => withAbroad(each, reportsAbroad[index]?.report))
  return {
    nothing: [NOTHING],
    'nothing in the app': [here],
    account: [here],
    'own document': [ada.document],
    'document in the app': [ada.document, wim.document],
    'own report': [ada.report],
    report: reportsOf,
    'report in the app': [ada.report, wim.report],
    name: [withAbroad(named, named)],
    'name in the app': [named],
    'listed file': [ada.file],
    file: files.filter(({ names }) =>
      ['f-private', 'f-shown', 'f-expired', 'f-other', 'f-left'].includes(names['handle'] ?? ''),
    ),
    'app report': report,
    'app report in the app': reports.map(({ report: each }) => each),
  }
}

export async function aBridgeMatrix(): Promise<{ ofCaller: DoorMatrix; byApp: DoorMatrix }> {
  const { made, ...world } = await aDoorWorld({ jwt: false, before: belongings })
  if (made === undefined) throw new Error('Nobody has anything.')
  const { ada, wim, abroad, reports, reportsAbroad } = made
  const { sessions, renewals } = await sessionsOf(world)
  const askers = [...world.askers, ...sessions]
  const kept = await keepRows(world.people.home, world.people.elsewhere)
  const all = [...reports, ...reportsAbroad]
  return {
    ofCaller: {
      tongue: BRIDGE,
      rows: {
        ...bridgeRows,
        ...reportRows(
          [ada, wim, abroad].map(({ name }) => name),
          all.map(({ listed }) => listed),
        ),
      },
      askers,
      things: { ...thingsOf(made, world), renewal: renewals },
      owned: [ada, wim, abroad].flatMap((has) => Object.values(has)).concat(world.files, world.filesAbroad),
      kept,
    },
    byApp: { tongue: BY_APP, rows: openRows, askers, things: { 'app report': all.map(({ report }) => report) }, kept },
  }
}
