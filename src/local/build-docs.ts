import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { build } from 'esbuild'
import type { Assets } from './build-assets.ts'

/** Swagger UI needs neither inline code nor inline style; its pictures are in its style sheet. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  'img-src data:',
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = `/docs/*
  Content-Security-Policy: ${POLICY}
  X-Content-Type-Options: nosniff
  Referrer-Policy: no-referrer
  Cross-Origin-Opener-Policy: same-origin
  Cross-Origin-Resource-Policy: same-origin
  Permissions-Policy: camera=(), geolocation=(), microphone=()
  X-Robots-Tag: noindex
`

/** What is not ours goes with what its licences want told. */
async function licenses(project: string): Promise<string> {
  const names = ['NOTICE', 'LICENSE', 'swagger-ui-es-bundle.js.LICENSE.txt']
  const texts = await Promise.all(
    names.map(async (name) => readFile(join(project, 'node_modules/swagger-ui-dist', name), 'utf8')),
  )
  return texts.join('\n')
}

/** The API reference: Swagger UI with a page around it, whole, so that a reader's browser asks nobody else. */
export async function docsAssets(project: string): Promise<Assets> {
  const [{ outputFiles }, page, notice] = await Promise.all([
    build({
      absWorkingDir: project,
      entryPoints: ['src/docs/main.ts', 'src/docs/style.css'],
      outdir: 'dist/assets/docs',
      bundle: true,
      format: 'esm',
      target: ['es2022', 'chrome120', 'firefox120', 'safari17'],
      minify: true,
      legalComments: 'none',
      write: false,
      logLevel: 'silent',
    }),
    readFile(join(project, 'src/docs/index.html')),
    licenses(project),
  ])
  return {
    files: [
      { path: 'docs/index.html', contents: page },
      { path: 'docs/licenses.txt', contents: notice },
      ...outputFiles.map(({ path, contents }) => ({ path: `docs/${basename(path)}`, contents })),
    ],
    headers: HEADERS,
  }
}
