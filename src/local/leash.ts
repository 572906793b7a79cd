// Runs Wrangler so that it never outlives the start script, however that ends: `node leash.ts SCRIPT [ARGUMENTS]`.
// The script holds the other end of this process's input. The input ends when the script closes it, and just as well
// when the script is killed and can do nothing any more. This process leads the group of all that Wrangler starts.

import { spawn } from 'node:child_process'

const PATIENCE_MS = 5000

// Without a terminal, so that Wrangler cannot ask anything.
const child = spawn(process.execPath, process.argv.slice(2), { stdio: ['ignore', 'inherit', 'inherit'] })
let released = false

process.stdin.resume().on('close', () => {
  released = true
  child.kill('SIGTERM')
  setTimeout(endGroup, PATIENCE_MS)
})

// A Wrangler that crashes while it stops leaves the runtime behind.
child.on('exit', (code) => (released ? endGroup() : process.exit(code ?? 1)))

function endGroup() {
  process.kill(0, 'SIGKILL')
}
