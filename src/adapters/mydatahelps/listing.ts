import { settleArrived } from '../../domain/arrivals.ts'
import { type FileQuery, listFiles } from '../../domain/files.ts'
import { externalIdsOf } from '../../domain/participant-pages.ts'
import { findParticipant } from '../../domain/participants.ts'
import type { File } from '../../model/entities.ts'
import type { ParticipantId } from '../../model/ids.ts'
import type { Page } from '../../model/page.ts'
import type { Place } from './callers.ts'
import { type Identifiers, presentFile } from './present.ts'
import type { FilesAsked } from './queries.ts'

/** Whose files: everyone's, or one participant's; null: of somebody who is not there. */
type Whose = Readonly<{ id: ParticipantId }> | 'me' | undefined | null

async function whose({ scope, study, isOwn }: Place, asked: FilesAsked): Promise<Whose> {
  if (isOwn) return 'me'
  const { participantID, participantIdentifier: externalId } = asked
  if (externalId === undefined) return participantID && { id: participantID }
  const found = await findParticipant(scope, study, { kind: 'externalId', externalId })
  return found === undefined || (participantID ?? found.id) !== found.id ? null : { id: found.id }
}

const queryOf = (participant: FileQuery['participant'], asked: Pick<FilesAsked, 'category'> & Times): FileQuery => ({
  status: 'complete',
  participant,
  category: asked.category,
  source: undefined,
  name: undefined,
  tags: [],
  from: asked.uploadedAfter,
  until: asked.uploadedBefore,
})

type Times = Pick<FilesAsked, 'uploadedAfter' | 'uploadedBefore'>
type FilesPage = Page<File> & Readonly<{ identifiers: Identifiers }>

/** A page of files, with what the study calls those whose they are: one more question, however many they are. */
async function pageOfFiles(
  { scope, study }: Place,
  query: FileQuery,
  page: { limit: number; cursor: string | undefined },
): Promise<FilesPage> {
  const found = await listFiles(scope, study, { query, page })
  const owners = [...new Set(found.items.flatMap(({ owner }) => owner ?? []))]
  const identifiers = owners.length === 0 ? new Map() : await externalIdsOf(scope, study, owners)
  return { ...found, identifiers }
}

/** Everything of the project between two times, newest first. What has just arrived is among it. */
export async function firstOfAll(place: Place, times: Times): Promise<(cursor?: string) => Promise<FilesPage>> {
  await settleArrived(place.scope, place.study, { owner: undefined })
  const query = queryOf(undefined, { ...times, category: undefined })
  return async (cursor) => pageOfFiles(place, query, { limit: 100, cursor })
}

/**
 * A page of what the caller may find. Clients look for what they have just sent at once, so what has arrived is completed
 * first. A page may be short: the study's own files have no place here.
 */
export async function listed(place: Place, asked: FilesAsked) {
  const participant = await whose(place, asked)
  if (participant === null) return { files: [], nextPageID: null }
  const owner = typeof participant === 'object' ? participant.id : participant
  await settleArrived(place.scope, place.study, { owner })
  const page = { limit: asked.limit, cursor: asked.pageID }
  const found = await pageOfFiles(place, queryOf(participant, asked), page)
  return {
    files: found.items.flatMap((file) => presentFile(file, found.identifiers) ?? []),
    nextPageID: found.nextCursor,
  }
}
