import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import type { Assets } from './build-assets.ts'

const MAIN = 'src/console/main.tsx'
const STYLE = 'src/console/style/console.css'

/** The views are chunks of their own: who signs in has the first of them, and each other comes when it is opened. */
const bundleConsole = async (project: string) =>
  build({
    absWorkingDir: project,
    entryPoints: [MAIN, STYLE],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    outdir: 'dist/assets/console',
    bundle: true,
    splitting: true,
    format: 'esm',
    target: ['es2022', 'chrome120', 'firefox120', 'safari17'],
    minify: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'silent',
  })

/** Where the bytes go, which the browser has to be let to: the service itself where the bucket is Wrangler's own. */
const storageIn = (configuration: string): string =>
  /^S3_ENDPOINT\s*=\s*"(https?:\/\/[^"]+)"/m.exec(configuration)?.[1] ?? ''

/** Nothing inline, nothing of anybody else's: `blob:` is what is previewed, which the console has fetched itself. */
export const policyFor = (storage: string): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `connect-src 'self'${storage === '' ? '' : ` ${new URL(storage).origin}`}`,
    "img-src 'self' blob:",
    'frame-src blob:',
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ')

/** The page names the others, whose names change with them. Without a slash one is sent to where it is. */
const headersFor = (storage: string): string => `/console/*
  Content-Security-Policy: ${policyFor(storage)}
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Resource-Policy: same-origin
  Permissions-Policy: camera=(), geolocation=(), microphone=()
  X-Robots-Tag: noindex
/console/
  Cache-Control: no-cache
/console/:file.js
  Cache-Control: public, max-age=31536000, immutable
/console/:file.css
  Cache-Control: public, max-age=31536000, immutable
`

/** What is not ours goes with what its licences want told. */
const licenses = async (project: string): Promise<string> => {
  const texts = await Promise.all(
    ['preact', 'uqr'].map(async (name) => {
      const text = await readFile(join(project, 'node_modules', name, 'LICENSE'), 'utf8')
      return `${name}\n\n${text}`
    }),
  )
  return texts.join('\n')
}

export async function consoleAssets(project: string): Promise<Assets> {
  const [{ outputFiles, metafile }, page, icon, notice, configuration] = await Promise.all([
    bundleConsole(project),
    readFile(join(project, 'src/console/page.html'), 'utf8'),
    readFile(join(project, 'src/console/icon.svg')),
    licenses(project),
    readFile(join(project, 'wrangler.toml'), 'utf8'),
  ])
  const builtFrom = (entry: string) =>
    basename(Object.entries(metafile.outputs).find(([, { entryPoint }]) => entryPoint === entry)?.[0] ?? '')
  const html = page.replace('main.js', builtFrom(MAIN)).replace('console.css', builtFrom(STYLE))
  return {
    files: [
      { path: 'console/index.html', contents: html },
      { path: 'console/icon.svg', contents: icon },
      { path: 'console/licenses.txt', contents: notice },
      ...outputFiles.map(({ path, contents }) => ({ path: `console/${basename(path)}`, contents })),
    ],
    headers: headersFor(storageIn(configuration)),
  }
}
