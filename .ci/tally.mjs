// Counts what `.ci/run` has left in a folder: steps, and tests as Vitest's JSON reporter has them. A test that runs
// twice, with small numbers and with large ones, is one test, and has failed if it failed once.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , folder] = process.argv
const verdicts = new Map()
const note = (name, passed) => verdicts.set(name, passed && verdicts.get(name) !== false)

for (const name of readdirSync(folder)) {
  const path = join(folder, name)
  if (name.endsWith('.step')) note(name, readFileSync(path, 'utf8') === 'passed')
  if (!name.endsWith('.json')) continue
  for (const { name: file, assertionResults } of JSON.parse(readFileSync(path, 'utf8')).testResults) {
    for (const [index, { fullName, status }] of assertionResults.entries()) {
      if (status === 'passed' || status === 'failed') note(`${file} ${index} ${fullName}`, status === 'passed')
    }
  }
}

const passed = [...verdicts.values()].filter(Boolean).length
process.stdout.write(`${passed} passed, ${verdicts.size - passed} failed\n`)
