import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseEnv } from 'node:util'

const randomSecret = () => randomBytes(32).toString('base64url')

/** In one line, as a line of the file has to be. */
function randomSigningKey() {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  return `"${privateKey.replaceAll('\n', '')}"`
}

/** The secrets that wrangler.toml requires. The S3 pair is the one it gives to the local bucket. */
const NEW_SECRETS = {
  OPERATOR_KEY: () => `op_${randomSecret()}`,
  TOKEN_KEYS: () => `1:${randomSecret()}`,
  HAT_SIGNING_KEY: randomSigningKey,
  S3_ACCESS_KEY_ID: () => 'local',
  S3_SECRET_ACCESS_KEY: () => 'local-only-not-a-secret',
}
export const SECRET_NAMES: readonly string[] = Object.keys(NEW_SECRETS)

const ONLY_OWNER = 0o600
/** Far longer than making a key and writing five lines takes: a lock this old was left by a process that died. */
const STALE_LOCK_MS = 10_000

export const devVarsPath = (home: string) => join(home, '.dev.vars')

/** Adds to `.dev.vars` the secrets it lacks, changes nothing that is there, and returns the operator key. */
export async function ensureDevVars(home: string): Promise<{ operatorKey: string }> {
  const path = devVarsPath(home)
  const ignoredByGit = join(home, '.carrel')
  await mkdir(ignoredByGit, { recursive: true, mode: 0o700 })
  const release = await lock(join(ignoredByGit, 'dev-vars.lock'))
  try {
    const present = await readOrEmpty(path)
    const added = missingLines(present)
    if (added !== '') await append(path, present === '' || present.endsWith('\n') ? added : `\n${added}`)
    return { operatorKey: parseEnv(present + '\n' + added)['OPERATOR_KEY'] ?? '' }
  } finally {
    await release()
  }
}

/** An empty value counts as missing: of a name that is there twice, the later line is read. */
function missingLines(present: string) {
  const known = parseEnv(present)
  return Object.entries(NEW_SECRETS)
    .filter(([name]) => !known[name])
    .map(([name, create]) => `${name}=${create()}\n`)
    .join('')
}

async function readOrEmpty(path: string) {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return ''
    throw error
  }
}

async function append(path: string, text: string) {
  const file = await open(path, 'a', ONLY_OWNER)
  try {
    await file.writeFile(text)
  } finally {
    await file.close()
  }
}

/** Two instances that start at once would otherwise both find a secret missing and both add one. */
async function lock(path: string): Promise<() => Promise<void>> {
  for (;;) {
    try {
      const file = await open(path, 'wx', ONLY_OWNER)
      await file.close()
      return () => rm(path, { force: true })
    } catch (error) {
      if (!isFileError(error, 'EEXIST')) throw error
    }
    if ((await ageOf(path)) > STALE_LOCK_MS) await rm(path, { force: true })
    else await sleep(20)
  }
}

async function ageOf(path: string) {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return 0
    throw error
  }
}

const isFileError = (error: unknown, code: string) => error instanceof Error && 'code' in error && error.code === code
