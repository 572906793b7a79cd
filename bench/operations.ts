import { fileIdOf } from '../src/adapters/kidsfirst/ids.ts'
import { type Call, ok } from './client.ts'
import { HAT_HOST } from './hosts.ts'
import { arrived, carrel, fileId, NEW_FILE, path, reference, STUDY, type World } from './world.ts'

// What is measured: each operation as Carrel's clients ask for it, and the same work of the bare Worker.

/** By how much a bare Worker that asks the same of storage may be exceeded. */
export type Kind = 'read' | 'write'
export const TARGETS: Readonly<Record<Kind, number>> = { read: 1.3, write: 1.5 }

/** The calls of time `i`: what the second of two asks follows from what the first was told. */
export type Asked = Readonly<{ first: Call; next?: (told: string) => Call }>
type Asking = (i: number) => Asked

export type Operation = Readonly<{
  name: string
  kind: Kind
  /** URLs that it signs, where that is the operation. */
  signs?: number
  /** Its calls, where there is more than one. */
  steps?: readonly string[]
  /** What has to be there before so many are measured; how each is then asked for, of either. */
  prepare: (world: World, times: number) => Promise<Readonly<{ carrel: Asking; reference: Asking }>>
}>

/** Of Bob's own files, another each time. */
const ownFile = ({ files }: World, i: number) => fileId(101 + ((i * 100) % (files - 200)))
const JSON_1_KB = JSON.stringify({ note: 'x'.repeat(1_000) })
const steps = (i: number) => new Date(Date.UTC(2026, 0) + i * 60_000).toISOString()

/** A number that no earlier run of this process has used. */
let used = 0
const fresh = (times: number) => (used += times) - times

const simply =
  (calls: (world: World, i: number) => { carrel: Call; reference: Call }): Operation['prepare'] =>
  async (world, times) => {
    const from = fresh(times)
    return {
      carrel: (i) => ({ first: calls(world, from + i).carrel }),
      reference: (i) => ({ first: calls(world, from + i).reference }),
    }
  }

const begin: Operation = {
  name: 'begin an upload',
  kind: 'write',
  prepare: simply(({ ada }) => ({
    carrel: carrel(ada.key, { method: 'POST', path: `${path}/files`, body: NEW_FILE }),
    reference: reference({ method: 'POST', path: '/files', body: { ...NEW_FILE, owner: ada.id } }),
  })),
}

const complete: Operation = {
  name: 'complete it',
  kind: 'write',
  prepare: async ({ send, ada }, times) => {
    const uploads = await Promise.all(Array.from({ length: times }, async () => arrived(send, ada.key)))
    return {
      carrel: (i) => ({ first: carrel(ada.key, { method: 'POST', path: `${path}/uploads/${uploads[i]}/complete` }) }),
      reference: (i) => ({ first: reference({ method: 'POST', path: `/uploads/${uploads[i]}/complete` }) }),
    }
  },
}

const get: Operation = {
  name: "get a file's metadata",
  kind: 'read',
  prepare: simply((world, i) => ({
    carrel: carrel(world.bob.key, { method: 'GET', path: `${path}/files/${ownFile(world, i)}` }),
    reference: reference({ method: 'GET', path: `/files/${ownFile(world, i)}` }),
  })),
}

const list: Operation = {
  name: 'list 100',
  kind: 'read',
  prepare: simply(({ worker }) => ({
    carrel: carrel(worker, { method: 'GET', path: `${path}/files?limit=100` }),
    reference: reference({ method: 'GET', path: '/files' }),
  })),
}

const search: Operation = {
  name: 'search',
  kind: 'read',
  prepare: simply(({ worker, files }, i) => {
    const q = String(1_000 + ((i * 37) % (files - 1_000)))
    return {
      carrel: carrel(worker, { method: 'GET', path: `${path}/files?limit=100&q=${q}` }),
      reference: reference({ method: 'GET', path: `/search?q=${q}` }),
    }
  }),
}

const urlIn = (told: string) => new URL((JSON.parse(told) as { url: string }).url).pathname // as either answers
const link: Operation = {
  name: 'issue a link and claim it',
  kind: 'write',
  steps: ['issue a link', 'claim it'],
  prepare: async (world, times) => {
    const from = fresh(times)
    const of = (i: number) => `/files/${ownFile(world, from + i)}/download-tokens`
    const { key } = world.bob
    return {
      carrel: (i) => ({
        first: carrel(key, { method: 'POST', path: path + of(i), body: {} }),
        next: (told) => ({ ...carrel(key, { method: 'GET', path: urlIn(told) }), headers: {} }),
      }),
      reference: (i) => ({
        first: reference({ method: 'POST', path: of(i) }),
        next: (told) => reference({ method: 'GET', path: urlIn(told) }),
      }),
    }
  },
}

const documentCalls = (method: 'PUT' | 'GET') =>
  simply(({ ada }, i) => {
    const name = `/documents/note-${i % 200}`
    const sent = method === 'PUT' ? { body: JSON_1_KB } : {}
    return {
      carrel: carrel(ada.key, { method, path: `${path}/participants/me${name}`, ...sent }),
      reference: reference({ method, path: `/participants/${ada.id}${name}`, ...sent }),
    }
  })
const putDocument: Operation = { name: 'put a 1 KB document', kind: 'write', prepare: documentCalls('PUT') }
const getDocument: Operation = {
  name: 'get a 1 KB document',
  kind: 'read',
  prepare: async (world, times) => {
    const { send, ada } = world
    for (let i = 0; i < 200; i += 1) {
      const to = `${path}/participants/me/documents/note-${i}`
      await ok(send(carrel(ada.key, { method: 'PUT', path: to, body: JSON_1_KB })))
    }
    return documentCalls('GET')(world, times)
  },
}

const addEntry: Operation = {
  name: 'add an entry',
  kind: 'write',
  prepare: simply(({ ada }, i) => ({
    carrel: carrel(ada.key, {
      method: 'POST',
      path: `${path}/participants/me/reports/steps/entries`,
      body: { entries: [{ at: steps(i), data: { steps: i } }] },
    }),
    reference: reference({
      method: 'POST',
      path: `/participants/${ada.id}/reports/steps/entries`,
      body: { at: steps(i), data: { steps: i } },
    }),
  })),
}

const presign: Operation = {
  name: 'presign 100 parts',
  kind: 'read',
  signs: 100,
  prepare: async ({ send, ada }) => {
    const body = { ...NEW_FILE, size: 1024 ** 3, upload: 'multipart' }
    const { upload } = await ok<{ upload: { id: string } }>(
      send(carrel(ada.key, { method: 'POST', path: `${path}/files`, body })),
    )
    const asked = { parts: Array.from({ length: 100 }, (_, i) => ({ number: i + 1 })) }
    const at = `/uploads/${upload.id}/parts`
    return {
      carrel: () => ({ first: carrel(ada.key, { method: 'POST', path: path + at, body: asked }) }),
      reference: () => ({ first: reference({ method: 'POST', path: at, body: asked }) }),
    }
  },
}

const NATIVE = [begin, complete, get, list, search, link, putDocument, getDocument, addEntry, presign]

const FOREIGN: readonly Operation[] = [
  {
    name: 'Bridge: begin a file',
    kind: 'write',
    prepare: simply(({ ada }, i) => ({
      carrel: {
        ...carrel(ada.key, {
          method: 'POST',
          path: `/v3/participants/self/files/walk-${i}`,
          body: { mimeType: 'text/csv' },
        }),
        headers: { 'Bridge-Session': ada.key },
      },
      reference: reference({ method: 'POST', path: '/files', body: { ...NEW_FILE, owner: ada.id } }),
    })),
  },
  {
    name: "MyDataHelps: list a participant's files",
    kind: 'read',
    prepare: simply(({ worker, bob }) => ({
      carrel: carrel(worker, {
        method: 'GET',
        path: `/api/v1/administration/projects/${STUDY}/files?participantID=${bob.id}`,
      }),
      reference: reference({ method: 'GET', path: `/participants/${bob.id}/files` }),
    })),
  },
  {
    name: 'Open Humans: exchange a member',
    kind: 'read',
    prepare: simply(({ bob }) => ({
      carrel: carrel(bob.key, { method: 'GET', path: '/api/direct-sharing/project/exchange-member/' }),
      reference: reference({ method: 'GET', path: `/members/${bob.number}` }),
    })),
  },
  {
    name: 'Kids First: download a file',
    kind: 'read',
    prepare: simply(({ worker, download }) => ({
      carrel: carrel(worker, { method: 'GET', path: `/download/study/${STUDY}/file/${fileIdOf(download.file)}` }),
      reference: reference({ method: 'GET', path: `/download/${download.file}` }),
    })),
  },
  {
    name: 'HAT: get a file',
    kind: 'read',
    prepare: simply((world, i) => ({
      carrel: {
        method: 'GET',
        host: HAT_HOST,
        path: `/api/v2.6/files/file/${ownFile(world, i)}`,
        headers: { 'X-Auth-Token': world.bob.key },
      },
      reference: reference({ method: 'GET', path: `/files/${ownFile(world, i)}` }),
    })),
  },
]

export const OPERATIONS: readonly Operation[] = [...NATIVE, ...FOREIGN]
