import type { SavedUpload } from '../../client/index.ts'

// What is known of uploads that are not finished, in this browser, for whoever signs in with the same key again. Bytes
// are not kept: a browser gives a page a file for as long as the page lives, and a copy of it may not fit.

/** What is said of a file when it begins. */
export type UploadSaying = Readonly<{
  /** Whose it is to be; null: the study's own, undefined: one's own. */
  participant?: string | null | undefined
  visibility?: 'private' | 'study' | 'public' | undefined
  category?: string
  tags?: string[]
  /** The handle of a file of theirs, which gets another version. */
  handle?: string
}>

export type KeptUpload = Readonly<{
  owner: string
  id: string
  name: string
  size: number
  mediaType: string
  lastModified: number
  addedAt: number
  saying: UploadSaying
  /** Undefined until it has begun. */
  saved: SavedUpload | undefined
  /** How many bytes have arrived. */
  arrived: number
}>

const DATABASE = 'carrel-console'
const STORE = 'uploads'

const settled = async <Value>(request: IDBRequest<Value>): Promise<Value> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('The browser keeps nothing.')))
  })

async function open(): Promise<IDBDatabase> {
  const request = indexedDB.open(DATABASE, 1)
  request.addEventListener('upgradeneeded', () => {
    request.result.createObjectStore(STORE, { keyPath: ['owner', 'id'] })
  })
  return settled(request)
}

async function within<Value>(mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<Value>) {
  const database = await open()
  try {
    return await settled(work(database.transaction(STORE, mode).objectStore(STORE)))
  } finally {
    database.close()
  }
}

export const keep = async (upload: KeptUpload): Promise<unknown> => within('readwrite', (store) => store.put(upload))

export const forget = async ({ owner, id }: Pick<KeptUpload, 'owner' | 'id'>): Promise<unknown> =>
  within('readwrite', (store) => store.delete([owner, id]))

const lockOf = (id: string): string => `carrel-upload-${id}`
const heldHere = new Set<string>()

/** For as long as this page lives, no other tab takes this upload for one that nobody sends. */
export function hold({ id }: Pick<KeptUpload, 'id'>): void {
  if (heldHere.has(id)) return
  heldHere.add(id)
  void navigator.locks.request(lockOf(id), async () => new Promise<void>(() => undefined))
}

async function heldElsewhere(): Promise<ReadonlySet<string | undefined>> {
  const { held = [] } = await navigator.locks.query()
  const here = new Set([...heldHere].map(lockOf))
  return new Set(held.map(({ name }) => name).filter((name) => name !== undefined && !here.has(name)))
}

/** Those of an owner that no other tab has. */
export async function keptOf(owner: string): Promise<KeptUpload[]> {
  const range = IDBKeyRange.bound([owner], [owner, []])
  // Nothing else is put there.
  const found = (await within('readonly', (store) => store.getAll(range))) as KeptUpload[]
  const elsewhere = await heldElsewhere()
  return found.filter(({ id }) => !elsewhere.has(lockOf(id))).toSorted((one, other) => one.addedAt - other.addedAt)
}
