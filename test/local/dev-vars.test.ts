import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ensureDevVars } from '../../src/local/dev-vars.ts'

let home: string
let path: string
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'carrel-dev-vars-'))
  path = join(home, '.dev.vars')
})
afterEach(() => rm(home, { recursive: true }))

const written = async () => parseEnv(await readFile(path, 'utf8'))

test('a missing file is written with random secrets, for its owner only', async () => {
  const { operatorKey } = await ensureDevVars(home)
  expect(await written()).toEqual({
    OPERATOR_KEY: expect.stringMatching(/^op_[\w-]{43}$/),
    TOKEN_KEYS: expect.stringMatching(/^1:[\w-]{43}$/),
    HAT_SIGNING_KEY: expect.stringMatching(/^-----BEGIN PRIVATE KEY-----[\w+/=]{1600,}-----END PRIVATE KEY-----$/),
    S3_ACCESS_KEY_ID: 'local',
    S3_SECRET_ACCESS_KEY: 'local-only-not-a-secret',
  })
  expect((await written())['OPERATOR_KEY']).toBe(operatorKey)
  expect((await stat(path)).mode & 0o777).toBe(0o600)
})

test('the S3 pair is the one that wrangler.toml gives to the local bucket', async () => {
  await ensureDevVars(home)
  const { S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY } = await written()
  const configuration = await readFile(join(import.meta.dirname, '../../wrangler.toml'), 'utf8')
  expect(configuration).toContain(`accessKeyId = "${S3_ACCESS_KEY_ID}", secretAccessKey = "${S3_SECRET_ACCESS_KEY}"`)
})

test('a complete file is never written again', async () => {
  const first = await ensureDevVars(home)
  const before = await readFile(path, 'utf8')
  expect(await ensureDevVars(home)).toEqual(first)
  expect(await readFile(path, 'utf8')).toBe(before)
})

test('what a partial file lacks is added below what is there, even if its last line is not ended', async () => {
  const mine = '# mine\nALLOWED_ORIGINS="https://example.org"\nOPERATOR_KEY=op_my-own'
  await writeFile(path, mine)
  expect(await ensureDevVars(home)).toEqual({ operatorKey: 'op_my-own' })
  const text = await readFile(path, 'utf8')
  expect(text.startsWith(`${mine}\n`)).toBe(true)
  expect(Object.keys(parseEnv(text)).toSorted()).toEqual([
    'ALLOWED_ORIGINS',
    'HAT_SIGNING_KEY',
    'OPERATOR_KEY',
    'S3_ACCESS_KEY_ID',
    'S3_SECRET_ACCESS_KEY',
    'TOKEN_KEYS',
  ])
  expect(parseEnv(text)['OPERATOR_KEY']).toBe('op_my-own')
})

test('a secret that was left empty gets a value', async () => {
  await writeFile(path, 'OPERATOR_KEY=\n')
  const { operatorKey } = await ensureDevVars(home)
  expect(operatorKey).toMatch(/^op_/)
  expect((await written())['OPERATOR_KEY']).toBe(operatorKey)
})

test('starts at the same moment agree on one set of secrets', async () => {
  const keys = await Promise.all(Array.from({ length: 8 }, () => ensureDevVars(home)))
  expect(new Set(keys.map(({ operatorKey }) => operatorKey)).size).toBe(1)
  expect((await readFile(path, 'utf8')).trim().split('\n')).toHaveLength(5)
  expect(await readdir(join(home, '.carrel'))).toEqual([])
})

test('the lock of a start that died does not stop the next one', async () => {
  const lock = join(home, '.carrel/dev-vars.lock')
  const longAgo = new Date(Date.now() - 60_000)
  await mkdir(join(home, '.carrel'))
  await writeFile(lock, '')
  await utimes(lock, longAgo, longAgo)
  await ensureDevVars(home)
  expect(await readdir(join(home, '.carrel'))).toEqual([])
})
