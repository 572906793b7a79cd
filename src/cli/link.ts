import { Option } from '@commander-js/extra-typings'
import { renderUnicodeCompact } from 'uqr'
import { anInteger, given } from './choices.ts'
import type { Desk, Program } from './desk.ts'
import { EXIT, Failure } from './failures.ts'
import { findFile } from './files.ts'
import { shown } from './shown.ts'

export function addLink(program: Program, desk: Desk): void {
  program
    .command('link')
    .description('Make a link that works once, for whoever has it')
    .argument('<file>', 'id, or handle')
    .option('--participant <id>', 'whose handle it is (default: me)')
    .option(
      '--seconds <count>',
      "how long it can be used, seven days at most (default: the study's setting)",
      anInteger,
    )
    .option('--confirm', 'a browser first shows a button, so that mail scanners do not use it up')
    .addOption(
      new Option('--delivery <how>', 'by a redirect that can be resumed, or as a stream').choices([
        'redirect',
        'stream',
      ]),
    )
    .option('--version-id <id>', 'of this version, not of the current one')
    .option('--qr', 'show it as a QR code too, wherever that is shown')
    .option('--no-qr', 'not even on a terminal')
    .action(async (name, { participant, seconds, confirm, delivery, versionId: version, qr }) => {
      const signed = await desk.signed()
      const { id } = await findFile(signed, { name, participant }, desk)
      const link = await signed.carrel.links.issue(id, given({ seconds, confirm, delivery, version }), desk.call)
      const { url, expiresAt } = link
      if (url === null) {
        throw new Failure('The link was made, and its answer lost: make another.', {
          code: 'link_lost',
          exit: EXIT.failed,
        })
      }
      await desk.tell(link, shown(url))
      // Beside the result, so that what is read by programs is the URL alone.
      const { stderr } = desk.terminal
      if (qr ?? (stderr.isTTY === true && !desk.json)) stderr.write(`${renderUnicodeCompact(url, { border: 2 })}\n`)
      if (!desk.json) desk.note(`It works once, until ${expiresAt}.`)
    })
}
