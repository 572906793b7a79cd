import { z } from '@hono/zod-openapi'
import { createStudy, getStudy, listStudies, updateStudy } from '../domain/studies.ts'
import type { Study } from '../model/entities.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  InstantOut,
  PageQuery,
  pageRequest,
  pageSchema,
  RetentionText,
  StudyIdText,
  StudyPath,
  text,
  VisibilityText,
} from './schemas.ts'

const tags = ['Studies']
const LinkSeconds = z.number().int().min(1).max(604_800).nullable()
const Quota = z.number().int().min(0).nullable()

const exampleSettings = {
  allowPublic: true,
  defaultVisibility: null,
  retention: 'keep',
  downloadUrlSeconds: null,
  downloadTokenSeconds: null,
  maxBytes: 1_099_511_627_776,
  maxFiles: null,
  maxDocuments: null,
} as const
const settingsShape = {
  allowPublic: z.boolean().openapi({ description: 'Whether files can be public.' }),
  defaultVisibility: VisibilityText.nullable().openapi({ description: "Null: the door's own default." }),
  retention: RetentionText,
  downloadUrlSeconds: LinkSeconds.openapi({
    description: 'How long a URL to content lives. Null: as the service has it.',
  }),
  downloadTokenSeconds: LinkSeconds.openapi({
    description: 'How long a one-time link lives. Null: as the service has it.',
  }),
  maxBytes: Quota.openapi({
    description: 'Of versions and open uploads together; set by the operator. Null: no limit.',
  }),
  maxFiles: Quota.openapi({ description: 'Set by the operator. Null: no limit.' }),
  maxDocuments: Quota.openapi({ description: 'Set by the operator. Null: no limit.' }),
}
const StudySettings = z.object(settingsShape).openapi('StudySettings', { example: exampleSettings })
const StudySettingsChange = z.strictObject(settingsShape).partial()
const NewStudySettings = z.strictObject({
  allowPublic: settingsShape.allowPublic.default(false),
  defaultVisibility: settingsShape.defaultVisibility.default(null),
  retention: settingsShape.retention.default('keep'),
  downloadUrlSeconds: settingsShape.downloadUrlSeconds.default(null),
  downloadTokenSeconds: settingsShape.downloadTokenSeconds.default(null),
  maxBytes: settingsShape.maxBytes.default(null),
  maxFiles: settingsShape.maxFiles.default(null),
  maxDocuments: settingsShape.maxDocuments.default(null),
})

const StudyOut = z
  .object({
    id: z.string(),
    number: z.number().int(),
    name: z.string(),
    settings: StudySettings,
    usage: z.object({
      bytes: z.number().int(),
      files: z.number().int(),
      documents: z.number().int(),
    }),
    createdAt: InstantOut,
  })
  .openapi('Study', {
    example: {
      id: 'SD_DEM0DEM0',
      number: 1,
      name: 'Demo study',
      settings: exampleSettings,
      usage: { bytes: 48_213, files: 2, documents: 1 },
      createdAt: '2026-11-21T08:30:00.000Z',
    },
  })

const presentStudy = ({ id, number, name, settings, usage, createdAt }: Study) => ({
  id,
  number,
  name,
  settings: {
    allowPublic: settings.allowPublic,
    defaultVisibility: settings.defaultVisibility,
    retention: settings.retention,
    downloadUrlSeconds: settings.downloadUrlSeconds,
    downloadTokenSeconds: settings.downloadTokenSeconds,
    maxBytes: settings.maxBytes,
    maxFiles: settings.maxFiles,
    maxDocuments: settings.maxDocuments,
  },
  usage: { bytes: usage.bytes, files: usage.files, documents: usage.documents },
  createdAt: createdAt.toISOString(),
})

const create = operation(
  {
    method: 'post',
    path: '/studies',
    operationId: 'createStudy',
    summary: 'Make a study (operator)',
    tags,
    request: {
      body: jsonBody(z.strictObject({ id: StudyIdText, name: text(255), settings: NewStudySettings.prefault({}) }), {
        id: 'SD_DEM0DEM0',
        name: 'Demo study',
        settings: { allowPublic: true },
      }),
    },
    responses: { 201: answer('The study.', StudyOut) },
  },
  { problems: ['forbidden', 'study_exists', 'study_not_found', 'numbers_exhausted'], creates: true },
)

const list = operation(
  {
    method: 'get',
    path: '/studies',
    operationId: 'listStudies',
    summary: 'List all studies (operator)',
    tags,
    request: { query: z.strictObject(PageQuery) },
    responses: { 200: answer('A page, by id.', pageSchema('StudyPage', StudyOut)) },
  },
  { problems: ['forbidden', 'cursor_invalid'] },
)

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}',
    operationId: 'getStudy',
    summary: 'Read a study and its settings',
    tags,
    request: { params: StudyPath },
    responses: { 200: answer('The study.', StudyOut) },
  },
  { problems: ['forbidden', 'study_not_found'] },
)

const update = operation(
  {
    method: 'patch',
    path: '/studies/{study}',
    operationId: 'updateStudy',
    summary: 'Change a name or settings; what is left out stays',
    tags,
    request: {
      params: StudyPath,
      body: jsonBody(z.strictObject({ name: text(255).optional(), settings: StudySettingsChange.optional() }), {
        settings: { retention: 'latest' },
      }),
    },
    responses: { 200: answer('The study as it is now.', StudyOut) },
  },
  { problems: ['forbidden', 'study_not_found'] },
)

export const studies = newRouter()
  .openapi(create, async (c) => c.json(presentStudy(await createStudy(scopeOf(c), c.req.valid('json'))), 201))
  .openapi(list, async (c) => {
    const page = await listStudies(scopeOf(c), pageRequest(c.req.valid('query')))
    return c.json(mapPage(page, presentStudy), 200)
  })
  .openapi(get, async (c) => c.json(presentStudy(await getStudy(scopeOf(c), c.req.valid('param').study)), 200))
  .openapi(update, async (c) => {
    const { name, settings } = c.req.valid('json')
    const study = await updateStudy(scopeOf(c), c.req.valid('param').study, { name, ...settings })
    return c.json(presentStudy(study), 200)
  })
