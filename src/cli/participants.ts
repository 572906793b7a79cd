import type { Api } from '../client/bind.ts'
import { anInteger, given, several } from './choices.ts'
import type { Desk, Program } from './desk.ts'
import { type Columns, facts } from './shown.ts'

type Participant = Awaited<ReturnType<Api['participants']['enrol']>>

const COLUMNS: Columns<Participant> = {
  id: ({ id }) => id,
  number: ({ number }) => number,
  'external id': ({ externalId }) => externalId,
  status: ({ status }) => status,
  labels: ({ labels }) => labels.join(', '),
  enrolled: ({ createdAt }) => createdAt,
}

const factsOf = ({ labels, ...participant }: Participant) => facts({ ...participant, labels: labels.join(', ') })

export function addParticipants(program: Program, desk: Desk): void {
  const participants = program.command('participants').description('Whose data it is')

  participants
    .command('ls', { isDefault: true })
    .description('List them, by id')
    .option('--external-id <id>', 'only who has this one')
    .option('--limit <count>', 'so many at most', anInteger)
    .action(async ({ externalId, limit }) => {
      const { carrel } = await desk.signed()
      await desk.list(carrel.participants.list(given({ externalId, limit: 100 }), desk.call), COLUMNS, limit)
    })

  participants
    .command('show')
    .description('Show one')
    .argument('[participant]', 'id', 'me')
    .action(async (id) => {
      const { carrel } = await desk.signed()
      const found = await carrel.participants.get(id, desk.call)
      await desk.tell(found, factsOf(found))
    })

  participants
    .command('enrol')
    .description('Enrol one')
    .option('--id <id>', 'chosen (default: a UUID)')
    .option('--external-id <id>', "the study's own name for them")
    .option('--number <number>', 'eight digits (default: any)', anInteger)
    .option('--label <label>', "the study's own mark; may be repeated", several)
    .action(async ({ label, ...asked }) => {
      const { carrel } = await desk.signed()
      const labels = label === undefined ? undefined : [...label]
      const enrolled = await carrel.participants.enrol(given({ ...asked, labels }), desk.call)
      await desk.tell(enrolled, factsOf(enrolled))
    })

  participants
    .command('withdraw')
    .description('Nothing of theirs is written any more; they still read and export what is theirs')
    .argument('<participant>', 'id')
    .action(async (id) => {
      const { carrel } = await desk.signed()
      const withdrawn = await carrel.participants.update(id, { status: 'withdrawn' }, desk.call)
      await desk.tell(withdrawn, factsOf(withdrawn))
    })
}
