import { join, resolve } from 'node:path'
import { Option } from '@commander-js/extra-typings'
import type { File } from '../client/index.ts'
import { anInteger, given, several } from './choices.ts'
import type { Desk, Program } from './desk.ts'
import { exitOfAll, type Told, usage } from './failures.ts'
import { FILE_COLUMNS } from './files.ts'
import { type Local, localFiles } from './folders.ts'
import { Memory } from './memory.ts'
import { stateHome } from './profiles.ts'
import { progressOn } from './progress.ts'
import { type Details, send, type Sending } from './sending.ts'
import { sideBySide } from './side-by-side.ts'

const AT_ONCE = 4
/** Of each file; of one alone, more. */
const PARTS_AT_ONCE = { one: 4, several: 2 }

type Sent = { files: File[]; failures: Told[] }

async function sendAll(sending: Sending, locals: readonly Local[], atOnce: number): Promise<Sent> {
  const { desk } = sending
  const files: (File | undefined)[] = []
  const failed: { failure: unknown; name: string }[] = []
  await sideBySide(locals.entries(), atOnce, async ([at, local]) => {
    if (desk.signal.aborted) return
    try {
      files[at] = await send(sending, local)
    } catch (failure) {
      failed.push({ failure, name: local.name })
    }
  })
  sending.progress.stop()
  // Once it is stopped, each says so, and none has failed.
  const failures = desk.signal.aborted ? [] : failed.map(({ failure, name }) => desk.complain(failure, name))
  return { files: files.filter((file) => file !== undefined), failures }
}

type Asked = Readonly<{ handle?: string | undefined; byPath?: true | undefined; atOnce: number }>

function mustFit({ handle, byPath }: Asked, details: Details, count: number): void {
  if (handle !== undefined && (byPath === true || count > 1)) throw usage('--handle is the name of one file.')
  if ((handle !== undefined || byPath === true) && details.participant === null) {
    throw usage("The study's own files have no handles.")
  }
}

async function put(desk: Desk, paths: readonly string[], { details, asked }: { details: Details; asked: Asked }) {
  const { env, cwd, stderr } = desk.terminal
  const left: string[] = []
  const locals = await localFiles(cwd, paths, (path) => void left.push(path))
  for (const path of left) desk.note(`Left out, as it is neither a file nor a folder: ${path}`)
  mustFit(asked, details, locals.length)
  const signed = await desk.signed()
  const { url, study, key } = signed
  const { atOnce, ...same } = asked
  const command = [url, study, key, paths.map((path) => resolve(cwd, path)), details, same]
  const memory = await Memory.of(join(stateHome(env), 'puts'), command)
  const { files, failures } = await sendAll(
    {
      desk,
      signed,
      memory,
      progress: progressOn(stderr, { isQuiet: desk.json }),
      details: { ...details, ...given({ handle: asked.handle }) },
      byPath: asked.byPath === true,
      partsAtOnce: locals.length === 1 ? PARTS_AT_ONCE.one : PARTS_AT_ONCE.several,
    },
    locals,
    atOnce,
  )
  if (desk.signal.aborted) {
    desk.note(`${files.length} of ${locals.length} are there. The same command goes on from here.`)
    return
  }
  await desk.list(files, FILE_COLUMNS)
  if (failures.length === 0) await memory.forget()
  desk.exit = exitOfAll(failures)
}

export function addPut(program: Program, desk: Desk): void {
  program
    .command('put')
    .description('Upload files, and folders with all that is in them; interrupted, the same command goes on')
    .argument('<path...>')
    .option('--participant <id>', 'whose they are (default: me)')
    .option('--of-study', "the study's own")
    .option('--category <category>', 'what kind of files')
    .option('--source <source>', 'where they come from')
    .option('--tag <tag>', 'may be repeated', several)
    .option('--title <title>')
    .option('--description <text>')
    .addOption(
      new Option('--visibility <who>', "besides the owner: nobody, the study's team, everyone").choices([
        'private',
        'study',
        'public',
      ]),
    )
    .option('--type <type>', "the media type (default: by the file's name)")
    .option('--handle <name>', "the owner's name for one file: a file that has it gets a new version")
    .option('--by-path', 'the same for each: its name here, with its folders')
    .option('--at-once <count>', 'how many files side by side', anInteger, AT_ONCE)
    .action(async (paths, { participant, ofStudy, tag, type, handle, byPath, atOnce, ...said }) => {
      if (ofStudy === true && participant !== undefined) throw usage('Say --participant or --of-study.')
      const details = given({
        ...said,
        participant: ofStudy === true ? null : participant,
        tags: tag === undefined ? undefined : [...tag],
        mediaType: type,
      })
      await put(desk, paths, { details, asked: { handle, byPath, atOnce } })
    })
}
