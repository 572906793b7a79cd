import type { Document, File, Report, Version } from '../model/entities.ts'
import { participantNotFound } from '../model/errors.ts'
import type { ParticipantId, StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import { dispositionOf, servedMediaType } from './disposition.ts'
import { identify } from './identity.ts'
import { accessTo, denial, permits, rules } from './policy.ts'
import type { SeenParticipant } from './participants.ts'
import { callerIn, type Scope } from './scope.ts'

/** Links of an export are to be followed one after the other, for as long as that takes. */
const LINK_SECONDS = 6 * 3_600
const ITEMS_AT_ONCE = 100

/** One thing that a participant has. `url` is null where the caller may not have the bytes, or there are none. */
export type Belonging =
  | { kind: 'file'; file: File; version: Version | undefined; url: string | null }
  | { kind: 'document'; document: Document }
  | { kind: 'report'; report: Report }

/** Whose export it is, and all of theirs, fetched as it is walked through: nothing but a stretch of it is held. */
export type Export = Readonly<{ participant: SeenParticipant; belongings: AsyncGenerator<Belonging> }>

/**
 * Everything of a participant's, for themselves or an admin, who gets links to what is not private.
 * @throws DomainError `participant_not_found`
 */
export async function exportParticipant(scope: Scope, study: StudyId, id: ParticipantId | 'me'): Promise<Export> {
  const found = await scope.stores.participants.find(callerIn(scope, study), id)
  const principal = await identify(scope, found.principal)
  const { participant } = found
  const facts = { owner: participant?.id ?? null, visibility: 'private', createdBy: null } as const
  if (participant === undefined || !permits(rules.exportParticipant, principal, facts)) {
    throw denial(principal, participantNotFound())
  }
  return { participant, belongings: walk(scope, study, { principal, participant: participant.id }) }
}

type Walked = { principal: Principal; participant: ParticipantId }

async function* walk(scope: Scope, study: StudyId, walked: Walked): AsyncGenerator<Belonging> {
  yield* files(scope, study, walked)
  yield* documents(scope, study, walked)
  yield* reports(scope, study, walked)
}

async function* files(scope: Scope, study: StudyId, { principal, participant }: Walked): AsyncGenerator<Belonging> {
  let after: string | undefined = ''
  while (after !== undefined) {
    const stretch = await scope.stores.belongings.files(callerIn(scope, study), participant, {
      rule: rules.exportParticipant,
      after,
    })
    for (const { file, versions } of stretch.files) {
      if (versions.length === 0) yield { kind: 'file', file, version: undefined, url: null }
      const mayRead = accessTo(file, principal) === 'content'
      for (const version of versions) {
        yield { kind: 'file', file, version, url: mayRead ? await linkTo(scope, version) : null }
      }
    }
    after = stretch.next
  }
}

const linkTo = async (scope: Scope, { objectKey, name, mediaType }: Version): Promise<string> =>
  scope.stores.presigner.download({
    objectKey,
    method: 'GET',
    now: scope.now,
    expiresSeconds: LINK_SECONDS,
    disposition: dispositionOf(name, mediaType),
    mediaType: servedMediaType(mediaType),
  })

async function* documents(scope: Scope, study: StudyId, { participant }: Walked): AsyncGenerator<Belonging> {
  let cursor: string | undefined
  do {
    const { page } = await scope.stores.documents.list(callerIn(scope, study), participant, {
      prefix: '',
      rule: rules.readDocument,
      page: { limit: ITEMS_AT_ONCE, cursor },
    })
    for (const document of page.items) yield { kind: 'document', document }
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}

async function* reports(scope: Scope, study: StudyId, { participant }: Walked): AsyncGenerator<Belonging> {
  let cursor: string | undefined
  do {
    const { page } = await scope.stores.reports.list(callerIn(scope, study), participant, {
      reading: rules.readReport,
      page: { limit: ITEMS_AT_ONCE, cursor },
    })
    for (const report of page.items) yield { kind: 'report', report }
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}
