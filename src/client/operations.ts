import type { Routes } from './wire.ts'

/** What is to be known of an operation besides its name. */
type Traits = Readonly<{
  /** Takes an Idempotency-Key. */
  creates?: boolean
  /** May be repeated without one. */
  repeats?: boolean
  /** Answers with nothing, and then it is gone. */
  removes?: boolean
  /** Answers a page at a time. */
  pages?: boolean
  /** Is asked by something; lists are anyway. */
  asks?: boolean
  /** Sends a value, which may be anything but nothing. */
  value?: boolean
  /** Has nothing to send. */
  bodiless?: boolean
  /** The answer's ETag comes with it: among what it says, or beside a value that may be anything. */
  etag?: 'within' | 'beside'
  mediaType?: 'application/merge-patch+json'
}>
export type Named = Readonly<{ path: keyof Routes; method: string }> & Traits

const at =
  <const Method extends string>(method: Method) =>
  <
    const Path extends { [Key in keyof Routes]: Method extends keyof Routes[Key] ? Key : never }[keyof Routes],
    const Told extends Traits = object,
  >(
    path: Path,
    // What is left out is none of the traits.
    traits: Told = {} as Told,
  ) => ({ method, path, ...traits })

const get = at('$get')
const post = at('$post')
const put = at('$put')
const patch = at('$patch')
const remove = at('$delete')

const PAGES = { pages: true } as const
const CREATES = { creates: true } as const
const REPEATS = { repeats: true } as const
const GONE = { removes: true } as const
const WITHIN = { etag: 'within' } as const

const OF_STUDY = '/studies/:study'
const FILES = `${OF_STUDY}/files` as const
const FILE = `${FILES}/:file` as const
const PARTICIPANT = `${OF_STUDY}/participants/:participant` as const
const HANDLE = `${PARTICIPANT}/files/:handle` as const
const DOCUMENT = `${PARTICIPANT}/documents/:identifier` as const
const SCHEMAS = `${OF_STUDY}/document-schemas` as const
const CODES = `${PARTICIPANT}/enrolment-codes` as const
const REPORTS = `${PARTICIPANT}/reports` as const
const STUDY_REPORTS = `${OF_STUDY}/reports` as const
const UPLOAD = `${OF_STUDY}/uploads/:upload` as const
const LINKS = `${FILE}/download-tokens` as const
const KEYS = `${OF_STUDY}/keys` as const

/** Every operation of the native API, by what it is called here. */
export const OPERATIONS = {
  service: { health: get('/health') },
  studies: {
    create: post('/studies', CREATES),
    list: get('/studies', PAGES),
    get: get(OF_STUDY),
    update: patch(OF_STUDY),
    erase: remove(OF_STUDY),
    manifest: get(`${OF_STUDY}/manifest`, PAGES),
    /** A step of it: to be asked again until it says that it is over. */
    move: post(`${OF_STUDY}/move`),
  },
  participants: {
    enrol: post(`${OF_STUDY}/participants`, CREATES),
    list: get(`${OF_STUDY}/participants`, PAGES),
    get: get(PARTICIPANT),
    update: patch(PARTICIPANT),
    /** Everything of theirs goes; the answer is the receipt. */
    erase: remove(PARTICIPANT),
    export: get(`${PARTICIPANT}/export`, PAGES),
    audit: get(`${PARTICIPANT}/audit`, PAGES),
  },
  enrolment: {
    issue: post(CODES, CREATES),
    list: get(CODES, PAGES),
    revoke: remove(`${CODES}/:code`, GONE),
    /** A phone's first key, for a code: needs no key. */
    exchange: post('/enrolments', CREATES),
  },
  hosts: {
    list: get(`${OF_STUDY}/hosts`, PAGES),
    set: put(`${OF_STUDY}/hosts/:host`),
    remove: remove(`${OF_STUDY}/hosts/:host`, GONE),
  },
  members: {
    add: post(`${OF_STUDY}/members`, CREATES),
    list: get(`${OF_STUDY}/members`, PAGES),
    remove: remove(`${OF_STUDY}/members/:member`, GONE),
  },
  keys: {
    issue: post(KEYS, CREATES),
    list: get(KEYS, PAGES),
    get: get(`${KEYS}/:key`),
    revoke: remove(`${KEYS}/:key`),
    rotate: post(`${KEYS}/:key/rotate`, CREATES),
  },
  files: {
    /** Reserves a file; `upload` does this and all that follows. */
    begin: post(FILES, CREATES),
    list: get(FILES, PAGES),
    search: post(`${FILES}/search`, { repeats: true, pages: true }),
    get: get(FILE, WITHIN),
    update: patch(FILE, WITHIN),
    delete: remove(FILE, GONE),
    deleteMany: post(`${OF_STUDY}/files:delete`),
    versions: get(`${FILE}/versions`, PAGES),
    version: get(`${FILE}/versions/:version`),
  },
  handles: {
    begin: put(HANDLE),
    get: get(HANDLE, WITHIN),
    update: patch(HANDLE, WITHIN),
    delete: remove(HANDLE, GONE),
  },
  uploads: {
    get: get(UPLOAD),
    renewUrl: post(`${UPLOAD}/url`, { repeats: true, bodiless: true }),
    presignParts: post(`${UPLOAD}/parts`, REPEATS),
    reportParts: put(`${UPLOAD}/parts`),
    complete: post(`${UPLOAD}/complete`, { repeats: true, bodiless: true }),
    abandon: remove(UPLOAD, GONE),
  },
  links: {
    issue: post(LINKS, CREATES),
    list: get(LINKS, PAGES),
    revoke: remove(`${LINKS}/:token`, GONE),
  },
  grants: {
    list: get(`${FILE}/grants`, PAGES),
    grant: put(`${FILE}/grants/:principal`),
    revoke: remove(`${FILE}/grants/:principal`, GONE),
    apply: post(`${FILES}/grants:apply`, REPEATS),
    revokeAll: post(`${FILES}/grants:revoke`, REPEATS),
  },
  documents: {
    list: get(`${PARTICIPANT}/documents`, PAGES),
    get: get(DOCUMENT, { etag: 'beside' }),
    put: put(DOCUMENT, { value: true }),
    patch: patch(DOCUMENT, { value: true, mediaType: 'application/merge-patch+json' }),
    delete: remove(DOCUMENT, GONE),
  },
  documentSchemas: {
    list: get(SCHEMAS, PAGES),
    get: get(`${SCHEMAS}/:identifier`),
    put: put(`${SCHEMAS}/:identifier`),
    delete: remove(`${SCHEMAS}/:identifier`, GONE),
  },
  reports: {
    list: get(REPORTS, PAGES),
    get: get(`${REPORTS}/:identifier`),
    update: patch(`${REPORTS}/:identifier`),
    delete: remove(`${REPORTS}/:identifier`, GONE),
    entries: get(`${REPORTS}/:identifier/entries`, PAGES),
    add: post(`${REPORTS}/:identifier/entries`, CREATES),
    entry: get(`${REPORTS}/:identifier/entries/:at`),
    put: put(`${REPORTS}/:identifier/entries/:at`, { value: true }),
    deleteEntry: remove(`${REPORTS}/:identifier/entries/:at`, GONE),
    rollUp: get(`${REPORTS}/:identifier/rollup`, { asks: true }),
  },
  studyReports: {
    list: get(STUDY_REPORTS, PAGES),
    get: get(`${STUDY_REPORTS}/:identifier`),
    update: patch(`${STUDY_REPORTS}/:identifier`),
    delete: remove(`${STUDY_REPORTS}/:identifier`, GONE),
    entries: get(`${STUDY_REPORTS}/:identifier/entries`, PAGES),
    add: post(`${STUDY_REPORTS}/:identifier/entries`, CREATES),
    entry: get(`${STUDY_REPORTS}/:identifier/entries/:at`),
    put: put(`${STUDY_REPORTS}/:identifier/entries/:at`, { value: true }),
    deleteEntry: remove(`${STUDY_REPORTS}/:identifier/entries/:at`, GONE),
    rollUp: get(`${STUDY_REPORTS}/:identifier/rollup`, { asks: true }),
  },
  erasures: {
    list: get(`${OF_STUDY}/erasures`, PAGES),
    get: get(`${OF_STUDY}/erasures/:erasure`),
    replay: post('/erasures:replay', REPEATS),
  },
  audit: { list: get(`${OF_STUDY}/audit`, PAGES) },
} as const
