import { execFileSync } from 'node:child_process'
import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { build, type Plugin } from 'esbuild'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { unstable_getMiniflareWorkerOptions } from 'wrangler'
import { REFERENCE_HOST } from './hosts.ts'

// A process of its own, so that what it and workerd use can be told from what asks them: Carrel and what it is measured
// against, side by side in one workerd, on the same database, bucket and namespace.

/** Where its processor's time can be looked into; it costs some, so that nothing is measured with it. */
const [, , inspectorPort = '', far = ''] = process.argv

const project = resolve(import.meta.dirname, '..')
const dist = join(project, 'dist')

const secret = () => randomBytes(32).toString('base64url')
const operatorKey = `op_${secret()}`

/** What wrangler.toml says, but for what belongs to a laptop: nothing is asked of this storage endpoint. */
const bindingsOf = (vars: object) => ({
  ...vars,
  S3_ENDPOINT: 'https://account.r2.cloudflarestorage.com',
  OPERATOR_KEY: operatorKey,
  TOKEN_KEYS: `1:${secret()}`,
  HAT_SIGNING_KEY: signingKey(),
  S3_ACCESS_KEY_ID: 'bench',
  S3_SECRET_ACCESS_KEY: secret(),
})

const signingKey = () =>
  generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey

/** The main module of Carrel is what was built. */
const asBuilt: Plugin = {
  name: 'as-built',
  setup: (bundler) =>
    bundler.onResolve({ filter: /^\.\.\/src\/index\.ts$/ }, () => ({ path: './index.mjs', external: true })),
}

async function scriptOf(name: 'reference' | Around): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, `${name}.ts`)],
    plugins: [asBuilt],
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2024',
    minify: true,
    conditions: ['workerd', 'worker', 'browser'],
  })
  return outputFiles[0]?.text ?? ''
}

/** What the bench puts around Carrel as it is deployed. */
type Around = 'far' | 'recording'

async function carrelModules(around?: Around) {
  const chunks = readdirSync(dist).filter((name) => name.endsWith('.chunk.mjs'))
  const modules = ['index.mjs', ...chunks].map((name) => ({ type: 'ESModule' as const, path: join(dist, name) }))
  if (around === undefined) return modules
  const contents = await scriptOf(around)
  return [{ type: 'ESModule' as const, path: join(dist, `${around}.mjs`), contents }, ...modules]
}
const readable = inspectorPort === '' ? [] : ['--readable']
execFileSync(process.execPath, [join(project, 'src/local/build.ts'), ...readable], { cwd: project })

const { workerOptions } = unstable_getMiniflareWorkerOptions(join(project, 'wrangler.toml'))
/** Of what wrangler.toml says. */
const saying = (...names: readonly string[]) =>
  Object.fromEntries(Object.entries(workerOptions).filter(([name]) => names.includes(name)))
const stores = saying('d1Databases', 'r2Buckets', 'kvNamespaces', 'compatibilityDate')

const common = {
  modulesRoot: dist,
  bindings: bindingsOf(workerOptions['bindings'] ?? {}),
  ...saying('queueProducers', 'ratelimits'),
  ...stores,
}

process.env['CARREL_BENCH_WORKERD'] = String(createRequire(import.meta.resolve('miniflare'))('workerd').default)
process.env['MINIFLARE_WORKERD_PATH'] = join(import.meta.dirname, 'workerd.sh')

const service = new Miniflare(
  convertV4MiniflareOptions({
    host: '127.0.0.1',
    cf: false,
    ...(inspectorPort === '' ? {} : { inspectorPort: Number(inspectorPort) }),
    workers: [
      {
        name: 'carrel',
        modules: await carrelModules(far === '' ? undefined : 'far'),
        ...saying('queueConsumers'),
        ...common,
      },
      { name: 'recording', modules: await carrelModules('recording'), ...common },
      {
        name: 'reference',
        modules: true,
        script: await scriptOf('reference'),
        routes: [`${REFERENCE_HOST}/*`],
        ...saying('queueProducers'),
        ...stores,
      },
    ],
  }),
)
const { port } = await service.ready
process.send?.({ port: Number(port), operatorKey })
process.once('message', () => {
  void service.dispose().then(() => process.exit(0))
})
