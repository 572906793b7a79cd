import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeAssets } from '../../src/local/build-assets.ts'
import { consoleAssets, policyFor } from '../../src/local/build-console.ts'

const PROJECT = join(import.meta.dirname, '../..')
/** What is loaded before anybody has pressed anything, packed. */
const FIRST_BYTES = 150_000

let assets: Awaited<ReturnType<typeof consoleAssets>>
let folder: string
beforeAll(async () => {
  assets = await consoleAssets(PROJECT)
  folder = await mkdtemp(join(tmpdir(), 'carrel-assets-'))
})
afterAll(async () => rm(folder, { recursive: true }))

const textOf = (path: string) => Buffer.from(assets.files.find((file) => file.path === path)?.contents ?? '').toString()

test('the page names a script and a style that are there, and nothing is inline or from elsewhere', () => {
  const page = textOf('console/index.html')
  const named = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, name]) => `console/${name}`)
  expect(named).toHaveLength(3)
  for (const path of named) expect(textOf(path)).not.toBe('')
  expect(page).not.toMatch(/<script[^>]*>[^<]|<style|\son\w+=|\sstyle=|https?:/)
})

test('all of the console is less than what may be loaded first', () => {
  const packed = assets.files.map(({ contents }) => gzipSync(contents).length)
  expect(packed.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(FIRST_BYTES)
})

test('bytes may go to the service itself, and to the storage that is set', () => {
  expect(policyFor('')).toContain("connect-src 'self';")
  expect(policyFor('https://account.r2.cloudflarestorage.com/')).toContain(
    "connect-src 'self' https://account.r2.cloudflarestorage.com;",
  )
  expect(policyFor('')).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/)
  expect(policyFor('')).not.toMatch(/unsafe|\*|https?:|data:/)
})

test('what is written again stays as it was, and what is no longer made goes', async () => {
  const at = join(folder, 'assets')
  await writeAssets(at, PROJECT)
  const made = (await readdir(at, { recursive: true })).toSorted()
  await writeFile(join(at, 'console/old-ABCDEFGH.js'), 'old')
  await writeAssets(at, PROJECT)
  expect((await readdir(at, { recursive: true })).toSorted()).toEqual(made)
  expect(await readFile(join(at, '_headers'), 'utf8')).toContain('/console/*\n  Content-Security-Policy:')
  expect(await readdir(folder)).toEqual(['assets'])
})
