import { spawn } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { onTestFinished } from 'vitest'
import { carrel } from '../../../src/cli/carrel.ts'
import type { Input, Output } from '../../../src/cli/terminal.ts'

/** Pauses that tests can wait for, and links that are given up soon. */
const RETRY = { attempts: 2, baseMilliseconds: 2, capMilliseconds: 20, offlineSeconds: 0 }
const MAIN = join(import.meta.dirname, '../../../src/cli/main.ts')

export type Ran = Readonly<{ exit: number; out: string; err: string }>
export type How = Readonly<{
  /** What is piped in, or what is typed where it is a terminal. */
  stdin?: string
  isTerminal?: boolean
  env?: Record<string, string>
  signal?: AbortSignal
}>

/** A stream that keeps what it was written. */
function kept(isTTY: boolean): { stream: Output; text: () => string } {
  const chunks: Uint8Array[] = []
  const stream: Output = new PassThrough()
  stream.on('data', (chunk: Uint8Array) => chunks.push(chunk))
  Object.assign(stream, { isTTY, columns: 100 })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}

function typed({ stdin = '', isTerminal = false }: How, stderr: Output): Input {
  // What is typed while it is not raw is shown by the terminal itself.
  const setRawMode = (isRaw: boolean) => stderr.write(isRaw ? '<raw>' : '<shown>')
  const stream = Object.assign(new PassThrough(), { isTTY: isTerminal, setRawMode })
  stream.write(stdin)
  // Whoever sits at a terminal goes on sitting there.
  if (!isTerminal) stream.end()
  return stream
}

/** A home and a folder of one's own, and commands that are run there: in this process, or in one of their own. */
export async function aHome() {
  const home = await mkdtemp(join(tmpdir(), 'carrel-cli-'))
  onTestFinished(async () => rm(home, { recursive: true, force: true }))
  const env = { HOME: home, XDG_CONFIG_HOME: '', XDG_STATE_HOME: '' }
  return {
    path: (...names: readonly string[]) => join(home, ...names),
    run: async (args: readonly string[], how: How = {}): Promise<Ran> => {
      const [stdout, stderr] = [kept(how.isTerminal ?? false), kept(how.isTerminal ?? false)]
      const exit = await carrel({
        args,
        env: { ...env, ...how.env },
        cwd: home,
        stdin: typed(how, stderr.stream),
        stdout: stdout.stream,
        stderr: stderr.stream,
        signal: how.signal ?? new AbortController().signal,
        retry: RETRY,
      })
      return { exit, out: stdout.text(), err: stderr.text() }
    },
    spawned: (args: readonly string[], how: How = {}) => {
      const child = spawn(process.execPath, [MAIN, ...args], { cwd: home, env: { ...process.env, ...env, ...how.env } })
      child.stdin.end(how.stdin ?? '')
      const told = { out: '', err: '' }
      child.stdout.on('data', (chunk: Buffer) => (told.out += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (told.err += chunk.toString()))
      const ended = new Promise<Ran>((resolve) => {
        child.on('close', (code) => resolve({ exit: code ?? -1, ...told }))
      })
      return { child, ended, told }
    },
    /** The texts of all files that were kept in a folder of it. */
    keptIn: async (folder: string): Promise<string[]> => {
      const entries = await readdir(join(home, folder), { recursive: true, withFileTypes: true }).catch(() => [])
      const files = entries.filter((entry) => entry.isFile())
      return Promise.all(files.map(async (entry) => readFile(join(entry.parentPath, entry.name), 'utf8')))
    },
  }
}
export type Home = Awaited<ReturnType<typeof aHome>>

/** Signed in, in a home of one's own. */
export async function signedIn(
  caller: { key?: string | undefined },
  study: { id: string },
  url: string,
): Promise<Home> {
  const home = await aHome()
  const { exit, err } = await home.run(['login', '--url', url, '--study', study.id], { stdin: caller.key ?? '' })
  if (exit !== 0) throw new Error(err)
  return home
}

/** The lines of JSON that a command printed. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into what they assert on
export const linesOf = ({ out }: Ran): any[] =>
  out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

/** Connections that were opened while the link was ill, and are kept for the next request, are ill for good. */
export function renew(link: { down: () => void; up: () => void }): void {
  link.down()
  link.up()
}
