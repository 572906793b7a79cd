// What the service takes and answers, taken from the types of its own routes: the only file here that knows the house,
// and it knows types alone. What is built for other people's projects has the same written out.

import type { Hono } from 'hono'
import type { apiKeys } from '../http/api-keys.ts'
import type { audit } from '../http/audit.ts'
import type { content } from '../http/content.ts'
import type { documentSchemas } from '../http/document-schemas.ts'
import type { documents } from '../http/documents.ts'
import type { downloadTokens } from '../http/download-tokens.ts'
import type { enrolmentCodes } from '../http/enrolment-codes.ts'
import type { erasures } from '../http/erasures.ts'
import type { exports } from '../http/exports.ts'
import type { file } from '../http/file.ts'
import type { files } from '../http/files.ts'
import type { grantTemplates } from '../http/grant-templates.ts'
import type { grants } from '../http/grants.ts'
import type { health } from '../http/health.ts'
import type { hosts } from '../http/hosts.ts'
import type { manifests } from '../http/manifests.ts'
import type { members } from '../http/members.ts'
import type { moves } from '../http/moves.ts'
import type { participants } from '../http/participants.ts'
import type { STATUS } from '../http/problem.ts'
import type { removals } from '../http/removals.ts'
import type { participantReports, studyReports } from '../http/reports.ts'
import type { search } from '../http/search.ts'
import type { studies } from '../http/studies.ts'
import type { uploads } from '../http/uploads.ts'
import type { versions } from '../http/versions.ts'

/** The codes of the service's problems. */
export type ProblemCode = keyof typeof STATUS

type RoutesOf<Router> = Router extends Hono<infer _Env, infer Schema, infer _Base> ? Schema : never
type House = RoutesOf<typeof apiKeys> &
  RoutesOf<typeof audit> &
  RoutesOf<typeof content> &
  RoutesOf<typeof documentSchemas> &
  RoutesOf<typeof documents> &
  RoutesOf<typeof downloadTokens> &
  RoutesOf<typeof enrolmentCodes> &
  RoutesOf<typeof erasures> &
  RoutesOf<typeof exports> &
  RoutesOf<typeof file> &
  RoutesOf<typeof files> &
  RoutesOf<typeof grantTemplates> &
  RoutesOf<typeof grants> &
  RoutesOf<typeof health> &
  RoutesOf<typeof hosts> &
  RoutesOf<typeof manifests> &
  RoutesOf<typeof members> &
  RoutesOf<typeof moves> &
  RoutesOf<typeof participants> &
  RoutesOf<typeof participantReports> &
  RoutesOf<typeof removals> &
  RoutesOf<typeof search> &
  RoutesOf<typeof studies> &
  RoutesOf<typeof studyReports> &
  RoutesOf<typeof uploads> &
  RoutesOf<typeof versions>

type Plain = string | number | boolean | null | undefined
/** Any JSON, as the service's types say it of values that it only keeps. */
type AnyJson<Value> = [Plain] extends [Value | undefined]
  ? true
  : [object, keyof Value] extends [Value, never]
    ? true
    : false
/** Without what only types say, such as whose id a text is: what JSON has. */
type Wired<Value> =
  AnyJson<Value> extends true
    ? unknown
    : Value extends Plain
      ? Value
      : Value extends readonly (infer Item)[]
        ? Wired<Item>[]
        : Value extends infer Known
          ? string extends keyof Known
            ? Record<string, Known[keyof Known] extends Plain ? Known[keyof Known] : unknown>
            : { [Key in keyof Known]: Wired<Known[Key]> }
          : never

type Part<Value, Name extends string> = Value extends Record<Name, infer Found> ? Found : unknown
/** Answers that say something: a 304 says that nothing is new, and a 204 nothing at all. */
type Told<Asked> = Asked extends { output: infer Output; status: 200 | 201 | 202 } ? Wired<Output> : never
type Answer<Asked> = [Told<Asked>] extends [never] ? void : Told<Asked>
type Numbered<Query> = {
  [Key in keyof Query]: Key extends 'limit' ? number : Key extends 'tag' ? string[] : Query[Key]
}

type OneOf<Asked> = Asked extends { input: infer Input } ? Input : never

/** What an operation takes, and what it answers; `unknown` is what it does not take. */
type Operation<Asked, Input = OneOf<Asked>> = {
  names: Wired<Part<Input, 'param'>>
  query: Wired<Numbered<Part<Input, 'query'>>>
  /** In an object, for a body may be anything. */
  body: Input extends { json: infer Body } ? { json: Wired<Body> } : unknown
  answer: Answer<Asked>
}

/** Every operation of the native API, by its path and its method. */
export type Routes = { [Path in keyof House]: { [Method in keyof House[Path]]: Operation<House[Path][Method]> } }
