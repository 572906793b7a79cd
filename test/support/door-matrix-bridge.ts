import { bridgeCallers } from './bridge.ts'
import { as } from './client.ts'
import { type Asked, canaryOf, type DoorRow, type DoorRows, itself, type Tongue } from './door-matrix.ts'
import { OWNER } from './matrix-people.ts'

// Bridge: sessions, participant data and participant files. The app is that of what is shown.

/** Who takes part has consented: who does not, is told so by a session, where they have an account. */
const consent: NonNullable<Tongue['saysTo']> = (outcome, principal, { requiresActive }) => {
  if (outcome === 'allowed' || outcome === 'unauthenticated' || principal === undefined) return undefined
  const hasConsent = principal.role === 'participant' && principal.status === 'active'
  const hasAccount = ['participant', 'staff', 'worker', 'admin'].includes(principal.role)
  const isOwn = outcome === 'participant_withdrawn' && principal.role === 'participant'
  return hasAccount && !hasConsent && (requiresActive === true || isOwn) ? 412 : undefined
}

const SAYS = {
  allowed: 200,
  unauthenticated: 401,
  forbidden: 403,
  participant_withdrawn: 400,
  invalid_body: 400,
  invalid_request: 400,
  account_not_found: 404,
  participant_not_found: 404,
  document_not_found: 404,
  file_not_found: 404,
  report_not_found: 404,
} as const

export const BRIDGE: Tongue = {
  door: 'bridge',
  isByCredential: true,
  stranger: 'unauthenticated',
  says: SAYS,
  saysTo: consent,
}
/** What is for anyone is of the app that the path names. */
export const BY_APP: Tongue = { door: 'bridge', says: SAYS }

type Verdict = NonNullable<DoorRow['decide']>
export const by = ({ asker }: Asked) => bridgeCallers(as)(asker.secret)

export const CONSENTED = { admits: ['participant'], requiresActive: true, own: true } as const

/** No rule: whoever has the name of the account and a key of it. A session is no password. */
const bySignIn: Verdict = (_, { asker: { secret, home } }) => {
  if (secret === undefined) return 'invalid_body'
  if (!secret.startsWith('crl_')) return 'account_not_found'
  if (home?.role === 'download') return 'forbidden'
  return home?.role === 'participant' && home.participant === OWNER ? 'allowed' : 'account_not_found'
}
/** The account is no admin's. */
const byAdminSignIn: Verdict = (principal, asked) => {
  const { home } = asked.asker
  const isOther = home !== undefined && 'study' in home && home.role !== 'admin'
  return isOther && asked.asker.secret?.startsWith('crl_') === true
    ? 'forbidden'
    : (bySignIn(principal, asked) ?? undefined)
}
const bySomebody: Verdict = (principal) =>
  principal === undefined || principal.role === 'anonymous' ? 'invalid_request' : 'allowed'

const signInRow = (path: string, decide: Verdict): DoorRow => ({
  of: 'account',
  decide,
  changes: 'always',
  ask: async ({ asker, thing: { names } }) =>
    bridgeCallers(as)().post(path, {
      appId: names['study'],
      externalId: `${OWNER}-external`,
      ...(asker.secret === undefined ? {} : { password: asker.secret }),
    }),
})

const allowed: Verdict = () => 'allowed'
const UNSUPPORTED = ['email', 'email/signIn', 'phone', 'phone/signIn', 'oauth/signIn', 'app', 'study']

const sessionRows: DoorRows = {
  ...Object.fromEntries(
    ['/v4/auth/signIn', '/v3/auth/signIn', '/api/v1/auth/signIn'].map((path) => [
      `POST ${path}`,
      signInRow(path, bySignIn),
    ]),
  ),
  'POST /v3/auth/admin/signIn': signInRow('/v3/auth/admin/signIn', byAdminSignIn),
  'POST /v3/auth/reauth': {
    of: 'renewal',
    // No rule: it carries its own right, for as long as the key that it was given for.
    decide: (_, { thing }) => (thing.isThere ? 'allowed' : 'account_not_found'),
    // The last ten are good: here each is the first.
    changes: 'alone',
    ask: async (asked) =>
      by(asked).post('/v3/auth/reauth', {
        appId: asked.thing.names['study'],
        externalId: `${OWNER}-external`,
        reauthToken: asked.thing.names['token'],
      }),
  },
  'POST /v4/auth/signOut': {
    of: 'nothing',
    decide: bySomebody,
    changes: 'always',
    ask: async (asked) => by(asked).post('/v4/auth/signOut'),
  },
  'POST /v3/auth/signOut': {
    of: 'nothing',
    decide: allowed,
    changes: 'always',
    ask: async (asked) => by(asked).post('/v3/auth/signOut'),
  },
  'GET /api/v1/auth/signOut': {
    of: 'nothing',
    decide: allowed,
    changes: 'always',
    ask: async (asked) => by(asked).get('/api/v1/auth/signOut'),
  },
  // For nobody.
  ...Object.fromEntries(
    UNSUPPORTED.map((path): [string, DoorRow] => [
      `POST /v3/auth/${path}`,
      { of: 'nothing', decide: () => 'forbidden', ask: async (asked) => by(asked).post(`/v3/auth/${path}`) },
    ]),
  ),
}

const OWN = '/v3/users/self/data'
const THEIRS = '/v1/apps/:appId/participants/:userId/data'
const theirs = ({ thing: { names } }: Asked) => `/v1/apps/${names['study']}/participants/${names['participant']}/data`
const READ = { sees: 'readDocument', unseen: 'document_not_found', shows: itself } as const
const listedOf: NonNullable<DoorRow['shows']> = (_, { thing }) => (thing.isThere ? [thing.names['listed'] ?? ''] : [])
const CREATED = { allowed: 201 } as const

const dataRows: DoorRows = {
  [`GET ${OWN}`]: {
    ...CONSENTED,
    of: 'own document',
    sees: 'readDocument',
    absent: 'empty',
    ask: async (asked) => by(asked).get(OWN),
    shows: listedOf,
  },
  [`GET ${OWN}/:identifier`]: {
    ...CONSENTED,
    ...READ,
    of: 'own document',
    ask: async (asked) => by(asked).get(`${OWN}/hush-doc`),
  },
  [`POST ${OWN}/:identifier`]: {
    ...CONSENTED,
    of: 'own document',
    needs: ['putDocument'],
    absent: 'made',
    changes: 'always',
    ask: async (asked) => by(asked).post(`${OWN}/hush-doc`, { data: 1 }),
    says: CREATED,
  },
  [`DELETE ${OWN}/:identifier`]: {
    ...CONSENTED,
    of: 'own document',
    sees: 'readDocument',
    needs: ['deleteDocument'],
    unseen: 'document_not_found',
    changes: 'once',
    ask: async (asked) => by(asked).delete(`${OWN}/hush-doc`),
  },
  [`GET ${THEIRS}`]: {
    ...READ,
    admits: ['worker'],
    of: 'document in the app',
    ask: async (asked) => by(asked).get(theirs(asked)),
    shows: listedOf,
  },
  [`DELETE ${THEIRS}`]: {
    admits: ['admin'],
    of: 'document in the app',
    sees: 'readDocument',
    needs: ['deleteDocument'],
    unseen: 'participant_not_found',
    changes: 'once',
    ask: async (asked) => by(asked).delete(theirs(asked)),
  },
  [`GET ${THEIRS}/:identifier`]: {
    ...READ,
    admits: ['worker'],
    of: 'document in the app',
    ask: async (asked) => by(asked).get(`${theirs(asked)}/hush-doc`),
  },
  [`POST ${THEIRS}/:identifier`]: {
    admits: ['worker'],
    of: 'document in the app',
    sees: 'readDocument',
    needs: ['putDocument'],
    unseen: 'participant_not_found',
    changes: 'always',
    ask: async (asked) => by(asked).post(`${theirs(asked)}/hush-doc`, { data: 1 }),
    says: CREATED,
  },
  [`DELETE ${THEIRS}/:identifier`]: {
    admits: ['admin'],
    of: 'document in the app',
    sees: 'readDocument',
    needs: ['deleteDocument'],
    unseen: 'document_not_found',
    changes: 'once',
    ask: async (asked) => by(asked).delete(`${theirs(asked)}/hush-doc`),
  },
}

const FILES = '/v3/participants/self/files'
const nameOf = ({ thing: { names } }: Asked) => `${FILES}/${names['handle']}`

const fileRows: DoorRows = {
  [`GET ${FILES}`]: {
    ...CONSENTED,
    of: 'listed file',
    sees: 'listFiles',
    absent: 'empty',
    ask: async (asked) => by(asked).get(FILES),
    shows: (_, { thing }) => (thing.isThere ? [canaryOf(thing)] : []),
  },
  [`GET ${FILES}/:fileId`]: {
    ...CONSENTED,
    of: 'file',
    sees: 'listFiles',
    needs: ['fileContent'],
    unseen: 'file_not_found',
    shows: itself,
    opens: () => true,
    ask: async (asked) => by(asked).get(nameOf(asked)),
    says: { allowed: 302 },
  },
  [`POST ${FILES}/:fileId`]: {
    ...CONSENTED,
    of: 'file',
    needs: ['createFile'],
    absent: 'made',
    changes: 'always',
    ask: async (asked) => by(asked).post(nameOf(asked), { mimeType: 'text/plain' }),
    says: CREATED,
  },
  [`DELETE ${FILES}/:fileId`]: {
    ...CONSENTED,
    of: 'file',
    sees: 'fileMetadata',
    needs: ['deleteFile'],
    unseen: 'file_not_found',
    changes: 'once',
    ask: async (asked) => by(asked).delete(nameOf(asked)),
  },
}

export const bridgeRows: DoorRows = { ...sessionRows, ...dataRows, ...fileRows }
