import { bridgeAs } from './bridge-client.ts'
import type { Answer } from './callers.ts'
import { aParticipant, aStudy, ok, type Study } from './world.ts'

export const told = ({ status, body }: Answer) => [status, body]
export const done = (message: string, status = 200) => [status, { message, type: 'StatusMessage' }]
export const badRequest = (message: string) => [400, { statusCode: 400, message, type: 'BadRequestException' }]
export const missing = (entityClass: string) => ({
  statusCode: 404,
  message: `${entityClass} not found.`,
  type: 'EntityNotFoundException',
  entityClass,
})

export const teamOf = (study: Study) => ({
  staff: bridgeAs(study.staff.key),
  worker: bridgeAs(study.worker.key),
  admin: bridgeAs(study.admin.key),
})

/** A study with a participant who goes by everything that there is to go by, one who has left, and a caller of each role. */
export async function aBridgeApp() {
  const study = await aStudy({ allowPublic: true })
  const ada = await aParticipant(study, { externalId: 'Ext-1', email: 'ada@example.org', labels: ['arm-a'] })
  const withdrawn = await aParticipant(study, { labels: ['arm-a'] })
  ok(await study.admin.patch(`${study.path}/participants/${withdrawn.id}`, { status: 'withdrawn' }))
  const callers = {
    participant: bridgeAs(ada.key),
    withdrawn: bridgeAs(withdrawn.key),
    ...teamOf(study),
    download: bridgeAs(study.download.key),
  }
  return { study, ada, withdrawn, callers }
}
export type BridgeApp = Awaited<ReturnType<typeof aBridgeApp>>
