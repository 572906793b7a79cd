// `carrel/client`: for browsers, Node and React Native. It has no dependencies but the platform's own fetch,
// AbortController and, for the bodies of downloads, streams.

import { type Api, apiOf } from './bind.ts'
import type { BookmarkShelf } from './bookmarks.ts'
import { Calls, type CarrelOptions } from './calls.ts'
import { type Download, download, type DownloadOptions, openLink } from './downloads.ts'
import type { Bytes } from './sources.ts'
import { type File, uploadBytes, type UploadOptions } from './uploads.ts'

export type { CallOptions } from './bind.ts'
export type { Bookmarks } from './bookmarks.ts'
export type { CarrelOptions, Fetch, Key } from './calls.ts'
export type { Download, DownloadOptions, DownloadProgress } from './downloads.ts'
export { CarrelError, type CarrelErrorCode, type FieldError } from './errors.ts'
export type { List, Page } from './pages.ts'
export type { RetryOptions } from './retry.ts'
export type { Bytes, Source } from './sources.ts'
export type { File, SavedUpload, UploadOptions, UploadProgress } from './uploads.ts'
export type { ProblemCode, Routes } from './wire.ts'

export type Carrel = Omit<Api, 'files' | 'links'> &
  Readonly<{
    files: Api['files'] &
      Readonly<{
        /** Begins a file, sends its bytes however the link is, and completes it. */
        upload: (bytes: Bytes, options?: UploadOptions) => Promise<File>
        /** A file's content; a connection that is cut goes on where it was. */
        download: (file: string, options?: DownloadOptions) => Promise<Download>
      }>
    links: Api['links'] &
      Readonly<{
        /** Uses a link up, as whoever has it. */
        open: (url: string, options?: Pick<DownloadOptions, 'onProgress' | 'signal'>) => Promise<Download>
      }>
    bookmarks: BookmarkShelf
    /** The same caller in another study. */
    inStudy: (study: string) => Carrel
    /** Any path of the service as the caller, once: for what is not JSON, such as tables. */
    request: (path: string, init?: RequestInit) => Promise<Response>
  }>

/** A client of one service, as one caller, in one study. */
export const createCarrel = (options: CarrelOptions): Carrel => carrelIn(new Calls(options), options.study)

function carrelIn(calls: Calls, study: string | undefined): Carrel {
  const api = apiOf(calls, { study, patience: 'call' })
  const ways = {
    calls,
    study,
    api: apiOf(calls, { study, patience: 'transfer' }),
    once: apiOf(calls, { study, patience: 'none' }),
  }
  return {
    ...api,
    files: {
      ...api.files,
      upload: async (bytes, options = {}) => uploadBytes(ways, bytes, options),
      download: async (file, options = {}) => download(ways, file, options),
    },
    links: { ...api.links, open: async (url, options = {}) => openLink(ways, url, options) },
    bookmarks: calls.bookmarks,
    inStudy: (other) => carrelIn(calls, other),
    request: async (path, init = {}) => {
      const headers = Object.fromEntries(new Headers(init.headers))
      return calls.request(
        { method: init.method ?? 'GET', path, headers, study, repeatable: false, patience: 'none' },
        init,
      )
    },
  }
}
