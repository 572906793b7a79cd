import { setTimeout as sleep } from 'node:timers/promises'

const EVERY_MS = 60_000
const PATIENCE_MS = 55_000
/** The one in wrangler.toml. */
const EXPRESSION = '* * * * *'

/** `wrangler dev` never runs a cron trigger by itself. */
export async function triggerCronEachMinute(url: string, report: (line: string) => void, signal: AbortSignal) {
  while (!signal.aborted) {
    try {
      await sleep(EVERY_MS, undefined, { signal })
      await triggerCron(url, AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]))
    } catch (error) {
      if (!signal.aborted) report(`The cron trigger failed: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}

export async function triggerCron(url: string, signal: AbortSignal) {
  const answer = await fetch(`${url}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(EXPRESSION)}`, { signal })
  const [outcome = ''] = (await answer.text()).split('\n')
  if (!answer.ok) throw new Error(`it was answered ${answer.status} ${outcome.slice(0, 200)}`)
}
