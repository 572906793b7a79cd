import type { GraphQLResolveInfo } from 'graphql'
import { getStudy, listOwnStudies } from '../../../domain/studies.ts'
import type { Study } from '../../../model/entities.ts'
import { NO_STUDY, type StudyId } from '../../../model/ids.ts'
import { type Connection, connectionOfPage, EMPTY, forwards, type Paging } from './connections.ts'
import { type Asking, type GraphqlContext, requireCaller } from './context.ts'
import { globalIdOf } from './global-ids.ts'

/** A study, of which not more than its id may be known yet; null: and is not to be. */
export type StudySource = Readonly<{ id: StudyId; known?: Study | null }>

/** What is asked of a study. What the caller may not be told of it is null, and so is what Carrel does not know. */
const factOf =
  <Fact>(fact: (study: Study) => Fact) =>
  async ({ id, known }: StudySource, _: unknown, { context }: Asking): Promise<Fact | null> => {
    const study = known === undefined ? await context.studies.load(id) : known
    return study === undefined || study === null ? null : fact(study)
  }
const unknown = () => null

export const studyFields = {
  id: ({ id }: StudySource) => globalIdOf('StudyNode', id),
  kfId: ({ id }: StudySource) => id,
  name: factOf(({ name }) => name),
  shortName: unknown,
  shortCode: unknown,
  investigatorName: unknown,
  program: unknown,
  domain: unknown,
  createdAt: factOf(({ createdAt }) => createdAt),
  modifiedAt: unknown,
  visible: () => true,
  deleted: () => false,
  bucket: unknown,
  attribution: unknown,
  dataAccessAuthority: unknown,
  externalId: unknown,
  releaseStatus: unknown,
  releaseDate: unknown,
  version: unknown,
  description: unknown,
  anticipatedSamples: unknown,
  awardeeOrganization: unknown,
  sequencingStatus: unknown,
  ingestionStatus: unknown,
  phenotypeStatus: unknown,
  slackNotify: unknown,
  slackChannel: unknown,
  additionalFields: unknown,
  events: () => EMPTY,
  collaborators: () => EMPTY,
}

/** @throws DomainError `study_not_found`, also for one that is none of the caller's */
export async function studyNamed(context: GraphqlContext, kfId: string | undefined): Promise<StudySource> {
  requireCaller(context)
  context.trip()
  // Any text may be the id of a study: whether it is one, the study's row says.
  const study = await getStudy(context.scope, (kfId ?? NO_STUDY) as StudyId)
  return { id: study.id, known: study }
}

/** Those that the caller has a place in, by number. @throws DomainError `unauthenticated` */
export async function allStudies(
  paging: Paging,
  context: GraphqlContext,
  info: GraphQLResolveInfo,
): Promise<Connection<StudySource>> {
  requireCaller(context)
  const asked = forwards(paging, info)
  context.trip()
  const page = await listOwnStudies(context.scope, asked)
  return connectionOfPage(page, asked, (study) => ({ id: study.id, known: study.isTold ? study : null }))
}
