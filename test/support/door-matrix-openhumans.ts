import { permits, rules } from '../../src/domain/policy.ts'
import type { Principal } from '../../src/model/principal.ts'
import { anonymous, as } from './client.ts'
import {
  type Asked,
  canaryOf,
  type DoorRow,
  type DoorRows,
  factsFor,
  itself,
  NOBODY,
  seenBy,
  type Tongue,
} from './door-matrix.ts'
import type { DoorWorld } from './door-matrix-world.ts'
import type { Thing } from './matrix.ts'
import { about, COMPLETE, DELETE, DIRECT, form, MULTIPART, multipart, PROJECT, upload } from './openhumans.ts'

// Open Humans: a project by its master token, which is a worker's or an admin's key, and members by their own. Whoever
// has withdrawn is no member.

export const OF_PROJECT: Tongue = {
  door: 'openhumans',
  isByCredential: true,
  stranger: 'unauthenticated',
  notAdmitted: 'unauthenticated',
  says: {
    allowed: 200,
    unauthenticated: 401,
    participant_withdrawn: 401,
    forbidden: 403,
    participant_not_found: 400,
    file_not_found: 400,
    enrolment_code_not_found: 400,
    invalid_body: 400,
  },
}
/** What has a number of its own leads to its study, whoever asks. */
export const BY_NUMBER: Tongue = {
  door: 'openhumans',
  stranger: 'unauthenticated',
  says: { allowed: 302, unauthenticated: 403, participant_withdrawn: 403, file_not_found: 403 },
}

const MASTER = { admits: ['worker', 'admin'] } as const
const EITHER = { admits: ['participant', 'worker', 'admin'], requiresActive: true } as const
const ON_MEMBERS = { ...EITHER, of: 'person', sees: 'listParticipants', unseen: 'participant_not_found' } as const

const isTakingPart = (principal: Principal | undefined): boolean =>
  principal?.role === 'participant' && principal.status === 'active'

type Verdict = NonNullable<DoorRow['decide']>
/** With a member's own token that one is meant, whoever is named. */
const onThemselves: Verdict = (principal) => (isTakingPart(principal) ? 'allowed' : undefined)

/** Of another's there is nothing to a member, and of who has left nothing to anybody. */
const onFiles: Verdict = (principal, { thing: { facts, ownerWithdrawn, ownerIsThere } }) => {
  if (isTakingPart(principal) && principal?.role === 'participant' && principal.participant !== facts.owner)
    return 'file_not_found'
  return (principal?.role === 'worker' || principal?.role === 'admin') && (ownerWithdrawn || !ownerIsThere)
    ? 'participant_not_found'
    : undefined
}

const memberIn = ({ names }: Thing) => ({ number: Number(names['member']) })
const onFile = ({ names }: Thing) => ({ project_member_id: names['member'] ?? '', file_id: names['number'] ?? '' })
const by = ({ asker }: Asked) => as(asker.secret)

const listed = (files: DoorWorld['files']): NonNullable<DoorRow['shows']> => {
  const seen = seenBy('listMemberFiles', files)
  return (principal, { asker, thing }) => {
    const owner = principal?.role === 'participant' ? principal.participant : thing.facts.owner
    const isMeant = ({ facts, ownerWithdrawn }: Thing) =>
      !ownerWithdrawn && facts.owner !== null && (owner === null || facts.owner === owner)
    return seen(asker).filter(isMeant).map(canaryOf)
  }
}

const uploading = { ...ON_MEMBERS, needs: ['createFile'], decide: onThemselves, changes: 'always' } as const

export const projectRows = ({ files, filesAbroad }: DoorWorld): DoorRows => ({
  // Whoever has a token of the project's or of a member's.
  [`GET ${PROJECT}`]: { ...EITHER, of: 'nothing', ask: async (asked) => by(asked).get(`${PROJECT}/`) },
  [`GET ${PROJECT}/members`]: {
    ...MASTER,
    of: 'nothing',
    needs: ['listParticipants'],
    ask: async (asked) => by(asked).get(`${PROJECT}/members/`),
    shows: listed([...files, ...filesAbroad]),
  },
  [`GET ${PROJECT}/exchange-member`]: {
    ...ON_MEMBERS,
    decide: onThemselves,
    ask: async (asked) => by(asked).get(`${PROJECT}/exchange-member/?project_member_id=${asked.thing.names['member']}`),
    shows: listed([...files, ...filesAbroad]),
  },
  [`POST ${PROJECT}/files/upload`]: {
    ...uploading,
    ask: async (asked) => upload(by(asked), about(memberIn(asked.thing))),
    says: { allowed: 201 },
  },
  [`POST ${PROJECT}/upload`]: {
    ...uploading,
    ask: async (asked) =>
      by(asked).post(
        `${PROJECT}/upload/`,
        multipart(about(memberIn(asked.thing)), { filename: 'a.txt', content: 'a' }),
        MULTIPART,
      ),
    says: { allowed: 201 },
  },
  [`POST ${PROJECT}/files/upload/direct`]: {
    ...uploading,
    ask: async (asked) => form(by(asked), DIRECT, { ...about(memberIn(asked.thing)), filename: 'a.json' }),
    says: { allowed: 201 },
  },
  [`POST ${PROJECT}/files/upload/complete`]: {
    ...EITHER,
    of: 'pending',
    sees: 'continueUpload',
    unseen: 'file_not_found',
    decide: onFiles,
    changes: 'always',
    ask: async (asked) => form(by(asked), COMPLETE, onFile(asked.thing)),
  },
  [`POST ${PROJECT}/files/delete`]: {
    ...EITHER,
    of: 'file',
    sees: 'listMemberFiles',
    needs: ['deleteFile'],
    unseen: 'file_not_found',
    decide: onFiles,
    changes: 'once',
    // Nothing was deleted: that is told by a list with nothing on it.
    ask: async (asked) => {
      const answer = await form(by(asked), DELETE, onFile(asked.thing))
      return answer.status === 200 && answer.body.ids.length === 0 ? { ...answer, status: 404 } : answer
    },
    says: { file_not_found: 404 },
  },
  [`POST ${PROJECT}/message`]: {
    ...EITHER,
    of: 'nothing',
    // There is no way of writing to anybody: to whom it would be open it says so.
    needs: [],
    ask: async (asked) => form(by(asked), `${PROJECT}/message/`, { message: 'hello' }),
    says: { allowed: 400 },
  },
  [`POST ${PROJECT}/remove-members`]: {
    ...ON_MEMBERS,
    of: 'everyone',
    needs: ['withdraw'],
    decide: onThemselves,
    changes: 'alone',
    ask: async (asked) =>
      form(by(asked), `${PROJECT}/remove-members/`, { project_member_ids: asked.thing.names['member'] ?? '' }),
  },
  'POST /oauth2/token': {
    ...MASTER,
    of: 'code',
    needs: ['actFor'],
    unseen: 'enrolment_code_not_found',
    changes: 'once',
    ask: async ({ asker, thing }) =>
      form(anonymous, '/oauth2/token/', {
        client_id: 'hush',
        client_secret: asker.secret ?? '',
        grant_type: 'authorization_code',
        code: thing.names['code'] ?? '',
      }),
  },
})

const open = (path: string): DoorRows => ({
  [`GET ${path}`]: {
    of: 'nothing',
    decide: () => 'allowed',
    ask: async (asked) => by(asked).get(`${path}/`),
    says: { allowed: 200 },
  },
})

/** A file's key reads with the rights of whom it was made for, and only what is a member's. */
const byFileKey: Verdict = (principal, asked) => {
  const { facts, ownerWithdrawn } = asked.thing
  if (asked.asker.keyId === undefined)
    return permits(rules.fileContent, NOBODY, { ...facts, granted: null }) ? 'allowed' : 'unauthenticated'
  if (principal === undefined || principal.role === 'stranger' || facts.owner === null || ownerWithdrawn)
    return 'unauthenticated'
  if (principal.role === 'participant' && principal.status === 'withdrawn') return 'participant_withdrawn'
  return permits(rules.fileContent, principal, factsFor(asked)) ? 'allowed' : 'file_not_found'
}

const DOWNLOAD = '/data-management/datafile-download'
const forNobody = { of: 'file', asNobody: true, anyone: true } as const

/** `keyFor`: a key of a file for whoever has a key of their own. */
export const numberedRows = (keyFor: (asked: Asked) => Promise<string>): DoorRows => ({
  [`GET ${DOWNLOAD}/:id`]: {
    ...forNobody,
    sees: 'fileContent',
    shows: itself,
    ask: async (asked) => by(asked).get(`${DOWNLOAD}/${asked.thing.names['number']}/`),
  },
  [`GET ${DOWNLOAD}/:id, by a key for it`]: {
    of: 'file',
    decide: byFileKey,
    shows: itself,
    opens: () => true,
    ask: async (asked) => anonymous.get(`${DOWNLOAD}/${asked.thing.names['number']}/?key=${await keyFor(asked)}`),
  },
  'GET /api/public/datafile/:id': {
    ...forNobody,
    sees: 'fileMetadata',
    shows: itself,
    ask: async (asked) => by(asked).get(`/api/public/datafile/${asked.thing.names['number']}/`),
    says: { allowed: 200, unauthenticated: 404 },
  },
  ...Object.assign(
    {},
    ...[
      '/direct-sharing/projects/oauth2/authorize',
      '/api/public-data',
      ...['datafiles', 'datatypes', 'projects', 'members-by-source', 'sources-by-member'].map(
        (name) => `/api/public/${name}`,
      ),
    ].map(open),
  ),
})
