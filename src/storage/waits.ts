import type { Queryable } from './database.ts'
import type { Bindings } from './stores.ts'

// What a request has waited for: told to who measures, where a setting says so.

type Store = 'd1' | 'r2' | 'kv'

/** Of each store, how often it was asked, and for how long in all; calls side by side are added up. */
export type Waits = Readonly<Record<Store, { calls: number; milliseconds: number }>>

export const newWaits = (): Waits => ({
  d1: { calls: 0, milliseconds: 0 },
  r2: { calls: 0, milliseconds: 0 },
  kv: { calls: 0, milliseconds: 0 },
})

/** Whatever of a binding answers with a promise is waited for; what makes something of it, as a statement is, is not. */
function timing<Binding extends object>(binding: Binding, wait: Waits[Store]): Binding {
  return new Proxy(binding, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        const begun = performance.now()
        const answer: unknown = value.apply(target, args)
        if (!(answer instanceof Promise)) return isHandle(answer) ? timing(answer, wait) : answer
        wait.calls += 1
        return answer.finally(() => {
          wait.milliseconds += performance.now() - begun
        })
      }
    },
  })
}

/** A multipart upload is had without asking, and asks by itself. */
const isHandle = (answer: unknown): answer is R2MultipartUpload =>
  typeof answer === 'object' && answer !== null && 'uploadPart' in answer

/** A database, with what it is waited for put down. */
export const timedDatabase = (database: Queryable, waits: Waits): Queryable => timing(database, waits.d1)

/** The bucket and the namespace, in the same way. */
export const timed = ({ BUCKET, TOKENS }: Pick<Bindings, 'BUCKET' | 'TOKENS'>, waits: Waits) => ({
  BUCKET: timing(BUCKET, waits.r2),
  TOKENS: timing(TOKENS, waits.kv),
})
