import { leave } from '../../domain/departures.ts'
import { getAccount } from '../../domain/sessions.ts'
import { countMembers, findMember } from '../../domain/member-files.ts'
import type { ParticipantId } from '../../model/ids.ts'
import { type Caller, memberNumber, posting, reading } from './access.ts'
import { tell } from './answers.ts'
import { Refused } from './errors.ts'
import type { Fields } from './fields.ts'
import { REQUIRED } from './metadata.ts'
import { presentProject } from './present.ts'

const MAX_IDS = 100

/** These calls say what is wrong in another envelope than the others. */
const wrong = (field: string, fault: string) => new Refused('invalid_body', 400, { errors: { [field]: [fault] } })

/** The study that a token is of. */
export const project = reading(async (c, { scope, study }) => {
  const account = await getAccount(scope, study)
  return tell(c, presentProject(account.study, await countMembers(scope, study)))
})

/** Carrel has no addresses of its own to write to, and no way of writing. */
export const sendMessage = posting(async (_, { scope, study }) => {
  await getAccount(scope, study)
  throw wrong('message', 'Messages are not supported here: nothing was sent.')
})

/** Listed in JSON, or in text between commas or spaces, once or several times. */
const listed = (said: unknown): string[] =>
  (Array.isArray(said) ? said : [said ?? ''])
    .flatMap((each: unknown) => (typeof each === 'string' ? each : JSON.stringify(each)).split(/[\s,]+/))
    .filter((each) => each !== '')

/** The numbers that are asked for. @throws Refused for what are none */
function numbersIn(fields: Fields): number[] {
  const said = [...new Set(listed(fields.get('project_member_ids')))]
  if (said.length === 0) throw wrong('project_member_ids', REQUIRED)
  if (said.length > MAX_IDS) throw wrong('project_member_ids', `Send ${MAX_IDS} of them at most at once.`)
  return said.map((each) => {
    const number = memberNumber(each)
    if (number === undefined) throw wrong('project_member_ids', 'Project member IDs are always 8 digits long.')
    return number
  })
}

/**
 * Those who are to go, also who has withdrawn: a call whose answer was lost is repeated as it was, and what somebody has
 * left to the team by withdrawing natively closes as well.
 */
async function membersIn({ scope, study, fields }: Caller): Promise<ParticipantId[]> {
  const members: ParticipantId[] = []
  for (const number of numbersIn(fields)) {
    const { member, former } = await findMember(scope, study, number)
    const meant = member ?? former
    if (meant === undefined) throw wrong('project_member_ids', `Invalid project member ID(s): ${number}`)
    members.push(meant.id)
  }
  return members
}

/** Takes members out of the study; with a member's own token that one leaves, whoever else is named. */
export const removeMembers = posting(async (c, caller) => {
  const { scope, study } = caller
  const { member: self, principal } = await findMember(scope, study, undefined)
  const leaving = principal.role === 'participant' && self !== undefined ? [self.id] : await membersIn(caller)
  for (const member of leaving) await leave(scope, study, member)
  return tell(c, 'success')
})
