// A gate before a server on 127.0.0.1: shut, it breaks what goes through and lets nobody in, as a server does that restarts. It reads the
// messages of PostgreSQL's protocol that pass, and can tear any one of them in two.

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export type Side = 'client' | 'server'

export type Gate = {
  /** The same address by way of the gate. */
  readonly through: (url: string) => string
  readonly shut: () => void
  readonly open: () => void
  /** New connections go to another server from now on. */
  readonly aim: (url: string) => void
  /** Counts messages from here on. Of the one at `place` (from 0) half passes, and its connection ends; null: none is torn. */
  readonly tear: (torn: { readonly from: Side; readonly place: number } | null) => void
  readonly passed: () => Readonly<Record<Side, number>>
  readonly close: () => Promise<void>
}

type Passing = { torn: { readonly from: Side; readonly place: number } | null; passed: Record<Side, number> }

export async function openGate(serverUrl: string): Promise<Gate> {
  let target = new URL(serverUrl)
  const sockets = new Set<Socket>()
  const passing: Passing = { torn: null, passed: { client: 0, server: 0 } }
  let isShut = false
  const server = createServer((inside) => {
    if (isShut) {
      inside.destroy()
      return
    }
    const outside = connect({ host: target.hostname, port: Number(target.port) })
    for (const [from, one, other] of [['client', inside, outside], ['server', outside, inside]] as const) {
      sockets.add(one)
      one.setNoDelay(true)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      pass(passing, { from, one, other })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = String((server.address() as AddressInfo).port)
  const breakAll = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    through: (url) => Object.assign(new URL(url), { port: own }).href,
    shut: () => {
      isShut = true
      breakAll()
    },
    open: () => {
      isShut = false
    },
    aim: (url) => {
      target = new URL(url)
    },
    tear: (torn) => Object.assign(passing, { torn, passed: { client: 0, server: 0 } }),
    passed: () => passing.passed,
    close: async () => {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}

function pass(passing: Passing, { from, one, other }: { readonly from: Side; readonly one: Socket; readonly other: Socket }): void {
  const messages = reader(from)
  one.on('data', (bytes: Buffer) => {
    for (const message of messages(bytes)) {
      const { torn, passed } = passing
      const place = passed[from]++
      if (torn?.from !== from || torn.place !== place) {
        other.write(message)
        continue
      }
      passing.torn = null
      // What was sent before it arrives.
      other.end(message.subarray(0, message.length / 2))
      one.destroy()
      return
    }
  })
}

const LENGTH_BYTES = 4

/** Whole messages out of bytes as they come. Each has a type and a length that counts itself; a client's first one has no type. */
function reader(from: Side): (bytes: Buffer) => readonly Buffer[] {
  let rest: Buffer = Buffer.alloc(0)
  let before = from === 'client' ? 0 : 1
  return (bytes) => {
    rest = Buffer.concat([rest, bytes])
    const found: Buffer[] = []
    while (rest.length >= before + LENGTH_BYTES) {
      const size = before + rest.readUInt32BE(before)
      if (rest.length < size) break
      found.push(rest.subarray(0, size))
      rest = rest.subarray(size)
      before = 1
    }
    return found
  }
}
