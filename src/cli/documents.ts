import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { anInteger, given } from './choices.ts'
import type { Desk, Program } from './desk.ts'
import { exchange, parseExactly } from './exact.ts'
import { usage } from './failures.ts'
import { piped } from './questions.ts'
import { shown, sizeText } from './shown.ts'

const OWNER = ['--participant <id>', 'whose (default: me)', 'me'] as const

/** JSON, from a file or from what is piped in; what it says is not repeated. */
export async function jsonFrom({ terminal }: Desk, source: string): Promise<string> {
  const text = source === '-' ? await piped(terminal) : await readFile(resolve(terminal.cwd, source), 'utf8')
  return mustBeJson(text.trim())
}

export function mustBeJson(text: string): string {
  try {
    JSON.parse(text)
    return text
  } catch {
    throw usage('That is no JSON. A text is in quotes of its own: "calm".')
  }
}

export function addDocuments(program: Program, desk: Desk): void {
  const doc = program.command('doc').description('JSON documents of a participant')

  doc
    .command('ls')
    .description('List them, by identifier')
    .option(...OWNER)
    .option('--prefix <text>', 'only identifiers that begin so')
    .option('--limit <count>', 'so many at most', anInteger)
    .action(async ({ participant, prefix, limit }) => {
      const { carrel } = await desk.signed()
      await desk.list(
        carrel.documents.list(participant, given({ prefix, limit: 100 }), desk.call),
        {
          identifier: ({ identifier }) => identifier,
          size: ({ size }) => sizeText(size),
          updated: ({ updatedAt }) => updatedAt,
          etag: ({ etag }) => etag,
        },
        limit,
      )
    })

  doc
    .command('get')
    .description('Print one, as it was put')
    .argument('<identifier>')
    .option(...OWNER)
    .action(async (identifier, { participant }) => {
      const signed = await desk.signed()
      const path = ['participants', participant, 'documents', identifier]
      const { text } = await exchange(signed, { method: 'GET', path }, desk)
      // A terminal is shown the same JSON with whatever acts on it spelled out.
      await desk.write(`${desk.terminal.stdout.isTTY === true ? shownText(text) : text}\n`)
    })

  doc
    .command('put')
    .description('Create or replace one')
    .argument('<identifier>')
    .argument('[file]', 'with the JSON; - is what is piped in', '-')
    .option(...OWNER)
    .option('--if-match <etag>', 'only if it is still at this one, as `doc ls` tells it')
    .option('--new', 'only if there is none yet')
    .action(async (identifier, file, { participant, ifMatch, new: isNew }) => {
      if (ifMatch !== undefined && isNew === true) throw usage('Say --if-match or --new.')
      const signed = await desk.signed()
      const path = ['participants', participant, 'documents', identifier]
      const headers = given({ 'If-Match': ifMatch, 'If-None-Match': isNew === true ? '*' : undefined })
      const body = await jsonFrom(desk, file)
      const { text } = await exchange(signed, { method: 'PUT', path, body, headers }, desk)
      const told = parseExactly(text)
      await desk.tell(told, `Put: ${shown(identifier)}`)
    })
}

/** Controls that act can only be inside of texts: there they can be spelled out. */
const shownText = (json: string): string =>
  json
    .split('\n')
    .map((line) => line.replaceAll(/(?!\t)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped))
    .join('\n')

const escaped = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`,
  ).join('')
