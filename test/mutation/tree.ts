import { appendFileSync, cpSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const COPIED = ['src', 'test', 'migrations', 'package.json', 'tsconfig.json', 'vitest.config.ts', 'wrangler.toml']

/** Put into what every file of tests begins with: which marks of the instrumented code it passes, told with its result. */
const WATCH = `
import { beforeEach } from 'vitest'
declare global {
  var __stryker__: { currentTestId?: string; mutantCoverage?: { perTest: Record<string, Record<string, number>> } }
}
beforeAll(() => {
  ;(globalThis.__stryker__ ??= {}).currentTestId = expect.getState().testPath
})
afterAll(() => {
  delete globalThis.__stryker__.currentTestId
})
beforeEach(({ task }) => () => {
  const { mutantCoverage } = globalThis.__stryker__
  task.file.meta.reached = { ...mutantCoverage?.perTest[expect.getState().testPath ?? ''] }
})
`

/** A copy of what tests run on, to be changed at will. */
export function copyOfTree() {
  const path = realpathSync(mkdtempSync(join(tmpdir(), 'carrel-mutation-')))
  for (const name of COPIED) cpSync(name, join(path, name), { recursive: true })
  symlinkSync(realpathSync('node_modules'), join(path, 'node_modules'))
  return {
    path,
    write: (file: string, text: string) => writeFileSync(join(path, file), text),
    remove: () => rmSync(path, { recursive: true }),
    watchReach: () => appendFileSync(join(path, 'test/support/setup.ts'), WATCH),
  }
}
