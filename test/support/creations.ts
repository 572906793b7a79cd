import { expect } from 'vitest'
import type { Answer, Caller } from './callers.ts'
import { operator } from './client.ts'
import { aFurnishedStudy, type Operation, operations, pathOf } from './operations.ts'
import { aKey } from './world.ts'

// Every operation that creates, and what it takes to have it do so.

const NAME = 'idempotency-key'

export type Creation = {
  name: string
  /** Asks for the thing, or (`other`) for another one under the same key. */
  ask: (key: string, other?: boolean) => Promise<Answer>
  /** The same by another caller: with other bindings, or somebody else. */
  by: (caller: Caller) => Creation['ask']
  caller: Caller
}

type Wanted = { caller: Caller; body: object; other: object; names?: Record<string, string> }

let rotated = 0

/** What each operation is asked for; one that is added to the API is missed here. */
async function wantedIn({ study, participant, names }: Awaited<ReturnType<typeof aFurnishedStudy>>) {
  const { admin, worker } = study
  const entries = (steps: number) => ({ entries: [{ at: '2026-11-20', data: { steps } }] })
  const file = { name: 'notes.txt', mediaType: 'text/plain', size: 11 }
  const issuer = 'https://login.example.org/'
  const fresh = `${study.id}-${(rotated += 1)}`
  return {
    '/v1/studies': { caller: operator, body: { id: fresh, name: 'One' }, other: { id: `${fresh}-b`, name: 'Two' } },
    '/v1/studies/{study}/participants': { caller: admin, body: { externalId: 'PT-1' }, other: { externalId: 'PT-2' } },
    '/v1/studies/{study}/members': {
      caller: admin,
      body: { issuer, subject: 'user-7', role: 'staff' },
      other: { issuer, subject: 'user-8', role: 'staff' },
    },
    '/v1/studies/{study}/keys': {
      caller: admin,
      body: { role: 'participant', label: 'phone', participant: names['participant'] },
      other: { role: 'staff', label: 'phone' },
    },
    '/v1/studies/{study}/keys/{key}/rotate': {
      caller: await aKey(study, { role: 'participant', participant: names['participant'] }),
      body: { graceSeconds: 600 },
      other: { graceSeconds: 601 },
      names: { key: 'self' },
    },
    '/v1/studies/{study}/participants/{participant}/enrolment-codes': {
      caller: worker,
      body: { label: 'phone' },
      other: { label: 'tablet' },
    },
    '/v1/studies/{study}/files': { caller: participant, body: file, other: { ...file, size: 12 } },
    '/v1/studies/{study}/files/{file}/download-tokens': {
      caller: participant,
      body: { seconds: 600 },
      other: { seconds: 601 },
    },
    '/v1/studies/{study}/participants/{participant}/reports/{identifier}/entries': {
      caller: participant,
      body: entries(7011),
      other: entries(8211),
    },
    '/v1/studies/{study}/reports/{identifier}/entries': { caller: worker, body: entries(7011), other: entries(8211) },
  } satisfies Record<string, Wanted>
}

const takesKey = ({ parameters }: Operation) =>
  parameters.some(({ in: where, name }) => where === 'header' && name === NAME)

/** Those that take an Idempotency-Key, as the OpenAPI document says, each in a study that has what it needs. */
export async function aStudyToCreateIn() {
  const furnished = await aFurnishedStudy()
  const wanted: Record<string, Wanted> = await wantedIn(furnished)
  // The exchange of a code has a rule of its own: its key is for the code.
  const keyed = (await operations()).filter((each) => takesKey(each) && each.template !== '/v1/enrolments')
  expect(keyed.map(({ template }) => template).toSorted()).toEqual(Object.keys(wanted).toSorted())
  const creations = keyed.map((operation): Creation => {
    const { caller, body, other, names } = wanted[operation.template] as Wanted // it is there, as has just been said
    const path = pathOf(operation, { ...furnished.names, ...names })
    const by: Creation['by'] =
      (asking) =>
      async (key, isOther = false) =>
        asking.post(path, isOther ? other : body, { 'Idempotency-Key': key })
    return { name: `${operation.method} ${operation.template}`, ask: by(caller), by, caller }
  })
  return { ...furnished, creations }
}

/** The ids of what was made. */
export const madeBy = ({ body }: Answer): unknown =>
  'upload' in body ? [body.file.id, body.upload.id] : (body.id ?? body.identifier)

/** What is told once. */
export const secretOf = ({ body }: Answer): unknown =>
  body.secret ?? body.code ?? (body.upload === undefined ? body.url : null)
