import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { boundDatabases } from './bindings.ts'

// Every database that wrangler.toml binds gets the same tables, before a version is deployed that asks for them.

const project = resolve(import.meta.dirname, '../..')
const wrangler = join(project, 'node_modules/wrangler/bin/wrangler.js')

for (const name of await boundDatabases(project)) {
  const args = [wrangler, 'd1', 'migrations', 'apply', name, '--remote']
  const { status } = spawnSync(process.execPath, args, { cwd: project, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
