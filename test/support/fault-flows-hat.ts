import { PREFIXES } from '../../src/adapters/hat/paths.ts'
import type { Answer } from './client.ts'
import { type DoorFlow, type DoorFlows, type Expected, inSteps } from './fault-runs.ts'
import { aCompleted, aHat, aNew, atHat, FILES, type Hat, type HatClient, send } from './hat.ts'
import { aParticipant, ok } from './world.ts'

// What clients of a HAT change, and how they come again: with the same request and the token that they have.

/** The same under each prefix. */
const at = (method: string, path: string) => PREFIXES.map((prefix) => `${method} ${prefix}/files${path}`)

type Made = Readonly<{ hat: Hat; fileId: string }>
type More = Expected & {
  isMain?: boolean
  /** Makes the file that is meant; one whose bytes are there, unless something else. */
  file?: (hat: Hat) => Promise<{ fileId: string }>
}

const complete = async ({ owner }: Hat) => aCompleted(owner)
const pending = async ({ owner }: Hat) => aNew(owner)
const none = async () => ({ fileId: '' })

/** One request of the owner's. */
const once = (
  routes: readonly string[],
  ask: (owner: HatClient, made: Made) => Promise<Answer>,
  { file = complete, ...expected }: More = {},
): DoorFlow => ({
  routes,
  ...expected,
  prepare: async () => {
    const hat = await aHat({ owner: { id: 'ada' } })
    await aParticipant(hat.study, { id: 'bob' })
    const { fileId } = await file(hat)
    return {
      study: hat.study.id,
      ask: async (bindings) => ask(atHat(hat.host, hat.person.key, bindings), { hat, fileId }),
    }
  },
})

const gone = { doneBefore: [404] } as const
/** Another file is begun: of the one whose answer was lost nothing is left when its time is over. */
const anew = { forAWhile: ['files', 'uploads'] } as const
const NOTES = { name: 'notes.txt', source: 'test' }
const ALL = { name: '', source: 'test' }

const files = {
  'a file that is begun': once(at('POST', '/upload'), async (owner) => owner.post(`${FILES}/upload`, NOTES), {
    file: none,
    ...anew,
  }),
  'a file that is begun, sent and completed': {
    routes: [...at('POST', '/upload'), ...at('PUT', '/file/:fileId/complete')],
    ...anew,
    isMain: true,
    prepare: async () => {
      const { study, host, person } = await aHat()
      const ask = inSteps(
        async (bindings) => atHat(host, person.key, bindings).post(`${FILES}/upload`, NOTES),
        async (bindings, [{ body } = { body: undefined }]) => {
          await send(body.contentUrl)
          return atHat(host, person.key, bindings).put(`${FILES}/file/${body.fileId}/complete`)
        },
      )
      return { study: study.id, ask }
    },
  },
  'a file that was sent, completed': once(
    at('PUT', '/file/:fileId/complete'),
    async (owner, { fileId }) => owner.put(`${FILES}/file/${fileId}/complete`),
    {
      file: async (hat) => {
        const file = await aNew(hat.owner)
        await send(file.contentUrl)
        return file
      },
    },
  ),
  'a URL to send to, made anew': once(
    at('GET', '/file/:fileId'),
    async (owner, { fileId }) => owner.get(`${FILES}/file/${fileId}`),
    { file: pending },
  ),
  'a file, edited': once(at('PUT', '/file/:fileId'), async (owner, { fileId }) =>
    owner.put(`${FILES}/file/${fileId}`, { ...NOTES, name: 'diary.txt', title: 'Week one', tags: ['diary'] }),
  ),
  'a file, deleted': once(
    at('DELETE', '/file/:fileId'),
    async (owner, { fileId }) => owner.delete(`${FILES}/file/${fileId}`),
    { ...gone, isMain: true },
  ),
  'a file that nothing was sent to, deleted': once(
    at('DELETE', '/file/:fileId'),
    async (owner, { fileId }) => owner.delete(`${FILES}/file/${fileId}`),
    { ...gone, file: pending },
  ),
} satisfies Record<string, DoorFlow>

/** A complete file that is shared with Bob. */
async function shared(hat: Hat) {
  const file = await complete(hat)
  ok(await hat.owner.get(`${FILES}/allowAccess/${file.fileId}/bob?content=true`))
  return file
}
async function published(hat: Hat) {
  const file = await complete(hat)
  ok(await hat.owner.get(`${FILES}/allowAccessPublic/${file.fileId}`))
  return file
}
const sharing = {
  'a file, shared': once(
    at('GET', '/allowAccess/:fileId/:userId'),
    async (owner, { fileId }) => owner.get(`${FILES}/allowAccess/${fileId}/bob?content=true`),
    { isMain: true },
  ),
  'a file, shared no more': once(
    at('GET', '/restrictAccess/:fileId/:userId'),
    async (owner, { fileId }) => owner.get(`${FILES}/restrictAccess/${fileId}/bob`),
    { file: shared },
  ),
  'files, shared': once(at('POST', '/allowAccess/:userId'), async (owner) =>
    owner.post(`${FILES}/allowAccess/bob?content=true`, ALL),
  ),
  'files, shared no more': once(
    at('POST', '/restrictAccess/:userId'),
    async (owner) => owner.post(`${FILES}/restrictAccess/bob`, ALL),
    { file: shared },
  ),
  'a file, made public': once(at('GET', '/allowAccessPublic/:fileId'), async (owner, { fileId }) =>
    owner.get(`${FILES}/allowAccessPublic/${fileId}`),
  ),
  'a file, public no more': once(
    at('GET', '/restrictAccessPublic/:fileId'),
    async (owner, { fileId }) => owner.get(`${FILES}/restrictAccessPublic/${fileId}`),
    { file: published },
  ),
} satisfies Record<string, DoorFlow>

const FOR_APPLICATION = ['GET /users/application_token', 'GET /api/v2.6/applications/:id/access-token']
const signIns = {
  'a sign-in': {
    routes: ['GET /users/access_token'],
    makesAnew: ['sessions'],
    isMain: true,
    prepare: async () => {
      const { study, host, person } = await aHat({ owner: { id: 'ada' } })
      const ask = inSteps(
        async (bindings) =>
          atHat(host, undefined, bindings).get('/users/access_token', { username: 'ada', password: person.key ?? '' }),
        async (bindings, [{ body } = { body: undefined }]) =>
          atHat(host, body.accessToken, bindings).get('/users/access_token/validate'),
      )
      return { study: study.id, ask }
    },
  },
  "an application's token": once(
    FOR_APPLICATION,
    async (owner) => owner.get('/users/application_token?name=rumpel&resource=x'),
    { makesAnew: ['sessions'], file: none },
  ),
} satisfies Record<string, DoorFlow>

export const HAT: DoorFlows = {
  flows: { ...files, ...sharing, ...signIns },
  without: {
    'it reads what is there': [
      ...at('POST', '/search'),
      ...at('GET', '/content/:fileId'),
      'GET /users/access_token/validate',
      'GET /publickey',
    ],
    'it is refused to everybody': ['POST', 'PUT', 'DELETE'].map((method) => `${method} /api/v2.6/contract/*`),
  },
}
