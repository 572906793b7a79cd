import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { readProblem } from './api.ts'
import { StartFailure } from './failure.ts'

const START_SECONDS = 60
const POLL_MS = 100

/** Wrangler notices late and says it at length. */
export async function requireFreePort(port: number) {
  const probe = createServer()
  const free = await new Promise<boolean>((settle) => {
    probe.once('error', () => settle(false))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => settle(true))
  })
  if (!free) {
    throw new StartFailure(
      `Port ${port} of 127.0.0.1 is taken, or not yours to use.\n` +
        `Stop what listens there, or choose another: npm start -- --port ${port === 65_535 ? 8787 : port + 1}`,
    )
  }
  await new Promise((closed) => probe.close(closed))
}

export async function waitForHealth(url: string, signal: AbortSignal) {
  const deadline = Date.now() + START_SECONDS * 1000
  let last = 'nothing'
  while (Date.now() < deadline) {
    try {
      const answer = await fetch(`${url}/health`, { signal: AbortSignal.any([signal, AbortSignal.timeout(5000)]) })
      if (answer.ok) return
      last = await refusal(answer)
    } catch (error) {
      // Nothing listens yet, or it listens and is not ready to answer.
      if (signal.aborted || error instanceof StartFailure) throw error
      last = String(error)
    }
    await sleep(POLL_MS, undefined, { signal })
  }
  throw new StartFailure(`Carrel was not up after ${START_SECONDS} s. The last answer of ${url}/health: ${last}`)
}

async function refusal(answer: Response) {
  const text = await answer.text()
  const problem = readProblem(text)
  // Waiting does not cure a setting.
  if (problem?.code === 'misconfigured') throw new StartFailure(problem.detail)
  return `${answer.status} ${problem?.detail ?? text.slice(0, 200)}`
}
