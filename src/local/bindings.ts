import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

const BINDING = /^\[\[d1_databases\]\]\s*\n(?:(?!\[).*\n)*?binding\s*=\s*"(\w+)"/gm

/** The databases that wrangler.toml binds, the first of them first. */
export const databaseBindings = (configuration: string): string[] =>
  [...configuration.matchAll(BINDING)].map(([, name = '']) => name)

export const boundDatabases = async (project: string): Promise<string[]> =>
  databaseBindings(await readFile(join(project, 'wrangler.toml'), 'utf8'))
