import { anonymous, type Answer, as, type Caller } from './client.ts'
import { type DoorFlow, type DoorFlows, type Expected, inSteps } from './fault-runs.ts'
import { within } from './faults.ts'
import { about, aProject, COMPLETE, DELETE, DIRECT, form, type Project, PROJECT, upload } from './openhumans.ts'
import { PART } from './parts.ts'
import { aKey, HELLO, ok, put } from './world.ts'

// What clients of Open Humans change, and how they come again: with the same request.

type More = Expected & { isMain?: boolean }
type Ask<Made> = (worker: Caller, made: Made, bindings: object) => Promise<Answer>

/** One request of the project's, when `before` has made what it is on. */
const once = <Made>(
  routes: readonly string[],
  { before, ask, ...expected }: More & { before: (project: Project) => Promise<Made>; ask: Ask<Made & Project> },
): DoorFlow => ({
  routes: routes.map((path) => `POST ${path}`),
  ...expected,
  prepare: async () => {
    const project = await aProject()
    const made = { ...project, ...(await before(project)) }
    return {
      study: project.study.id,
      ask: async (bindings) => ask(within(bindings, project.study.worker), made, bindings),
    }
  },
})

const nothing = async () => ({})
const fileOf = async ({ sent, complete }: Project) => {
  const { id } = await sent()
  ok(await complete(id))
  return { file: { file_id: String(id) } }
}
const memberOf = ({ member }: Project) => ({ project_member_id: String(member.number) })
const begin = async (caller: Caller, { member }: Project) =>
  form(caller, DIRECT, { ...about(member), filename: 'walk.csv' })

const [SIMPLE, AT_DIRECT, AT_COMPLETE] = ['upload', 'upload/direct', 'upload/complete'].map(
  (path) => `${PROJECT}/files/${path}`,
) as [string, string, string] // as many as there are words
/** Another file is begun: of the one whose answer was lost nothing is left when its time is over. */
const anew = { forAWhile: ['files', 'uploads'] } as const
/** Nobody knows that they are the same: the client has two files, and is told of both. */
const twice = { makesAnew: ['files', 'versions', 'shelf'], forAWhile: ['uploads'] } as const

const files = {
  'a file in the request': once([SIMPLE, `${PROJECT}/upload`], {
    before: nothing,
    ask: async (worker, { member }) => upload(worker, about(member)),
    ...twice,
    isMain: true,
  }),
  'a file in the request, in parts': once([SIMPLE], {
    before: nothing,
    ask: async (_, { study, member }, bindings) =>
      upload(within({ ...bindings, PART_BYTES: String(PART) }, study.worker), about(member), {
        filename: 'long.txt',
        content: 'x'.repeat(PART + 11),
      }),
    ...twice,
  }),
  'a file that is begun': once([AT_DIRECT], {
    before: nothing,
    ask: async (worker, project) => begin(worker, project),
    ...anew,
  }),
  'a file that is begun, sent and completed': {
    routes: [AT_DIRECT, AT_COMPLETE].map((path) => `POST ${path}`),
    ...anew,
    isMain: true,
    prepare: async () => {
      const project = await aProject()
      const { study } = project
      const ask = inSteps(
        async (bindings) => begin(within(bindings, study.worker), project),
        async (bindings, [{ body } = { body: undefined }]) => {
          await put(body.url)
          return form(within(bindings, study.worker), COMPLETE, { ...memberOf(project), file_id: String(body.id) })
        },
      )
      return { study: study.id, ask }
    },
  },
  'a file that was sent, completed': once([AT_COMPLETE], {
    before: async ({ sent }) => ({ file: { file_id: String((await sent()).id) } }),
    ask: async (worker, made) => form(worker, COMPLETE, { ...memberOf(made), ...made.file }),
  }),
  'a file, deleted': once([`${PROJECT}/files/delete`], {
    before: fileOf,
    ask: async (worker, made) => form(worker, DELETE, { ...memberOf(made), ...made.file }),
    isMain: true,
  }),
  'all files, deleted': once([`${PROJECT}/files/delete`], {
    before: async (project) => {
      await fileOf(project)
      await upload(project.study.worker, about(project.member), { filename: 'b.txt', content: HELLO })
      return {}
    },
    ask: async (worker, made) => form(worker, DELETE, { ...memberOf(made), all_files: 'True' }),
  }),
} satisfies Record<string, DoorFlow>

const membership = {
  'a member who is taken out': once([`${PROJECT}/remove-members`], {
    before: fileOf,
    ask: async (_, { study, member }, bindings) =>
      form(within(bindings, study.admin), `${PROJECT}/remove-members/`, { project_member_ids: String(member.number) }),
    goesOn: true,
    isMain: true,
  }),
} satisfies Record<string, DoorFlow>

/** The study's app, and a code that it was given for the member. */
async function anApp({ study, member }: Project) {
  const { key = '' } = await aKey(study, { role: 'worker', label: 'app' })
  const codes = `${study.path}/participants/${member.id}/enrolment-codes`
  const { code } = ok(await study.admin.post(codes, { label: 'phone' }))
  return { client: { client_id: 'app', client_secret: key }, code: code as string }
}
type Named = Record<string, string>

/** A token is asked for, and used. */
const signingIn = (granted: (project: Project) => Promise<Named>): DoorFlow => ({
  routes: ['POST /oauth2/token'],
  makesAnew: ['sessions'],
  prepare: async () => {
    const project = await aProject()
    const fields = await granted(project)
    const ask = inSteps(
      async (bindings) => form(within(bindings, anonymous), '/oauth2/token/', fields),
      async (bindings, [{ body } = { body: undefined }]) =>
        within(bindings, as(body.access_token)).get(`${PROJECT}/exchange-member/`),
    )
    return { study: project.study.id, ask }
  },
})

const tokens = {
  'a code that is exchanged': {
    ...signingIn(async (project) => {
      const { client, code } = await anApp(project)
      return { ...client, grant_type: 'authorization_code', code }
    }),
    isMain: true,
  },
  'a token that is renewed': signingIn(async (project) => {
    const { client, code } = await anApp(project)
    const asked = { ...client, grant_type: 'authorization_code', code }
    const { refresh_token } = ok(await form(anonymous, '/oauth2/token/', asked))
    return { ...client, grant_type: 'refresh_token', refresh_token: refresh_token as string }
  }),
} satisfies Record<string, DoorFlow>

export const OPENHUMANS: DoorFlows = {
  flows: { ...files, ...membership, ...tokens },
  without: {
    'it reads what is there': [
      PROJECT,
      `${PROJECT}/members`,
      `${PROJECT}/exchange-member`,
      '/data-management/datafile-download/:id',
      '/api/public/datafile/:id',
    ].map((path) => `GET ${path}`),
    'there is nothing behind it': [
      'POST /api/direct-sharing/project/message',
      'GET /direct-sharing/projects/oauth2/authorize',
      ...[
        'public-data',
        ...['datafiles', 'datatypes', 'projects', 'members-by-source', 'sources-by-member'].map(
          (name) => `public/${name}`,
        ),
      ].map((path) => `GET /api/${path}`),
    ],
  },
}
