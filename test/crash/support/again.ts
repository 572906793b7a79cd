// What `npm start` does once the database is migrated and the demo study is made, and nothing else: that takes two
// seconds rather than eight.

import { resolve } from 'node:path'
import { parseArguments } from '../../../src/local/arguments.ts'
import { serve } from '../../../src/local/wrangler.ts'

const project = resolve(import.meta.dirname, '../../..')
const { signal } = new AbortController()

// Nobody is left who could end it.
process.stdin.resume().on('close', () => process.exit(1))
const { exited } = await serve({ ...parseArguments(process.argv.slice(2), project), project }, signal)
process.stdout.write('Carrel is up again.\n')
process.exit(await exited)
