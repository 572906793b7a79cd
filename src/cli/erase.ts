import type { Api } from '../client/bind.ts'
import type { Desk, Program } from './desk.ts'
import { notMeant, usage } from './failures.ts'
import { ask, isAsked } from './questions.ts'
import { facts } from './shown.ts'

type Receipt = Awaited<ReturnType<Api['erasures']['get']>>

const factsOf = ({ id, state, requestedAt, doneAt, counts }: Receipt) =>
  facts({
    receipt: id,
    state,
    requestedAt,
    doneAt,
    ...Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0)),
  })

/** Nothing brings it back: whoever means it says of whom. */
async function mustName(desk: Desk, id: string, said: string | undefined): Promise<void> {
  if (said === undefined && !isAsked(desk.terminal))
    throw usage('There is nobody to ask: say --yes with the id of the participant.')
  if (said === undefined) desk.note(`Everything of ${id} goes, for good: files, documents, reports, keys.`)
  const named = said ?? (await ask(desk.terminal, 'Type the id of the participant: '))
  if (named !== id) throw said === undefined ? notMeant() : usage('--yes names another participant.')
}

export function addErase(program: Program, desk: Desk): void {
  program
    .command('erase')
    .description('Erase a participant with everything of theirs, for good')
    .argument('<participant>', 'id, or me')
    .option('--yes <id>', 'do not ask: the id of the participant once more')
    .action(async (asked, { yes }) => {
      const { carrel } = await desk.signed()
      const { id } = await carrel.participants.get(asked, desk.call)
      await mustName(desk, id, yes)
      const receipt = await carrel.participants.erase(id, desk.call)
      await desk.tell(receipt, factsOf(receipt))
    })

  program
    .command('receipt')
    .description('How far an erasure is')
    .argument('<erasure>', 'id of the receipt')
    .action(async (id) => {
      const { carrel } = await desk.signed()
      const receipt = await carrel.erasures.get(id, desk.call)
      await desk.tell(receipt, factsOf(receipt))
    })
}
