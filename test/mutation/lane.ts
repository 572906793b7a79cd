// A process of its own, so that what a mutant lets run for ever can be ended: Vitest, started once in a copy of the tree,
// which runs files of tests as often as it is told to.

import { resolve } from 'node:path'
import { createVitest, type TestModule } from 'vitest/node'

/** What is to be run, in this order; `changed`: what was written since the last time. */
export type Order = Readonly<{ files: readonly string[]; changed: readonly string[] }>

export type Ran = Readonly<{
  /** The first test that failed, and the file that could not even be loaded. */
  failed: string | undefined
  modules: readonly { file: string; ok: boolean; ms: number; reached: Record<string, number> }[]
}>

declare module 'vitest' {
  interface TaskMeta {
    /** How often each mark was passed. */
    reached?: Record<string, number>
  }
}

const [bail = '1'] = process.argv.slice(2)

/** Files run as they were ordered: those first that are the likeliest to fail. */
class AsOrdered {
  async sort<T>(files: T[]): Promise<T[]> {
    return files
  }
  async shard<T>(files: T[]): Promise<T[]> {
    return files
  }
}

const vitest = await createVitest('test', {
  watch: false,
  reporters: [{}],
  project: ['worker'],
  maxWorkers: 1,
  bail: Number(bail),
  silent: true,
  sequence: { sequencer: AsOrdered },
})
const [project] = vitest.projects
if (project === undefined) throw new Error('the worker project is gone')

function firstFailure(module: TestModule): string | undefined {
  if (module.state() !== 'failed') return undefined
  for (const test of module.children.allTests('failed')) return `${module.relativeModuleId}: ${test.fullName}`
  return `${module.relativeModuleId}: ${module.errors()[0]?.message ?? 'a hook'}`
}

async function run({ files, changed }: Order): Promise<Ran> {
  for (const file of changed) vitest.invalidateFile(resolve(file))
  vitest.state.filesMap.clear()
  const specifications = files.map((file) => project?.createSpecification(resolve(file)))
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(
    specifications.filter((specification) => specification !== undefined),
  )
  const modules = testModules.filter(({ relativeModuleId }) => files.includes(relativeModuleId))
  const failures = modules.map(firstFailure).filter((failure) => failure !== undefined)
  return {
    failed: failures[0] ?? (unhandledErrors.length > 0 ? 'an error that nothing caught' : undefined),
    modules: modules.map((module) => ({
      file: module.relativeModuleId,
      ok: module.ok(),
      ms: module.diagnostic().duration,
      reached: module.meta().reached ?? {},
    })),
  }
}

process.on('message', (order: Order) => {
  void run(order).then((ran) => process.send?.(ran))
})
process.send?.('ready')
