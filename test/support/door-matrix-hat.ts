import { PREFIXES } from '../../src/adapters/hat/paths.ts'
import { accessTo, factsOf, permits, rules } from '../../src/domain/policy.ts'
import {
  type Asked,
  canaryOf,
  type DoorRow,
  type DoorRows,
  type DoorThing,
  factsFor,
  itself,
  NOBODY,
  seenBy,
  type Tongue,
} from './door-matrix.ts'
import { APPLICATION } from './door-matrix-world.ts'
import { atHat, send } from './hat.ts'
import { OWNER } from './matrix-people.ts'

// HAT: the files of the host's owner, by whoever shows a token or a key of the study that the host leads to.

export const HAT: Tongue = {
  door: 'hat',
  stranger: 'unauthenticated',
  says: {
    allowed: 200,
    unauthenticated: 401,
    account_not_found: 401,
    forbidden: 403,
    participant_withdrawn: 403,
    file_not_found: 404,
    invalid_request: 400,
  },
}

const at = ({ asker, thing }: Asked) => atHat(thing.names['host'] ?? '', asker.secret)
const nameOf = ({ thing: { names } }: Asked) => names['handle'] ?? ''

const READ = { of: 'file', sees: 'fileMetadata', unseen: 'file_not_found', shows: itself } as const
const ALL = { name: '', source: '' }

type Verdict = NonNullable<DoorRow['decide']>

/** A template is for who may share at all, and means what they find and may see the sharing of. */
const byTemplate: Verdict = (principal, asked) => {
  if (principal === undefined || principal.role === 'anonymous' || principal.role === 'stranger') return undefined
  const theirs =
    principal.role === 'participant' ? { ...factsOf(principal.participant), source: principal.source } : undefined
  if (!permits(rules.shareFile, principal, theirs)) return 'forbidden'
  return isListed(asked) && !permits(rules.readGrants, principal, factsFor(asked)) ? 'forbidden' : 'allowed'
}
const isListed = ({ asker, thing }: Asked) => thing.isThere && seenBy('listFiles', [thing])(asker).length > 0
const ifListed: NonNullable<DoorRow['shows']> = (_, asked) => (isListed(asked) ? [canaryOf(asked.thing)] : [])
const template = ({ names }: DoorThing) => ({ ...ALL, name: `${names['canary']}.txt` })

/** Nobody is told why there is no content, nor refused what is open to all for a token that has ended. */
const byContent: Verdict = (principal, asked) =>
  asked.thing.isThere && permits(rules.fileContent, principal ?? NOBODY, factsFor(asked)) ? 'allowed' : 'file_not_found'

/** Participants find what they may see, whatever that is; the team what it may list. */
const bySearch: Verdict = (principal) =>
  principal !== undefined && (principal.role === 'participant' || permits(rules.listFiles, principal))
    ? 'allowed'
    : undefined

/** Under a prefix; `some`: of few things. */
const filesAt = (prefix: string, some: '' | 'some ', all: readonly DoorThing[]): DoorRows => {
  const path = `${prefix}/files`
  const file = `${some}file`
  const few = `${some === '' ? 'few ' : some}file`
  const sharing = { ...READ, of: few, needs: ['shareFile', 'readGrants'], changes: 'always' } as const
  const byMeaning = { of: few, decide: byTemplate, shows: ifListed, changes: 'always' } as const
  const publishing = { ...READ, of: few, needs: ['editFile', 'setVisibility'], changes: 'once' } as const
  return {
    [`POST ${path}/upload`]: {
      of: `${some}hat`,
      needs: ['createFile'],
      changes: 'always',
      ask: async (asked) =>
        at(asked).post(`${path}/upload`, { name: 'walk.txt', source: asked.thing.facts.source ?? '' }),
    },
    [`PUT ${path}/file/:fileId/complete`]: {
      ...READ,
      of: `${some}pending`,
      needs: ['continueUpload'],
      changes: 'once',
      ask: async (asked) => {
        await send(asked.thing.names['url'] ?? '', canaryOf(asked.thing))
        return at(asked).put(`${path}/file/${nameOf(asked)}/complete`)
      },
    },
    [`POST ${path}/search`]: {
      of: `${some}hat`,
      needs: ['listFiles'],
      decide: bySearch,
      ask: async (asked) => at(asked).post(`${path}/search`, ALL),
      shows: (_, { asker, thing }) =>
        seenBy(
          'listFiles',
          all,
        )(asker)
          .filter(({ isThere, names }) => isThere && names['host'] === thing.names['host'])
          .map(canaryOf),
    },
    [`GET ${path}/file/:fileId`]: {
      ...READ,
      of: file,
      ask: async (asked) => at(asked).get(`${path}/file/${nameOf(asked)}`),
      opens: (principal, asked) => accessTo(factsFor(asked), principal ?? NOBODY) === 'content',
    },
    [`PUT ${path}/file/:fileId`]: {
      ...READ,
      of: few,
      needs: ['editFile'],
      ask: async (asked) =>
        at(asked).put(`${path}/file/${nameOf(asked)}`, { name: `${canaryOf(asked.thing)}.txt`, source: '' }),
      changes: 'always',
    },
    [`DELETE ${path}/file/:fileId`]: {
      ...READ,
      of: file,
      needs: ['deleteFile'],
      ask: async (asked) => at(asked).delete(`${path}/file/${nameOf(asked)}`),
      changes: 'once',
    },
    [`GET ${path}/content/:fileId`]: {
      of: file,
      anyone: true,
      decide: byContent,
      ask: async (asked) => at(asked).get(`${path}/content/${nameOf(asked)}`),
      shows: itself,
      opens: () => true,
      says: { allowed: 303 },
    },
    [`GET ${path}/allowAccess/:fileId/:userId`]: {
      ...sharing,
      ask: async (asked) =>
        at(asked).get(`${path}/allowAccess/${nameOf(asked)}/${asked.thing.names['user']}?content=true`),
    },
    [`GET ${path}/restrictAccess/:fileId/:userId`]: {
      ...sharing,
      ask: async (asked) => at(asked).get(`${path}/restrictAccess/${nameOf(asked)}/${asked.thing.names['user']}`),
    },
    [`POST ${path}/allowAccess/:userId`]: {
      ...byMeaning,
      ask: async (asked) =>
        at(asked).post(`${path}/allowAccess/${asked.thing.names['user']}?content=true`, template(asked.thing)),
    },
    [`POST ${path}/restrictAccess/:userId`]: {
      ...byMeaning,
      ask: async (asked) =>
        at(asked).post(`${path}/restrictAccess/${asked.thing.names['user']}`, template(asked.thing)),
    },
    [`GET ${path}/allowAccessPublic/:fileId`]: {
      ...publishing,
      ask: async (asked) => at(asked).get(`${path}/allowAccessPublic/${nameOf(asked)}`),
    },
    [`GET ${path}/restrictAccessPublic/:fileId`]: {
      ...publishing,
      ask: async (asked) => at(asked).get(`${path}/restrictAccessPublic/${nameOf(asked)}`),
    },
  }
}

const unsupported = (method: 'post' | 'put' | 'delete'): DoorRow => ({
  of: 'owner',
  decide: () => 'invalid_request',
  ask: async (asked) => at(asked)[method]('/api/v2.6/contract/data'),
})

const isOwner = (principal: Parameters<Verdict>[0], { thing }: Asked) =>
  principal?.role === 'participant' && principal.participant === thing.facts.owner

const application = { of: 'owner', needs: ['admitApplication'], changes: 'always' } as const

const signIn: DoorRows = {
  'GET /users/access_token': {
    of: 'owner',
    // No rule: whoever has the owner's name and a key of theirs. A session is no password.
    decide: (principal, asked) =>
      isOwner(principal, asked) && asked.asker.secret?.startsWith('crl_') === true ? 'allowed' : 'account_not_found',
    changes: 'always',
    ask: async ({ asker, thing }) =>
      atHat(thing.names['host'] ?? '').get('/users/access_token', {
        username: OWNER,
        ...(asker.secret === undefined ? {} : { password: asker.secret }),
      }),
  },
  // Whoever has a place in the study.
  'GET /users/access_token/validate': {
    of: 'owner',
    ask: async (asked) => at(asked).get('/users/access_token/validate'),
  },
  'GET /users/application_token': {
    ...application,
    ask: async (asked) => at(asked).get(`/users/application_token?name=${APPLICATION}`),
  },
  'GET /api/v2.6/applications/:id/access-token': {
    ...application,
    ask: async (asked) => at(asked).get(`/api/v2.6/applications/${APPLICATION}/access-token`),
  },
  'GET /publickey': { of: 'owner', decide: () => 'allowed', ask: async (asked) => at(asked).get('/publickey') },
  'POST /api/v2.6/contract/*': unsupported('post'),
  'PUT /api/v2.6/contract/*': unsupported('put'),
  'DELETE /api/v2.6/contract/*': unsupported('delete'),
}

const [FIRST = '', ...OTHERS] = PREFIXES
/** Under the other prefixes are the same handlers: of one thing each. */
export const hatRows = (all: readonly DoorThing[]): DoorRows => ({
  ...filesAt(FIRST, '', all),
  ...Object.assign({}, ...OTHERS.map((prefix) => filesAt(prefix, 'some ', all))),
  ...signIn,
})
