// What `npm run check` runs for what is read by browsers: types, with the DOM's among them.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const project = resolve(import.meta.dirname, '../..')
const ROOMS = ['src/console', 'src/docs'].filter((room) => existsSync(join(project, room, 'tsconfig.json')))

const run = promisify(execFile)

/**
 * The client's types come from the house's routes, so the compiler reads the house too. That is written for another
 * platform than the DOM's, where it is checked: only what it finds in the room itself is told.
 */
async function complaintsIn(room: string): Promise<string[]> {
  const tsc = join(project, 'node_modules/typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', room], { cwd: project }).catch(
    (failure: { stdout: string }) => failure,
  )
  return stdout.split('\n').filter((line) => line.startsWith(`${room}/`) || line.startsWith('error'))
}

const complaints = (await Promise.all(ROOMS.map(complaintsIn))).flat()
for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exit(1)
