import { env } from 'cloudflare:workers'

// The bindings of the Worker that is tested. Where everything is tested with the studies in a second database, the pool's
// own is that one: what tests look into and put faults around is where the studies are, and the first has the directory.

export type Other = { [Name in keyof Env]?: Env[Name] extends string ? string : Env[Name] }

/** The pool's, some of them replaced. */
export const boundWith = (other: Other): Env =>
  ({ ...env, ...other, ...(env.SPLIT && { DB: env.SPARE_1, DB_1: other.DB ?? env.DB }) }) as Env // by their names

/** With nothing replaced it is one object, by which an isolate remembers what it has seen. */
export const bound: Env = env.SPLIT ? boundWith({}) : env
