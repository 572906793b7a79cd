import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const PROJECT = join(import.meta.dirname, '../..')
const MAX_LINES = 300

test.each(['src', 'test'])(`no file of %s is longer than ${MAX_LINES} lines`, async (folder) => {
  const entries = await readdir(join(PROJECT, folder), { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const lengths = await Promise.all(
    files.map(async (path) => ({ path, lines: (await readFile(path, 'utf8')).trimEnd().split('\n').length })),
  )
  expect(lengths.length).toBeGreaterThan(10)
  expect(lengths.filter(({ lines }) => lines > MAX_LINES)).toEqual([])
})
