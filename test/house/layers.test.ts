// The layer rule is a lint rule, and a lint rule that matches nothing looks like a clean house: so each wrong import is
// written down and shown to the linter, with the project's own configuration.

import { execFile } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'

const PROJECT = join(import.meta.dirname, '../..')

/** Of each room: what it must not know. Paths are as they are written in a file of that room. */
const WRONG = {
  model: ['../storage/files.ts', '../domain/files.ts', '../settings.ts', 'hono', 'drizzle-orm'],
  storage: [
    '../domain/files.ts',
    '../wire/context.ts',
    '../http/files.ts',
    '../jobs/sweep.ts',
    '../pages/landing.tsx',
    '../runtime.ts',
    'hono',
  ],
  domain: [
    '../wire/context.ts',
    '../http/files.ts',
    '../adapters/hat/index.ts',
    '../jobs/sweep.ts',
    '../runtime.ts',
    'hono',
    'hono/jsx',
  ],
  wire: [
    '../storage/files.ts',
    '../http/files.ts',
    '../adapters/adapter.ts',
    '../adapters/hat/index.ts',
    '../jobs/sweep.ts',
    '../pages/landing.tsx',
    '../app.ts',
  ],
  http: ['../storage/files.ts', '../adapters/hat/index.ts', '../jobs/sweep.ts', '../app.ts', 'drizzle-orm'],
  'adapters/hat': [
    '../../storage/files.ts',
    '../../http/files.ts',
    '../../jobs/sweep.ts',
    '../../app.ts',
    '../bridge/errors.ts',
    '../mydatahelps/errors.ts',
    '../openhumans/errors.ts',
    '../kidsfirst/errors.ts',
  ],
  'adapters/bridge': ['../hat/errors.ts'],
  jobs: [
    '../storage/files.ts',
    '../wire/context.ts',
    '../http/files.ts',
    '../adapters/hat/index.ts',
    '../pages/landing.tsx',
    '../app.ts',
  ],
  pages: [
    '../storage/files.ts',
    '../domain/files.ts',
    '../wire/context.ts',
    '../http/files.ts',
    '../jobs/sweep.ts',
    '../runtime.ts',
  ],
  client: ['../storage/files.ts', '../domain/files.ts', '../adapters/adapter.ts', '../jobs/sweep.ts'],
  cli: ['../storage/files.ts', '../domain/files.ts', '../http/files.ts', '../model/errors.ts', '../settings.ts'],
  console: [
    '../model/ids.ts',
    '../storage/files.ts',
    '../domain/files.ts',
    '../http/files.ts',
    '../pages/layout.tsx',
    'hono',
  ],
}
/** What runs elsewhere may know the types of these, but takes nothing of them along. */
const TYPES_ONLY = { client: ['../http/files.ts', '../model/errors.ts', 'hono', 'zod'] }
/** The Worker never has what only a laptop runs, and SQL is spoken in storage alone. */
const WRONG_EVERYWHERE = { local: './local/demo.ts', cli: './cli/desk.ts', sql: 'drizzle-orm/d1' }

const RIGHT = {
  model: ['./ids.ts', 'ulid'],
  storage: ['../model/ids.ts', '../settings.ts', 'drizzle-orm', 'drizzle-orm/d1'],
  domain: ['../model/ids.ts', '../storage/files.ts', '../settings.ts'],
  wire: ['../model/ids.ts', '../domain/files.ts', '../settings.ts', '../log.ts', '../runtime.ts', 'hono', 'zod'],
  http: [
    '../model/ids.ts',
    '../domain/files.ts',
    '../wire/context.ts',
    '../pages/landing.tsx',
    '../runtime.ts',
    'hono',
    'hono/cors',
  ],
  'adapters/hat': [
    './errors.ts',
    '../adapter.ts',
    '../../model/ids.ts',
    '../../domain/files.ts',
    '../../wire/context.ts',
    '../../runtime.ts',
    'hono',
    'zod',
  ],
  jobs: ['../model/ids.ts', '../domain/files.ts', '../runtime.ts'],
  pages: ['../model/entities.ts', 'hono/jsx'],
  client: [...TYPES_ONLY.client, './errors.ts'],
  cli: ['./desk.ts', '../client/index.ts', '../client/node.ts', 'zod'],
  console: ['../client/index.ts', './session.ts', 'preact', 'preact/hooks', 'uqr'],
  local: ['./demo.ts', '../settings.ts'],
}

const Report = z.object({ diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })) })

type Import = { room: string; from: string; file: string }
const importsOf = (rooms: Record<string, string[]>, kind: string): Import[] =>
  Object.entries(rooms).flatMap(([room, paths]) =>
    paths.map((from, index) => ({ room, from, file: join('src', room, `${kind}-${index}.ts`) })),
  )

const wrong = [
  ...importsOf(WRONG, 'wrong'),
  ...(['local', 'cli'] as const).flatMap((other) =>
    Object.keys(WRONG).map((room) => {
      const up = room.split('/').map(() => '..')
      return { room, from: join(...up, WRONG_EVERYWHERE[other]), file: join('src', room, `wrong-${other}.ts`) }
    }),
  ),
  ...Object.keys(WRONG)
    .filter((room) => room !== 'storage')
    .map((room) => ({ room, from: WRONG_EVERYWHERE.sql, file: join('src', room, 'wrong-sql.ts') })),
  { room: 'the entry', from: WRONG_EVERYWHERE.local, file: 'src/index.ts' },
  { room: 'the app', from: WRONG_EVERYWHERE.cli, file: 'src/app.ts' },
]
const right = importsOf(RIGHT, 'right')
const taken = importsOf(TYPES_ONLY, 'taken')

let house: string
let refused: ReadonlySet<string>

beforeAll(async () => {
  house = await mkdtemp(join(tmpdir(), 'carrel-house-'))
  await copyFile(join(PROJECT, '.oxlintrc.json'), join(house, '.oxlintrc.json'))
  for (const { file, from } of [...wrong, ...right]) {
    await mkdir(dirname(join(house, file)), { recursive: true })
    await writeFile(join(house, file), `import type { it } from '${from}'\n\nexport type Mine = typeof it\n`)
  }
  for (const { file, from } of taken) {
    await writeFile(join(house, file), `import { it } from '${from}'\n\nexport const mine = it\n`)
  }
  refused = new Set(await filesRefused(house))
})

afterAll(async () => rm(house, { recursive: true }))

test.each(wrong)('$room does not import $from', ({ file }) => {
  expect(refused).toContain(file)
})

test.each(taken)('$room takes nothing of $from along', ({ file }) => {
  expect(refused).toContain(file)
})

test.each(right)('$room may import $from', ({ file }) => {
  expect(refused).not.toContain(file)
})

async function filesRefused(directory: string): Promise<string[]> {
  const oxlint = join(PROJECT, 'node_modules/oxlint/bin/oxlint')
  const command = promisify(execFile)(process.execPath, [oxlint, '--format', 'json', 'src'], { cwd: directory })
  // What is wrong makes it exit with 1, and is printed all the same.
  const { stdout } = await command.catch((failure: { stdout: string }) => failure)
  const { diagnostics } = Report.parse(JSON.parse(stdout))
  return diagnostics.flatMap(({ code, filename }) => (code.endsWith('(no-restricted-imports)') ? [filename] : []))
}
