import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { performance } from 'node:perf_hooks'

// What all of this process ask over HTTP, as Node itself tells of it: no client can forget to be counted.

type Asked = Readonly<{ method: string; path: string }>
type Told = Readonly<{ request: Asked; response?: { statusCode: number }; error?: Error }>
type UnderWay = Readonly<{ kind: string; since: number }>

/** A request without what is somebody's: its method, its path without ids, what its query asks by. */
function kindOf({ method, path }: Asked): string {
  const { pathname, searchParams } = new URL(path, 'http://127.0.0.1')
  const route = pathname
    .split('/')
    .map((each) => (/\d/.test(each) && !/^(?:v\d(?:\.\d)?|r2|s3)$/.test(each) ? '…' : each))
    .join('/')
  const names = [...new Set(searchParams.keys())].filter((name) => !/^X-Amz|^response-|^Expires$|^cursor$/.test(name))
  return `${method} ${route}${names.length === 0 ? '' : `?${names.toSorted().join('&')}`}`
}

/** Counts every request from now on. */
export function watchTraffic() {
  const milliseconds = new Map<string, number[]>()
  const underWay = new WeakMap<Asked, UnderWay>()
  const refusals: string[] = []
  const [begun, statuses] = [performance.now(), new Map<number, number>()]
  let ended: number | undefined

  const channels = {
    'undici:request:create': ({ request }: Told) => {
      underWay.set(request, { kind: kindOf(request), since: performance.now() })
    },
    'undici:request:headers': ({ request, response }: Told) => {
      const status = response?.statusCode ?? 0
      statuses.set(status, (statuses.get(status) ?? 0) + 1)
      if (status >= 500) refusals.push(`${status} ${underWay.get(request)?.kind}`)
    },
    'undici:request:trailers': ({ request }: Told) => {
      const asked = underWay.get(request)
      if (asked === undefined) return
      const took = performance.now() - asked.since
      const others = milliseconds.get(asked.kind)
      if (others === undefined) milliseconds.set(asked.kind, [took])
      else others.push(took)
    },
    'undici:request:error': ({ request, error }: Told) => {
      refusals.push(`${error?.message} ${underWay.get(request)?.kind}`)
    },
  }
  const listeners = Object.entries(channels).map(([channel, take]) => {
    const listen = (message: unknown) => take(message as Told) // as undici documents its channels
    subscribe(channel, listen)
    return () => unsubscribe(channel, listen)
  })

  return {
    /** Of those that failed, or were answered 5xx: what was said, and what was asked. */
    refusals,
    stop: () => {
      for (const leave of listeners) leave()
      ended ??= performance.now()
    },
    /** A line for all, and one for each kind, the most frequent first. */
    table: () => {
      const seconds = ((ended ?? performance.now()) - begun) / 1_000
      const all = [...milliseconds.values()].flat()
      const kinds = [...milliseconds].toSorted(([, one], [, other]) => other.length - one.length)
      const answers = [...statuses].toSorted(([one], [other]) => one - other).map(([status, of]) => `${of} × ${status}`)
      return [
        `${answers.join(', ')}; by kind: requests, per second, p50 and p99 in ms`,
        lineOf(`all, in ${seconds.toFixed(0)} s`, all, seconds),
        ...kinds.map(([kind, of]) => lineOf(kind, of, seconds)),
      ].join('\n')
    },
  }
}

function lineOf(kind: string, milliseconds: readonly number[], seconds: number): string {
  const sorted = milliseconds.toSorted((one, other) => one - other)
  const at = (part: number) => (sorted[Math.floor(sorted.length * part)] ?? 0).toFixed(0)
  const figures = [sorted.length, (sorted.length / seconds).toFixed(1), at(0.5), at(0.99)]
  return `${figures.map((each) => String(each).padStart(7)).join(' ')}  ${kind}`
}
