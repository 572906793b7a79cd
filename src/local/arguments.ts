import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { StartFailure } from './failure.ts'

export const USAGE = `Usage: npm start -- [options]

Runs Carrel on this machine, with a demo study: no account and no network are needed.

  --port N          port on 127.0.0.1 (default 8787)
  --persist-to DIR  where everything that is stored is kept (default .wrangler/state);
                    give each instance its own to run several side by side
  --home DIR        where the secrets (.dev.vars) and .carrel/demo.json are kept (default: the project)
  --help            print this
`

const USAGE_EXIT_CODE = 2

export type Arguments = Readonly<{ port: number; persistTo: string; home: string; help: boolean }>

/** `project` is where Carrel's own files are; given directories are relative to where the command runs. */
export function parseArguments(args: readonly string[], project: string): Arguments {
  const values = parse(args)
  return {
    port: parsePort(values.port ?? '8787'),
    persistTo: directory('--persist-to', values['persist-to']) ?? resolve(project, '.wrangler/state'),
    home: directory('--home', values.home) ?? project,
    help: values.help ?? false,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        'persist-to': { type: 'string' },
        home: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    // Node goes on to explain positional arguments, of which there are none here.
    const [message] = error.message.split(/\.\s/)
    throw usageFailure(`${message}.`)
  }
}

function parsePort(text: string) {
  const port = Number(text)
  if (!/^\d+$/.test(text) || port < 1 || port > 65_535) {
    throw usageFailure(`--port is a number from 1 to 65535, not '${text}'.`)
  }
  return port
}

function directory(option: string, path: string | undefined) {
  if (path === '') throw usageFailure(`${option} needs a directory.`)
  return path === undefined ? undefined : resolve(path)
}

const usageFailure = (message: string) => new StartFailure(`${message}\n\n${USAGE}`, USAGE_EXIT_CODE)
