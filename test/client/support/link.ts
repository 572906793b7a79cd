import { connect, createServer, type Server, type Socket } from 'node:net'

// A bad link: what comes to it goes on to the service, less what the link does to it.

/** What happens to one connection, by the bytes that went up (to the service) and down on it. */
export type Fate = Readonly<{
  /** Cut when so many bytes have gone that way. */
  cutUpAt?: number
  cutDownAt?: number
  /** From there on nothing more goes through, and nobody is told. */
  stallUpAt?: number
  stallDownAt?: number
  /** How long what comes waits; connections that wait less overtake others. */
  upMilliseconds?: number
  downMilliseconds?: number
}>

/** Numbers from 0 to 1, the same for the same seed. */
export function numbersOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Way = Readonly<{ cutAt: number; stallAt: number; milliseconds: number }>

/** Passes on what comes from one side to the other; `cut` ends both. */
function pass(from: Socket, to: Socket, { cutAt, stallAt, milliseconds, cut }: Way & { cut: () => void }): void {
  let passed = 0
  const write = (chunk: Buffer) => {
    if (to.destroyed) return
    const end = Math.min(passed + chunk.length, cutAt, stallAt)
    const part = chunk.subarray(0, Math.max(0, end - passed))
    passed += chunk.length
    if (part.length > 0 && !to.write(part)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
    if (passed >= cutAt) cut()
  }
  const later = (work: () => void) => (milliseconds === 0 ? work() : void setTimeout(work, milliseconds))
  from.on('data', (chunk: Buffer) => later(() => write(chunk)))
  from.on('end', () => later(() => to.end()))
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The link has no port.')
  return address.port
}

/** Decides what happens to a connection, by how many there were before, and how many of them were cut. */
export type Fates = (connections: number, cuts: number) => Fate

/** A link to a service. */
export async function aLink(origin: string, fateOf: Fates = () => ({})) {
  const { hostname, port } = new URL(origin)
  const open = new Set<Socket>()
  const link = { connections: 0, cuts: 0, isDown: false }

  const server = createServer((near) => {
    const fate = fateOf(link.connections, link.cuts)
    link.connections += 1
    if (link.isDown) {
      near.resetAndDestroy()
      return
    }
    const far = connect(Number(port), hostname)
    let isCut = false
    const cut = () => {
      if (isCut) return
      isCut = true
      link.cuts += 1
      near.resetAndDestroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      open.add(socket)
      // What is cut on one side is cut on the other, and that it was is no news.
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    const { cutUpAt = Infinity, cutDownAt = Infinity, stallUpAt = Infinity, stallDownAt = Infinity } = fate
    pass(near, far, { cutAt: cutUpAt, stallAt: stallUpAt, milliseconds: fate.upMilliseconds ?? 0, cut })
    pass(far, near, { cutAt: cutDownAt, stallAt: stallDownAt, milliseconds: fate.downMilliseconds ?? 0, cut })
  })

  const url = `http://127.0.0.1:${await listening(server)}`
  return {
    origin: url,
    /** How many connections there were, and how many of them the link has cut. */
    told: link,
    /** Whoever is connected is cut off, and nobody gets through until it is up again. */
    down: () => {
      link.isDown = true
      for (const socket of open) socket.destroy()
    },
    up: () => {
      link.isDown = false
    },
    stop: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
