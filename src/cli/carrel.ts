import { Command, CommanderError } from '@commander-js/extra-typings'
import { addAudit } from './audit.ts'
import { Desk, type Options } from './desk.ts'
import { addDocuments } from './documents.ts'
import { addErase } from './erase.ts'
import { addExport } from './export.ts'
import { EXIT, interrupted, usage } from './failures.ts'
import { addFiles } from './files.ts'
import { addGet } from './get.ts'
import { addKeys } from './keys.ts'
import { addLink } from './link.ts'
import { addLogin } from './login.ts'
import { addParticipants } from './participants.ts'
import { addPut } from './put.ts'
import { addReports } from './reports.ts'
import { refuseSecrets } from './secrets.ts'
import type { Terminal } from './terminal.ts'

const VERSION = '0.1.0'

const AFTERWARDS = `
Sign in first: carrel login; or, with \`npm start\` running in this clone: carrel login --demo
The key is never an argument, which others on this machine could read: it is asked for, piped in, or CARREL_KEY.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not signed in or forbidden, 4 not there, 5 in conflict with what is
there, 6 not reached, 7 refused as invalid, 130 interrupted. docs/cli.md has it all.`

/** The commands on one screen. */
function programOf(terminal: Terminal) {
  const program = new Command('carrel')
    .description("A study's files, documents and reports.")
    .option('--json', 'for programs: one JSON document, or a line of JSON for each item of a list')
    .option('--profile <name>', 'who to be, of those signed in (CARREL_PROFILE; default: default)')
    .option('--study <id>', "another study than the profile's (CARREL_STUDY)")
    .version(VERSION)
    .addHelpText('after', AFTERWARDS)
    .configureHelp({ showGlobalOptions: true, helpWidth: terminal.stdout.columns ?? 100 })
    .configureOutput({
      writeOut: (text) => void terminal.stdout.write(text),
      writeErr: (text) => void terminal.stderr.write(text),
      // It is told with all other failures.
      outputError: () => undefined,
    })
    .exitOverride()
  const desk = new Desk(terminal, (): Options => program.opts())
  addLogin(program, desk)
  addPut(program, desk)
  addGet(program, desk)
  addFiles(program, desk)
  addLink(program, desk)
  addDocuments(program, desk)
  addReports(program, desk)
  addParticipants(program, desk)
  addKeys(program, desk)
  addExport(program, desk)
  addErase(program, desk)
  addAudit(program, desk)
  return { program, desk }
}

const isClosedPipe = (failure: unknown) => failure instanceof Error && 'code' in failure && failure.code === 'EPIPE'

/** Runs one command. @returns its exit code */
export async function carrel(given: Terminal): Promise<number> {
  const broken = new AbortController()
  for (const stream of [given.stdout, given.stderr]) stream.on('error', (failure) => broken.abort(failure))
  const { program, desk } = programOf({ ...given, signal: AbortSignal.any([given.signal, broken.signal]) })
  try {
    refuseSecrets(given.args)
    await program.parseAsync(given.args, { from: 'user' })
    // Some commands have more to say of it than that.
    if (given.signal.aborted) throw interrupted(Number(given.signal.reason))
    return desk.exit
  } catch (thrown) {
    const failure: unknown = broken.signal.aborted ? broken.signal.reason : thrown
    // Who has read enough closes the pipe: there is nobody to tell any more.
    if (isClosedPipe(failure)) return EXIT.pipeClosed
    if (failure instanceof CommanderError && failure.exitCode === 0) return EXIT.done
    return desk.fail(given.signal.aborted ? interrupted(Number(given.signal.reason)) : withAdvice(failure)).exit
  }
}

/** A group without a command shows its help, which says nothing of what was wrong. */
const withAdvice = (failure: unknown) =>
  failure instanceof CommanderError && failure.code === 'commander.help' ? usage('Say which command.') : failure
