import type { Command } from '@commander-js/extra-typings'
import type { Api } from '../client/bind.ts'
import type { File } from '../client/index.ts'
import { anInteger, given, several } from './choices.ts'
import type { Desk, Program, Signed } from './desk.ts'
import { exitOfAll, type Told } from './failures.ts'
import { mustMean } from './questions.ts'
import { type Columns, sizeText } from './shown.ts'

const ID = /^fil_[0-9a-z]{26}$/

/** A file by its id, or by the name that its owner has for it. */
export async function findFile(
  { carrel }: Signed,
  { name, participant = 'me' }: { name: string; participant?: string | undefined },
  { call }: Desk,
): Promise<File & { etag: string }> {
  return ID.test(name) ? carrel.files.get(name, call) : carrel.handles.get({ participant, handle: name }, call)
}

export const FILE_COLUMNS: Columns<File> = {
  id: ({ id }) => id,
  uploaded: ({ listedAt }) => listedAt,
  size: ({ version }) => (version === null ? null : sizeText(version.size)),
  visibility: ({ visibility }) => visibility,
  category: ({ category }) => category,
  name: ({ name, handle }) => (handle === null || handle === name ? name : `${name} (${handle})`),
}

/** The filters of lists and searches. */
const filtered = <Args extends unknown[]>(command: Command<Args>) =>
  command
    .option('--participant <id>', "only whose; me: one's own")
    .option('--external-id <id>', "the same by the study's name for them")
    .option('--category <category>', 'only of this category')
    .option('--source <source>', 'only from this source')
    .option('--tag <tag>', 'only with this tag; repeat it for files that have them all', several)
    .option('--name <name>', 'only of exactly this name')
    .option('--after <instant>', 'uploaded then or later, as 2026-11-21T08:30:00Z')
    .option('--before <instant>', 'uploaded before then')
    .option('--pending', 'those that have no content yet')
    .option('--limit <count>', 'so many at most', anInteger)

type Filters = Readonly<{
  participant?: string | undefined
  externalId?: string | undefined
  category?: string | undefined
  source?: string | undefined
  tag?: readonly string[] | undefined
  name?: string | undefined
  after?: string | undefined
  before?: string | undefined
  pending?: true | undefined
  limit?: number | undefined
}>
type Query = NonNullable<Parameters<Api['files']['list']>[0]>

const queryOf = ({ tag, after, before, pending, limit, ...same }: Filters): Query =>
  given({
    ...same,
    tag: tag === undefined ? undefined : [...tag],
    uploadedAfter: after,
    uploadedBefore: before,
    status: pending === true ? ('pending' as const) : undefined,
    limit: Math.min(100, Math.max(1, limit ?? 100)),
  })

async function list(desk: Desk, filters: Filters, words?: string): Promise<void> {
  const { carrel } = await desk.signed()
  const query = { ...queryOf(filters), ...given({ q: words }) }
  await desk.list(carrel.files.list(query, desk.call), FILE_COLUMNS, filters.limit)
}

async function remove(
  desk: Desk,
  names: readonly string[],
  options: { participant?: string | undefined; yes?: true | undefined },
) {
  const signed = await desk.signed()
  const failures: Told[] = []
  const found: File[] = []
  for (const name of names) {
    try {
      found.push(await findFile(signed, { name, participant: options.participant }, desk))
    } catch (failure) {
      failures.push(desk.complain(failure, name))
    }
  }
  if (found.length > 0 && options.yes !== true) for (const { id, name } of found) desk.note(`${id}  ${name}`)
  const question = `Delete ${found.length === 1 ? 'it' : `these ${found.length}`}, with all versions and links?`
  if (found.length > 0) await mustMean(desk.terminal, question, options.yes === true)
  const gone: { id: string; name: string }[] = []
  for (const { id, name } of found) {
    try {
      await signed.carrel.files.delete(id, desk.call)
      gone.push({ id, name })
    } catch (failure) {
      failures.push(desk.complain(failure, name))
    }
  }
  await desk.list(gone, { deleted: ({ id }) => id, name: ({ name }) => name })
  desk.exit = exitOfAll(failures)
}

export function addFiles(program: Program, desk: Desk): void {
  filtered(program.command('ls').description('List files, newest first')).action(async (filters) => list(desk, filters))

  filtered(
    program
      .command('find')
      .description('Search files by words of name, title and description')
      .argument('<words...>', 'or how they begin'),
  ).action(async (words, filters) => list(desk, filters, words.join(' ')))

  program
    .command('rm')
    .description('Delete files with all their versions and links')
    .argument('<file...>', 'ids, or handles')
    .option('--participant <id>', 'whose handles they are (default: me)')
    .option('--yes', 'do not ask')
    .action(async (names, options) => remove(desk, names, options))
}
