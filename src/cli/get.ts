import { lstat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Desk, Program, Signed } from './desk.ts'
import { EXIT, Failure, usage } from './failures.ts'
import { findFile } from './files.ts'
import { localName } from './names.ts'
import { progressOn } from './progress.ts'
import { save, type Version } from './saving.ts'
import { shown } from './shown.ts'

const isFolder = async (path: string): Promise<boolean> => {
  try {
    return (await lstat(path)).isDirectory()
  } catch {
    // It is not there yet, or cannot be looked at: then it cannot be written either, which is told then.
    return false
  }
}

async function targetOf({ terminal }: Desk, said: string | undefined, name: string): Promise<string> {
  const path = resolve(terminal.cwd, said ?? '.')
  return said === undefined || /[/\\]$/.test(said) || (await isFolder(path)) ? join(path, localName(name)) : path
}

async function print(
  desk: Desk,
  { carrel }: Signed,
  { file, version }: { file: string; version: Version },
): Promise<void> {
  const coming = await carrel.files.download(file, { version: version.id, signal: desk.signal })
  for await (const chunk of coming) await desk.write(chunk)
}

export function addGet(program: Program, desk: Desk): void {
  program
    .command('get')
    .description('Download a file; interrupted, the same command goes on')
    .argument('<file>', 'id, or handle')
    .argument('[target]', 'file or folder; - is the standard output (default: its name, here)')
    .option('--participant <id>', 'whose handle it is (default: me)')
    .option('--version-id <id>', 'this version, not the current one')
    .option('--force', 'replace what is there; with -, even on a terminal')
    .action(async (name, said, { participant, versionId, force }) => {
      const signed = await desk.signed()
      const found = await findFile(signed, { name, participant }, desk)
      const { id } = found
      const version =
        versionId === undefined
          ? found.version
          : await signed.carrel.files.version({ file: id, version: versionId }, desk.call)
      if (version === null)
        throw new Failure('It has no content yet.', { code: 'content_missing', exit: EXIT.conflict })
      if (said === '-') {
        if (desk.terminal.stdout.isTTY === true && force !== true) {
          throw usage('What it says could act on the terminal: pipe it somewhere, or say --force.')
        }
        await print(desk, signed, { file: id, version })
        return
      }
      const target = await targetOf(desk, said, version.name)
      const progress = progressOn(desk.terminal.stderr, { isQuiet: desk.json })
      try {
        await save(
          { desk, signed, progress, name: version.name },
          { file: id, version, target },
          { force: force === true },
        )
      } finally {
        progress.stop()
      }
      await desk.tell({ file: id, version: version.id, path: target, size: version.size }, `Saved: ${shown(target)}`)
    })
}
