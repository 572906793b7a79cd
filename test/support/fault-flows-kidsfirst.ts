import { fileIdOf, versionIdOf } from '../../src/adapters/kidsfirst/ids.ts'
import { type Answer, anonymous, type Caller } from './client.ts'
import { type DoorFlow, type DoorFlows, type Expected, inSteps } from './fault-runs.ts'
import { within } from './faults.ts'
import { aDevToken, aSignedUrl, pathOf } from './kidsfirst.ts'
import * as mutations from './kidsfirst-mutations.ts'
import { PART } from './parts.ts'
import { aDraft, receive, withVersions } from './versions.ts'
import { aStudy, type Study } from './world.ts'

// What clients of Kids First's study creator change, and how they come again: with the same operation.

type More = Expected & { isMain?: boolean }
type Variables = Readonly<Record<string, unknown>>

/** What is refused is told in a 200: here it counts as a conflict. Where only its telling failed, it was done. */
function judged(answer: Answer): Answer {
  const isRefused =
    answer.body.errors !== undefined && Object.values(answer.body.data ?? {}).every((each) => each === null)
  return answer.status === 200 && isRefused ? { ...answer, status: 409 } : answer
}

/** An admin's operation on what `before` has made. */
const once = <Made>(
  mutation: string,
  {
    before,
    ask,
    ...expected
  }: More & {
    before: (study: Study) => Promise<Made>
    ask: (admin: Caller, made: Made & { study: Study; bindings: object }) => Promise<Answer>
  },
): DoorFlow => ({
  routes: [`mutation ${mutation}`],
  ...expected,
  prepare: async () => {
    const study = await aStudy()
    const made = await before(study)
    return {
      study: study.id,
      ask: async (bindings) => judged(await ask(within(bindings, study.admin), { ...made, study, bindings })),
    }
  },
})

const { mutate, upload } = mutations
/** Nobody knows that they are the same: there are two of what was uploaded twice. */
const twice = { makesAnew: ['files', 'versions', 'shelf'], forAWhile: ['uploads'] } as const
const refusedAgain = { doneBefore: [409] } as const

const nothing = async () => ({})
const aFileOf = async (study: Study) => ({ file: (await receive(study)).file })
const twoFiles = async (study: Study) => ({ ...(await withVersions(study, 2)), other: (await receive(study)).file })

const versions = {
  'a file that is uploaded': once('createVersion', {
    before: nothing,
    ask: async (admin, { study }) => upload(admin, { study: study.id, description: 'as it was measured' }),
    ...twice,
    isMain: true,
  }),
  'a file that is uploaded, in parts': once('createVersion', {
    before: nothing,
    ask: async (_, { study, bindings }) =>
      upload(
        within({ ...bindings, PART_BYTES: String(PART) }, study.admin),
        { study: study.id },
        { content: 'x'.repeat(PART + 11) },
      ),
    ...twice,
  }),
  'one more version': once('createVersion', {
    before: aFileOf,
    ask: async (admin, { file }) => upload(admin, { fileId: fileIdOf(file.number) }),
    ...twice,
  }),
  'a version that is reviewed and moved': once('updateVersion', {
    before: twoFiles,
    ask: async (admin, { numbers: [first = 0], other }) =>
      mutate(admin, mutations.UPDATE_VERSION, {
        kfId: versionIdOf(first),
        description: 'the first one',
        state: 'APP',
        file: mutations.globalId('FileNode', fileIdOf(other.number)),
      }),
    isMain: true,
  }),
} satisfies Record<string, DoorFlow>

const named: Variables = { name: 'Participants', description: 'who takes part', fileType: 'OTH', tags: ['x'] }
const files = {
  'a file that is uploaded and named': {
    routes: ['mutation createVersion', 'mutation createFile'],
    ...twice,
    ...refusedAgain,
    isMain: true,
    prepare: async () => {
      const study = await aStudy()
      const ask = inSteps(
        async (bindings) => judged(await upload(within(bindings, study.admin), { study: study.id })),
        async (bindings, [{ body } = { body: undefined }]) =>
          judged(
            await mutate(within(bindings, study.admin), mutations.CREATE_FILE, {
              ...named,
              version: body.data.createVersion.version.id,
            }),
          ),
      )
      return { study: study.id, ask }
    },
  },
  'content that a file is made of': once('createFile', {
    before: aDraft,
    ask: async (admin, { version }) =>
      mutate(admin, mutations.CREATE_FILE, {
        ...named,
        version: mutations.globalId('VersionNode', versionIdOf(version)),
      }),
    ...refusedAgain,
  }),
  'a file, edited': once('updateFile', {
    before: aFileOf,
    ask: async (admin, { file }) =>
      mutate(admin, mutations.UPDATE_FILE, { kfId: fileIdOf(file.number), name: 'Cases', tags: ['a', 'b'] }),
  }),
  'a file, deleted': once('deleteFile', {
    before: twoFiles,
    ask: async (admin, { file }) => mutate(admin, mutations.DELETE_FILE, { kfId: fileIdOf(file.number) }),
    ...refusedAgain,
    isMain: true,
  }),
} satisfies Record<string, DoorFlow>

/** In each of the ways in which clients write them. */
const withVersion = (paths: readonly string[]) =>
  paths.flatMap((path) => [`GET ${path}`, `GET ${path}/version/:version`])
const DOWNLOADS = withVersion(
  ['study', 'study_id'].flatMap((at) => ['file', 'files'].map((file) => `/download/${at}/:study/${file}/:file`)),
)
const SIGNED_URLS = withVersion([
  '/signed-url/study/:study/file/:file',
  '/signed-url/study/:study/files/:file',
  '/study/:study/files/:file',
])
/** A URL that nobody was told opens nothing when its time is over. */
const urlAnew = { forAWhile: ['download_tokens'] } as const

const links = {
  'a signed URL': once('signedUrl', {
    before: aFileOf,
    ask: async (admin, { study, file }) =>
      mutate(admin, mutations.SIGNED_URL, { studyId: study.id, fileId: fileIdOf(file.number) }),
    ...urlAnew,
  }),
  'a signed URL, asked for by its path': {
    ...once('signedUrl', {
      before: aFileOf,
      ask: async (admin, { study, file }) => admin.get(pathOf(study, file).replace('/download/', '/signed-url/')),
      ...urlAnew,
    }),
    routes: SIGNED_URLS,
  },
  'a signed URL that is used': {
    routes: DOWNLOADS,
    doneBefore: [401, 404],
    onlyOnce: true,
    isMain: true,
    prepare: async () => {
      const study = await aStudy()
      const { file } = await aFileOf(study)
      const url = await aSignedUrl(study.staff, pathOf(study, file))
      return { study: study.id, ask: async (bindings) => within(bindings, anonymous).get(url) }
    },
  },
} satisfies Record<string, DoorFlow>

const tokens = {
  "a developer's token": once('createDevToken', {
    before: nothing,
    ask: async (admin) => mutate(admin, mutations.CREATE_TOKEN, { name: 'laptop' }),
    ...refusedAgain,
    onlyOnce: true,
  }),
  "a developer's token, deleted": once('deleteDevToken', {
    before: async (study) => ({ secret: await aDevToken(study, 'laptop') }),
    ask: async (admin) => mutate(admin, mutations.DELETE_TOKEN, { name: 'laptop' }),
    ...refusedAgain,
  }),
} satisfies Record<string, DoorFlow>

export const KIDSFIRST: DoorFlows = {
  flows: { ...versions, ...files, ...links, ...tokens },
  without: {
    'it reads what is there': ['GET /health_check', 'GET /graphql'],
    'each mutation is tried by its name': ['POST /graphql', 'POST /'],
    'it changes nothing': ['mutation evaluateTemplateMatch'],
  },
}
