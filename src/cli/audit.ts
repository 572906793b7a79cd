import type { Api } from '../client/bind.ts'
import { anInteger, given } from './choices.ts'
import type { Desk, Program } from './desk.ts'

type Query = NonNullable<Parameters<Api['audit']['list']>[0]>

export function addAudit(program: Program, desk: Desk): void {
  program
    .command('audit')
    .description('Who did what, newest first')
    .argument(
      '[of]',
      "a participant, or me: their things, in words that they understand; without it, the study's audit",
    )
    .option('--participant <id>', "of the study's: only whose things")
    .option('--actor <actor>', 'only by whom, as events tell it')
    .option('--action <action>', 'only this, such as file.read; refusals are access.deny')
    .option('--from <instant>', 'then or later')
    .option('--until <instant>', 'then or before')
    .option('--limit <count>', 'so many at most', anInteger)
    .action(async (of, { limit, action, ...filters }) => {
      const { carrel } = await desk.signed()
      if (of !== undefined) {
        const own = carrel.participants.audit(of, { limit: 100 }, desk.call)
        await desk.list(own, { at: ({ at }) => at, summary: ({ summary }) => summary }, limit)
        return
      }
      // Which actions there are is the service's to say.
      const query = given({ ...filters, action: action as Query['action'], limit: 100 })
      await desk.list(
        carrel.audit.list(query, desk.call),
        {
          at: ({ at }) => at,
          action: ({ action: done }) => done,
          outcome: ({ outcome }) => outcome,
          actor: ({ actor }) => actor,
          participant: ({ participant }) => participant,
          object: ({ object }) => object,
          door: ({ door }) => door,
        },
        limit,
      )
    })
}
