import { getStudy, listOwnStudies } from '../../../domain/studies.ts'
import { failedWith } from '../../../model/errors.ts'
import type { Actor } from '../../../model/principal.ts'
import { EMPTY } from './connections.ts'
import { type GraphqlContext, requireCaller } from './context.ts'
import { globalIdOf } from './global-ids.ts'
import { type Group, groupOf, groupsOf } from './groups.ts'

/** Somebody, by the name that Carrel has for what they act through: who they are else is told nobody. */
export type UserSource = Readonly<{ name: string; groups: readonly Group[] }>

/** Who made something, as far as the row of that tells. */
export const userOf = (actor: Actor): UserSource => ({ name: actor, groups: [] })

const unknown = () => null
const nameOf = ({ name }: UserSource) => name

export const userFields = {
  id: ({ name }: UserSource) => globalIdOf('UserNode', name),
  username: nameOf,
  displayName: nameOf,
  email: unknown,
  picture: unknown,
  firstName: unknown,
  lastName: unknown,
  dateJoined: unknown,
  slackNotify: unknown,
  slackMemberId: unknown,
  emailNotify: unknown,
  groups: ({ groups }: UserSource) => groupsOf(groups),
  studies: () => EMPTY,
  studySubscriptions: () => EMPTY,
}

/** Who the caller is and, for an app that shows what they may do, as what they come: in the first of their studies. */
export async function myProfile(_: unknown, context: GraphqlContext): Promise<UserSource> {
  requireCaller(context)
  const { scope, trip, c } = context
  const { credential } = scope
  trip()
  const [study] = (await listOwnStudies(scope, { limit: 1, cursor: undefined })).items
  if (study !== undefined) {
    trip()
    await getStudy(scope, study.id).catch((failure: unknown) => {
      // Participants are told nothing of a study; who they are is known by then.
      if (!failedWith(failure, 'forbidden')) throw failure
    })
  }
  const { principal } = c.var
  const name = credential.kind === 'jwt' ? credential.subject : (principal?.actor ?? credential.kind)
  return { name, groups: groupOf(principal?.role) }
}
