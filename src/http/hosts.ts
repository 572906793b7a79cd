import { z } from '@hono/zod-openapi'
import { listHosts, removeHost, setHost } from '../domain/hosts.ts'
import type { Host } from '../model/hosts.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { HostText, PageQuery, pageRequest, pageSchema, ParticipantIdText, StudyIdText, StudyPath } from './schemas.ts'

const tags = ['Participants']
const path = '/studies/{study}/hosts/{host}'
const params = z.object({ study: StudyIdText, host: HostText })

const exampleHost = { host: 'ada.hat.example.org', participant: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10' }
const HostOut = z.object({ host: z.string(), participant: z.string() }).openapi('Host', { example: exampleHost })

const presentHost = ({ host, participant }: Host): z.infer<typeof HostOut> => ({ host, participant })

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/hosts',
    operationId: 'listHosts',
    summary: 'List the host names of participants, by name',
    tags,
    request: { params: StudyPath, query: z.strictObject(PageQuery) },
    responses: { 200: answer('A page.', pageSchema('HostPage', HostOut)) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const set = operation(
  {
    method: 'put',
    path,
    operationId: 'setHost',
    summary: "Give a participant a host name, where HAT's clients find what is theirs",
    description:
      'For the operator. The name must lead to this service; a participant may have several, and one of another study ' +
      'is not taken from it.',
    tags,
    request: {
      params,
      body: jsonBody(z.strictObject({ participant: ParticipantIdText }), { participant: exampleHost.participant }),
    },
    responses: { 200: answer('Whose it is now.', HostOut) },
  },
  { problems: ['forbidden', 'study_not_found', 'participant_not_found'] },
)

const remove = operation(
  {
    method: 'delete',
    path,
    operationId: 'removeHost',
    summary: 'Take a host name away, if the study has it',
    tags,
    request: { params },
    responses: { 204: { description: "It is nobody's here." } },
  },
  { problems: ['forbidden', 'study_not_found'] },
)

export const hosts = newRouter()
  .openapi(list, async (c) => {
    const page = await listHosts(scopeOf(c), c.req.valid('param').study, pageRequest(c.req.valid('query')))
    return c.json(mapPage(page, presentHost), 200)
  })
  .openapi(set, async (c) => {
    const { study, host } = c.req.valid('param')
    const { participant } = c.req.valid('json')
    return c.json(presentHost(await setHost(scopeOf(c), study, { host, participant })), 200)
  })
  .openapi(remove, async (c) => {
    const { study, host } = c.req.valid('param')
    await removeHost(scopeOf(c), study, host)
    return c.body(null, 204)
  })
