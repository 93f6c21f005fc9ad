// A gate before a server on 127.0.0.1: shut, it breaks what goes through and lets nobody in, as a server does that restarts.

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export type Gate = {
  /** The same address by way of the gate. */
  readonly through: (url: string) => string
  readonly shut: () => void
  readonly open: () => void
  readonly close: () => Promise<void>
}

export async function openGate(serverUrl: string): Promise<Gate> {
  const { hostname, port } = new URL(serverUrl)
  const passing = new Set<Socket>()
  let isShut = false
  const server = createServer((inside) => {
    if (isShut) {
      inside.destroy()
      return
    }
    const outside = connect({ host: hostname, port: Number(port) })
    for (const [one, other] of [[inside, outside], [outside, inside]] as const) {
      passing.add(one)
      one.setNoDelay(true)
      one.on('error', () => {})
      one.on('close', () => {
        passing.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = String((server.address() as AddressInfo).port)
  const breakAll = (): void => {
    for (const socket of passing) socket.destroy()
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
    close: async () => {
      breakAll()
      server.close()
      await once(server, 'close')
    },
  }
}
