import type { Document } from '../model/entities.ts'
import {
  documentNotFound,
  documentTooLarge,
  type DomainError,
  overloaded,
  participantNotFound,
  participantWithdrawn,
  revisionMismatch,
} from '../model/errors.ts'
import { type Identifier, newEtag, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import type { DocumentName, FoundDocument, Precondition } from '../storage/documents.ts'
import { witness } from './audit.ts'
import { requireFit } from './document-schemas.ts'
import { identify } from './identity.ts'
import { denial, factsOf, filterFor, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

export type { DocumentName, Precondition } from '../storage/documents.ts'

/** Of a document's value in UTF-8; well below what a row may hold (docs: D1, "Limits"). */
export const MAX_DOCUMENT_BYTES = 1024 * 1024
/** A schema that changes under a write is met again, this often. */
const ATTEMPTS = 3
/** How often one request asks the database to remove some more. */
const STEPS = 40

const bytesOf = (text: string) => new TextEncoder().encode(text).byteLength

/** Whether a role reads documents at all: to the others none is there, whoever it belongs to. */
const reads = (principal: Principal) => filterFor(principal, rules.readDocument).length > 0

/**
 * The value as it was put, byte for byte.
 * @throws DomainError `document_not_found`, also for one that the caller may not read
 */
export async function getDocument(
  scope: Scope,
  study: StudyId,
  name: DocumentName,
): Promise<{ document: Document; data: string }> {
  const found = await scope.stores.documents.find(callerIn(scope, study), name, rules.readDocument)
  const principal = await identify(scope, found.principal)
  const { document, data } = found
  if (document === undefined || data === undefined) throw denial(principal, documentNotFound())
  witness(scope, principal, { study, action: 'document.read', owner: document.participant, object: document.etag })
  return { document, data }
}

/** @throws DomainError `participant_not_found` for one whose documents the caller may not read */
export async function listDocuments(
  scope: Scope,
  study: StudyId,
  { participant, prefix, page }: { participant: ParticipantId | 'me'; prefix: string; page: PageRequest },
): Promise<Page<Document>> {
  const found = await scope.stores.documents.list(callerIn(scope, study), participant, {
    prefix,
    rule: rules.readDocument,
    page,
  })
  const principal = await identify(scope, found.principal)
  const isOwn = principal.role === 'participant' && (participant === 'me' || participant === principal.participant)
  if (!reads(principal) || (principal.role === 'participant' && !isOwn)) throw denial(principal, participantNotFound())
  return found.page
}

/**
 * Creates or replaces. `data` is JSON text, kept as it is.
 * @throws DomainError `document_too_large`, `document_invalid`, `revision_mismatch`, `participant_not_found`,
 * `participant_withdrawn`, `quota_exceeded`
 */
export async function putDocument(
  scope: Scope,
  study: StudyId,
  { name, data, precondition }: { name: DocumentName; data: string; precondition: Precondition },
): Promise<Document> {
  const size = bytesOf(data)
  if (size > MAX_DOCUMENT_BYTES) throw documentTooLarge(MAX_DOCUMENT_BYTES)
  const caller = callerIn(scope, study)
  const etag = newEtag(scope.now)
  let schemaAt: Date | null = null
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const asked = { rule: rules.putDocument, precondition, etag, schemaAt, data, size }
    const found = await scope.stores.documents.put(caller, name, asked)
    const principal = await identify(scope, found.principal)
    if (found.written) return requireThere(principal, found.document)
    const refused = await whyNotWritten(scope, study, {
      ...found,
      name,
      principal,
      rule: rules.putDocument,
      precondition,
    })
    if (refused !== undefined) throw refused
    // All that is left is a schema that the value was not held against.
    schemaAt = await requireFit(scope, study, { identifier: name.identifier, data })
  }
  throw overloaded()
}

/**
 * RFC 7396. Numbers and text that the patch does not touch stay as they were written.
 * @throws DomainError `document_not_found`, and what `putDocument` throws
 */
export async function patchDocument(
  scope: Scope,
  study: StudyId,
  { name, patch, precondition }: { name: DocumentName; patch: string; precondition: Precondition },
): Promise<Document> {
  const caller = callerIn(scope, study)
  const etag = newEtag(scope.now)
  const { documents } = scope.stores
  const rule = rules.putDocument
  let held: { schemaAt: Date | null; precondition: Precondition } = { schemaAt: null, precondition }
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const asked = { rule, etag, patch, maxBytes: MAX_DOCUMENT_BYTES, ...held }
    const found = await documents.patch(caller, name, asked)
    const principal = await identify(scope, found.principal)
    const seen = requireSeen(principal, found.document)
    if (found.written) return seen
    const refused = await whyNotWritten(scope, study, { ...found, name, principal, rule, precondition })
    if (refused !== undefined) throw refused
    // What the patch makes is held against the schema, and written only if nothing has changed under it.
    const preview = await documents.previewPatch(caller, name, { rule, patch })
    if (preview === undefined) throw denial(principal, documentNotFound())
    if (bytesOf(preview.data) > MAX_DOCUMENT_BYTES) throw documentTooLarge(MAX_DOCUMENT_BYTES)
    held = {
      schemaAt: await requireFit(scope, study, { identifier: name.identifier, data: preview.data }),
      precondition: { kind: 'etag', etag: preview.etag },
    }
  }
  throw overloaded()
}

/** @throws DomainError `document_not_found`, `forbidden`, `participant_withdrawn`, `revision_mismatch` */
export async function deleteDocument(
  scope: Scope,
  study: StudyId,
  { name, precondition }: { name: DocumentName; precondition: Precondition },
): Promise<void> {
  const rule = rules.deleteDocument
  const found = await scope.stores.documents.remove(callerIn(scope, study), name, { rule, precondition })
  const principal = await identify(scope, found.principal)
  if (found.written) return
  const document = requireSeen(principal, found.document)
  const refused = await whyNotWritten(scope, study, { document, name, principal, rule, precondition })
  throw refused ?? overloaded()
}

/**
 * Deletes all that a participant has, a bounded part at a time; asked again, it goes on with what is left.
 * @throws DomainError `forbidden`, `participant_not_found`, `participant_withdrawn`; `overloaded` where there is more
 * than goes in one request
 */
export async function deleteDocuments(scope: Scope, study: StudyId, participant: ParticipantId): Promise<void> {
  const caller = callerIn(scope, study)
  const rule = rules.deleteDocument
  let identifiers: readonly Identifier[] = []
  for (let step = 0; step < STEPS; step += 1) {
    const found = await scope.stores.documentRemovals.remove(caller, participant, { rule, identifiers })
    const principal = await identify(scope, found.principal)
    const refused = whyRefused(rule, principal, factsOf(participant))
    if (refused !== undefined) throw reads(principal) ? refused : denial(principal, participantNotFound())
    if (found.status === undefined) throw denial(principal, participantNotFound())
    if (found.status !== 'active') throw participantWithdrawn()
    if (found.next.length === 0) return
    identifiers = found.next
  }
  throw overloaded()
}

/** Of a document that the caller may not read, nothing is told but what is told where there is none. */
function requireSeen(principal: Principal, document: Document | undefined): Document {
  const there = requireThere(principal, document)
  if (whyRefused(rules.readDocument, principal, factsOf(there.participant)) !== undefined) {
    throw denial(principal, documentNotFound())
  }
  return there
}

function requireThere(principal: Principal, document: Document | undefined): Document {
  if (document === undefined) throw denial(principal, documentNotFound())
  return document
}

type Refused = Pick<FoundDocument, 'document'> & {
  name: DocumentName
  principal: Principal
  rule: Rule
  precondition: Precondition
}

/** What stood in the way of a write, besides a schema. */
async function whyNotWritten(scope: Scope, study: StudyId, asked: Refused): Promise<DomainError | undefined> {
  const { principal, name, rule } = asked
  const owner = name.participant === 'me' && principal.role === 'participant' ? principal.participant : name.participant
  if (owner === 'me') return denial(principal, participantNotFound())
  const refused = whyRefused(rule, principal, factsOf(owner))
  if (refused !== undefined) {
    const mayKnow = reads(principal) && (principal.role !== 'participant' || owner === principal.participant)
    return mayKnow ? refused : denial(principal, participantNotFound())
  }
  const { participant } = await scope.stores.participants.find(callerIn(scope, study), owner)
  if (participant === undefined) return denial(principal, participantNotFound())
  if (participant.status !== 'active') return participantWithdrawn()
  return isMet(asked.precondition, asked.document) ? undefined : revisionMismatch()
}

function isMet(precondition: Precondition, document: Document | undefined): boolean {
  switch (precondition.kind) {
    case 'none':
      return true
    case 'absent':
      return document === undefined
    case 'present':
      return document !== undefined
    case 'etag':
      return document?.etag === precondition.etag
    default:
      return precondition satisfies never
  }
}
