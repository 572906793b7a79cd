import { type Answer, anonymous } from './client.ts'
import { type DoorFlow, type DoorFlows, type Expected, inSteps } from './fault-runs.ts'
import { within } from './faults.ts'
import { aKeyPair, asking, aServiceAccount, clientCredentials, delegatedParticipant, signed } from './mydatahelps.ts'
import { arrive, filesOf, list, OWN, upload } from './mydatahelps-files.ts'
import { aParticipant, aStudy } from './world.ts'

// What clients of MyDataHelps change, and how they come again: service accounts sign anew, the rest is sent as it was.

async function aProject() {
  const study = await aStudy()
  return { study, ada: await aParticipant(study, { id: 'ada', externalId: 'PT-1' }) }
}
type Project = Awaited<ReturnType<typeof aProject>>
type More = Expected & { isMain?: boolean }

const PROJECT = '/api/v1/administration/projects/:projectID/files'
const TOKEN = 'POST /identityserver/connect/token'

/** One request on a file that the participant has sent, by its key. */
const onFile = (
  routes: readonly string[],
  ask: (bindings: object, made: Project & { key: string }) => Promise<Answer>,
  expected: More = {},
): DoorFlow => ({
  routes,
  ...expected,
  prepare: async () => {
    const project = await aProject()
    const key = encodeURIComponent(await upload(project.ada, 'photos', 'walk.jpg'))
    await list(project.ada)
    return { study: project.study.id, ask: async (bindings) => ask(bindings, { ...project, key }) }
  },
})

const begin = async (bindings: object, { ada }: Project) =>
  within(bindings, ada).post(`${OWN}?category=photos&fileName=walk.jpg`)
/** Another file is begun: of the one whose answer was lost nothing is left when its time is over. */
const anew = { forAWhile: ['files', 'uploads'] } as const

/** A file is begun, sent, and noticed by who looks. */
const sending = (
  routes: readonly string[],
  look: (bindings: object, made: Project & { key: string }) => Promise<Answer>,
  expected: More = {},
): DoorFlow => ({
  routes: [`POST ${OWN}`, ...routes],
  ...anew,
  ...expected,
  prepare: async () => {
    const project = await aProject()
    const ask = inSteps(
      async (bindings) => begin(bindings, project),
      async (bindings, [{ body } = { body: undefined }]) => {
        await arrive(body.preSignedUrl, 'image/jpeg')
        return look(bindings, { ...project, key: encodeURIComponent(body.key) })
      },
    )
    return { study: project.study.id, ask }
  },
})

/** A table is told as it is made: one that breaks off is none, and is asked for again. */
const asTable = async (answer: Promise<Answer>): Promise<Answer> =>
  answer.catch((failure: unknown) => ({ status: 503, body: '', text: String(failure), headers: new Headers() }))

const tokens = {
  "a service account's token": {
    routes: [TOKEN],
    makesAnew: ['sessions', 'assertions'],
    isMain: true,
    prepare: async () => {
      const { study } = await aProject()
      const [keys, name] = [await aKeyPair(), `MyDataHelps.${study.id}`]
      await aServiceAccount(study, name, keys)
      const ask = inSteps(
        async (bindings) => asking(within(bindings, anonymous))(clientCredentials(await signed(keys, name))),
        async (bindings, [{ body } = { body: undefined }]) =>
          within(bindings, { ...anonymous, key: body.access_token }).get(filesOf(study)),
      )
      return { study: study.id, ask }
    },
  },
  'the token of an assertion that comes twice': {
    routes: [TOKEN],
    doneBefore: [400],
    onlyOnce: true,
    prepare: async () => {
      const { study } = await aProject()
      const [keys, name] = [await aKeyPair(), `MyDataHelps.${study.id}`]
      await aServiceAccount(study, name, keys)
      const form = clientCredentials(await signed(keys, name))
      return { study: study.id, ask: async (bindings) => asking(within(bindings, anonymous))(form) }
    },
  },
  'a token that acts for a participant': {
    routes: [TOKEN],
    makesAnew: ['sessions'],
    prepare: async () => {
      const { study, ada } = await aProject()
      const form = delegatedParticipant(study.worker.key ?? '', ada.id)
      return { study: study.id, ask: async (bindings) => asking(within(bindings, anonymous))(form) }
    },
  },
} satisfies Record<string, DoorFlow>

const files = {
  'a file that is begun': {
    routes: [`POST ${OWN}`],
    ...anew,
    prepare: async () => {
      const project = await aProject()
      return { study: project.study.id, ask: async (bindings) => begin(bindings, project) }
    },
  },
  'a file that is sent, and found on the list': sending(
    [`GET ${OWN}`],
    async (bindings, { ada }) => within(bindings, ada).get(OWN),
    { isMain: true },
  ),
  'a file that is sent, and opened': sending([`GET ${OWN}/download`], async (bindings, { ada, key }) =>
    within(bindings, ada).get(`${OWN}/download?key=${key}`),
  ),
  "a file that is sent, and found on the project's list": sending([`GET ${PROJECT}`], async (bindings, { study }) =>
    within(bindings, study.worker).get(filesOf(study)),
  ),
  'a file that is sent, and opened by the project': sending(
    [`GET ${PROJECT}/download`],
    async (bindings, { study, key }) => within(bindings, study.worker).get(`${filesOf(study)}/download?key=${key}`),
  ),
  "a file that is sent, and told in the project's table": sending(
    [`GET ${PROJECT}/UploadedFiles.csv`],
    async (bindings, { study }) => asTable(within(bindings, study.worker).get(`${filesOf(study)}/UploadedFiles.csv`)),
  ),
  'a file, deleted': onFile(
    [`DELETE ${OWN}`],
    async (bindings, { ada, key }) => within(bindings, ada).delete(`${OWN}?key=${key}`),
    { doneBefore: [404], isMain: true },
  ),
  'a file, deleted by the project': onFile(
    [`DELETE ${PROJECT}`],
    async (bindings, { study, key }) => within(bindings, study.worker).delete(`${filesOf(study)}?key=${key}`),
    { doneBefore: [404] },
  ),
} satisfies Record<string, DoorFlow>

export const MYDATAHELPS: DoorFlows = {
  flows: { ...tokens, ...files },
  without: {
    'it reads what is there': [
      'GET /api/v1/administration/projects/:projectID/participants',
      'GET /api/v1/administration/projects/:projectID/participants/:participantIdentifier',
    ],
  },
}
