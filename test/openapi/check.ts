// Makes the OpenAPI document by the real Worker and shows it to two judges: a linter, and a generator of client types.
// Neither is a dependency: they are large, and the generator wants an older TypeScript than the project has.

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { createTestHarness } from 'wrangler'
import { SECRETS } from '../support/secrets.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
const JUDGES = ['@redocly/cli@2.77.0', 'openapi-typescript@7.13.0', 'typescript@5.9.3']
/** Any name that is not the reader's own machine: the linter wants a server that others can reach. */
const DOCUMENT = 'https://carrel.example.org/openapi.json'

const say = (text: string) => process.stdout.write(`${text}\n`)
const run = promisify(execFile)

const ENVIRONMENT = {
  ...process.env,
  // The judges run on the project's own Node, and keep what they see to themselves.
  PATH: [join(PROJECT, 'node_modules/.bin'), process.env['PATH']].join(delimiter),
  REDOCLY_TELEMETRY: 'off',
  REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true',
  NO_COLOR: '1',
}
// Miniflare otherwise asks the network where this machine is.
process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false'

async function makeDocument(): Promise<string> {
  const service = createTestHarness({ root: PROJECT, workers: [{ configPath: 'wrangler.toml', secrets: SECRETS }] })
  try {
    await service.listen()
    const answer = await service.fetch(DOCUMENT)
    if (answer.status !== 200) throw new Error(`The document was answered ${answer.status}: ${await answer.text()}`)
    return JSON.stringify(await answer.json(), null, 2)
  } finally {
    await service.close()
  }
}

/** What a command printed, on either stream, and whether it was content. */
async function judge(directory: string, [command = '', ...args]: readonly string[]) {
  try {
    const { stdout, stderr } = await run(join(directory, 'node_modules/.bin', command), args, {
      cwd: directory,
      env: ENVIRONMENT,
    })
    return { content: true, printed: stdout + stderr }
  } catch (error) {
    if (!(error instanceof Error && 'stdout' in error && 'stderr' in error)) throw error
    return { content: false, printed: `${String(error.stdout)}${String(error.stderr)}` }
  }
}

async function check(directory: string): Promise<boolean> {
  const [document] = await Promise.all([
    makeDocument(),
    run('npm', [
      'install',
      '--prefix',
      directory,
      '--no-save',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      ...JUDGES,
    ]),
  ])
  await writeFile(join(directory, 'openapi.json'), document)
  const lint = await judge(directory, ['redocly', 'lint', 'openapi.json', '--extends', 'recommended'])
  const types = await judge(directory, ['openapi-typescript', 'openapi.json', '-o', 'openapi.d.ts'])
  const compiled = await judge(directory, ['tsc', '--noEmit', '--strict', 'openapi.d.ts'])
  const verdicts = {
    // A warning alone leaves the exit code at 0.
    'redocly lint': { ...lint, content: lint.content && !/\bwarnings?\b/i.test(lint.printed) },
    'openapi-typescript': { ...types, content: types.content && !/warn|⚠/i.test(types.printed) },
    tsc: compiled,
  }
  for (const [name, { content, printed }] of Object.entries(verdicts)) {
    say(content ? `${name}: nothing to say` : `${name}:\n${printed}`)
  }
  return Object.values(verdicts).every(({ content }) => content)
}

const directory = await mkdtemp(join(tmpdir(), 'carrel-openapi-'))
try {
  process.exitCode = (await check(directory)) ? 0 : 1
} finally {
  await rm(directory, { recursive: true })
}
