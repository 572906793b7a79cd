import { permits, rules } from '../../src/domain/policy.ts'
import { anonymous, as } from './client.ts'
import { type DoorMatrix, type DoorRow, type DoorRows, itself, seenBy, type Tongue } from './door-matrix.ts'
import {
  aDoorWorld,
  askerNamed,
  type DoorWorld,
  endedOf,
  NOTHING,
  personOf,
  shownBy,
  withAbroad,
} from './door-matrix-world.ts'
import { keepRows } from './kept.ts'
import { aThing } from './matrix.ts'
import { OWNER, WITHDRAWN } from './matrix-people.ts'
import { asking, delegatedParticipant } from './mydatahelps.ts'
import { filesOf, OWN, projectOf } from './mydatahelps-files.ts'
import { aKey, ok } from './world.ts'

// MyDataHelps: participants by a token that acts for them, on their own files; and service accounts, which are workers
// and admins, in the project that the path names.

const SAYS = {
  allowed: 200,
  unauthenticated: 401,
  forbidden: 403,
  participant_withdrawn: 403,
  study_not_found: 404,
  file_not_found: 404,
  participant_not_found: 404,
} as const

export const DELEGATED: Tongue = { door: 'mydatahelps', isByCredential: true, stranger: 'unauthenticated', says: SAYS }
export const ADMINISTRATION: Tongue = { door: 'mydatahelps', stranger: 'study_not_found', says: SAYS }

const keyOf = ({ participant, handle }: Readonly<Record<string, string>>) =>
  `key=${encodeURIComponent(`${participant}/${handle}`)}`

const OF_PARTICIPANTS = { admits: ['participant'], own: true } as const
const OF_ACCOUNTS = { admits: ['worker', 'admin'] } as const
const READ = { sees: 'fileMetadata', needs: ['fileContent'], unseen: 'file_not_found', shows: itself } as const
const DELETE = { sees: 'fileMetadata', needs: ['deleteFile'], unseen: 'file_not_found', changes: 'once' } as const

/** What is asked for in the study of what is shown. */
export const delegatedRows = ({ files, filesAbroad }: DoorWorld): DoorRows => ({
  'POST /identityserver/connect/token': {
    of: 'person',
    needs: ['actFor'],
    // Nobody is let act for who has left.
    decide: (principal, { thing }) =>
      principal !== undefined && permits(rules.actFor, principal) && thing.ownerWithdrawn
        ? 'participant_not_found'
        : undefined,
    unseen: 'participant_not_found',
    changes: 'always',
    ask: async ({ asker, thing }) =>
      asking(anonymous)(delegatedParticipant(asker.secret ?? '', thing.names['participant'] ?? '')),
    says: { unauthenticated: 400, forbidden: 400, participant_withdrawn: 400, participant_not_found: 400 },
  },
  [`GET ${OWN}`]: {
    of: 'nothing',
    ...OF_PARTICIPANTS,
    absent: 'empty',
    ask: async ({ asker }) => as(asker.secret).get(OWN),
    shows: (principal, { asker }) =>
      [...seenBy('listFiles', files)(asker), ...seenBy('listFiles', filesAbroad)(asker)]
        .filter(({ facts }) => principal?.role === 'participant' && facts.owner === principal.participant)
        .map(({ names }) => names['canary'] ?? ''),
  },
  [`POST ${OWN}`]: {
    of: 'nothing',
    ...OF_PARTICIPANTS,
    needs: ['createFile'],
    absent: 'made',
    changes: 'always',
    ask: async ({ asker }) => as(asker.secret).post(`${OWN}?category=photos&fileName=walk.jpg`),
  },
  [`DELETE ${OWN}`]: {
    of: 'file',
    ...OF_PARTICIPANTS,
    ...DELETE,
    ask: async ({ asker, thing }) => as(asker.secret).delete(`${OWN}?${keyOf(thing.names)}`),
    says: { allowed: 204 },
  },
  [`GET ${OWN}/download`]: {
    of: 'file',
    ...OF_PARTICIPANTS,
    ...READ,
    ask: async ({ asker, thing }) => as(asker.secret).get(`${OWN}/download?${keyOf(thing.names)}`),
  },
})

const ROUTE = '/api/v1/administration/projects/:projectID'
const people = ({ people: { home, elsewhere } }: DoorWorld) => ({
  [home.id]: ['canary-home-ada', 'canary-home-wim'],
  [elsewhere.id]: ['canary-abroad-ada'],
})

/** What is asked for in the study that the path names. */
export function administrationRows(world: DoorWorld): DoorRows {
  const at = (names: Readonly<Record<string, string>>) => projectOf({ id: names['study'] ?? '' })
  const inPath = (names: Readonly<Record<string, string>>) => filesOf({ id: names['study'] ?? '' })
  const listed: NonNullable<DoorRow['shows']> = (_, { asker, thing }) =>
    seenBy('listFiles', [...world.files, ...world.filesAbroad])(asker)
      .filter(({ names, facts }) => names['study'] === thing.names['study'] && facts.owner !== null)
      .map(({ names }) => names['canary'] ?? '')
  const listing = { of: 'project', ...OF_ACCOUNTS, needs: ['listFiles'], shows: listed } as const
  return {
    [`GET ${ROUTE}/files`]: { ...listing, ask: async ({ asker, thing }) => as(asker.secret).get(inPath(thing.names)) },
    [`GET ${ROUTE}/files/UploadedFiles.csv`]: {
      ...listing,
      ask: async ({ asker, thing }) => as(asker.secret).get(`${inPath(thing.names)}/UploadedFiles.csv`),
    },
    [`GET ${ROUTE}/files/download`]: {
      of: 'file',
      ...OF_ACCOUNTS,
      ...READ,
      ask: async ({ asker, thing }) => as(asker.secret).get(`${inPath(thing.names)}/download?${keyOf(thing.names)}`),
    },
    [`DELETE ${ROUTE}/files`]: {
      of: 'file',
      ...OF_ACCOUNTS,
      ...DELETE,
      ask: async ({ asker, thing }) => as(asker.secret).delete(`${inPath(thing.names)}?${keyOf(thing.names)}`),
      says: { allowed: 204 },
    },
    [`GET ${ROUTE}/participants`]: {
      of: 'project',
      ...OF_ACCOUNTS,
      needs: ['listParticipants'],
      ask: async ({ asker, thing }) => as(asker.secret).get(`${at(thing.names)}/participants`),
      shows: (_, { thing }) => people(world)[thing.names['study'] ?? ''] ?? [],
    },
    [`GET ${ROUTE}/participants/:participantIdentifier`]: {
      of: 'person',
      ...OF_ACCOUNTS,
      sees: 'readParticipant',
      unseen: 'participant_not_found',
      ask: async ({ asker, thing }) =>
        as(asker.secret).get(`${at(thing.names)}/participants/${thing.names['participant']}-external`),
      shows: itself,
    },
  }
}

/** A session that acts for the participant. */
async function delegatedBy(secret: string | undefined, scope = 'api'): Promise<string> {
  const form = { ...delegatedParticipant(secret ?? '', OWNER), scope }
  return ok(await asking(anonymous)(form)).access_token
}

/** Sessions that service accounts were given, one of an account that has ended since. */
async function sessionsOf(world: DoorWorld) {
  const { home } = world.people
  const ada = askerNamed(world, 'the participant')
  const ended = await aKey(home, { role: 'worker' })
  const endedSession = await delegatedBy(ended.key)
  ok(await home.admin.delete(`${home.path}/keys/${ended.id}`))
  const reading = shownBy(
    ada,
    'who may only read for the participant',
    await delegatedBy(home.worker.key, 'Files:read'),
  )
  return [
    shownBy(ada, 'who acts for the participant', await delegatedBy(home.worker.key)),
    { ...reading, home: ada.home?.role === 'participant' ? { ...ada.home, readOnly: true } : undefined },
    endedOf('who acted for the participant, by a key that was revoked', endedSession),
  ]
}

export async function aMyDataHelpsMatrix(): Promise<{ delegated: DoorMatrix; administration: DoorMatrix }> {
  const world = await aDoorWorld({ jwt: false })
  const { home, elsewhere, ada, wim, eve } = world.people
  ok(await home.admin.patch(`${home.path}/participants/${OWNER}`, { firstName: 'canary-home-ada' }))
  ok(await home.admin.patch(`${home.path}/participants/${WITHDRAWN}`, { firstName: 'canary-home-wim' }))
  ok(await elsewhere.admin.patch(`${elsewhere.path}/participants/${OWNER}`, { firstName: 'canary-abroad-ada' }))
  const abroad = personOf(elsewhere, OWNER, {
    number: eve.caller.number,
    canary: 'canary-abroad-ada',
    place: 'elsewhere',
  })
  const persons = [
    personOf(home, OWNER, { number: ada.caller.number, canary: 'canary-home-ada', place: 'home' }),
    personOf(home, WITHDRAWN, { number: wim.caller.number, canary: 'canary-home-wim', place: 'home' }),
  ]
  const owned = [...world.files, ...world.filesAbroad].filter(({ facts }) => facts.owner !== null)
  const project = (study: { id: string }, place: 'home' | 'elsewhere') =>
    aThing({
      what: place === 'home' ? 'the project' : 'another project',
      place,
      facts: { visibility: 'study' },
      names: { study: study.id },
    })
  const askers = [...world.askers, ...(await sessionsOf(world))]
  const kept = await keepRows(home, elsewhere)
  return {
    delegated: {
      tongue: DELEGATED,
      rows: delegatedRows(world),
      askers,
      things: {
        nothing: [NOTHING],
        file: owned.filter(({ place }) => place === 'home'),
        person: persons.map((person) => withAbroad(person, person.names['participant'] === OWNER ? abroad : undefined)),
      },
      owned,
      kept,
    },
    administration: {
      tongue: ADMINISTRATION,
      rows: administrationRows(world),
      askers,
      things: {
        project: [project(home, 'home'), project(elsewhere, 'elsewhere')],
        file: owned,
        person: [...persons, abroad],
      },
      kept,
    },
  }
}
