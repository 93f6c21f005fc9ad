// The sandboxes that a server runs: real processes, started once, again when they die, and gone when the server is.

import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { machine, until } from '../../test/effects.ts'
import type { Effects } from '../core/effects.ts'
import { networksOf, runNetworks, type RunningNetworks } from './networks.ts'

const RAIL = 'solana'

let directory = ''
const opened: RunningNetworks[] = []
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'apportion-networks-'))
})
afterEach(async () => {
  for (const networks of opened.splice(0)) await networks.stop()
  rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
})

function open(effects: Partial<Effects> = {}): RunningNetworks {
  const networks = runNetworks({ ...machine, ...effects }, directory)
  opened.push(networks)
  return networks
}

/** The processes that serve this folder. */
function serving(): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^[0-9]+$/.test(entry))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(directory) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
      } catch {
        return false
      }
    })
    .map(Number)
}

async function genesis(networks: RunningNetworks): Promise<string> {
  return (await networks.connect(RAIL, null).identify()).network
}

describe('two sandboxes', () => {
  it('of two data folders are two networks, each the same one after a stop', async () => {
    const [first, second] = [open(), runNetworks(machine, join(directory, 'second'))]
    opened.push(second)
    await Promise.all([first.startSandbox(RAIL), second.startSandbox(RAIL)])
    const names = await Promise.all([genesis(first), genesis(second)])
    expect(new Set(names).size).toBe(2)
    await first.stop()
    const again = open()
    await again.startSandbox(RAIL)
    expect(await genesis(again)).toBe(names[0])
  })
})

describe.runIf(process.platform === 'linux')('a sandbox', () => {
  it('that is killed is started again on its old port, with its books, and whoever is connected goes on', async () => {
    const logged: string[] = []
    const networks = open({ log: (level, message) => void logged.push(`${level} ${message}`) })
    const url = await networks.startSandbox(RAIL)
    const rail = networks.connect(RAIL, null)
    const before = await genesis(networks)
    const [pid = 0, ...others] = serving()
    expect(others).toEqual([])
    process.kill(pid, 'SIGKILL')
    await until('another process', () => serving().find((found) => found !== pid))
    expect(await until('an answer', async () => await genesis(networks).catch(() => undefined))).toBe(before)
    expect([networks.sandboxUrl(RAIL), networks.connect(RAIL, null)]).toEqual([url, rail])
    expect(logged).toEqual(['warn the sandbox network ended by itself and is started again'])
  })

  it('is one, however many ask for it at once', async () => {
    const networks = open()
    const urls = await Promise.all([1, 2, 3].map(async () => await networks.startSandbox(RAIL)))
    expect(new Set(urls).size).toBe(1)
    expect(serving()).toHaveLength(1)
  })

  it('is gone when the server has stopped, also one that was just being started again', async () => {
    const networks = open({ sleep: async () => await Promise.resolve() })
    await networks.startSandbox(RAIL)
    const [pid = 0] = serving()
    process.kill(pid, 'SIGKILL')
    await until('the next process', () => serving().find((found) => found !== pid))
    await networks.stop()
    expect(serving()).toEqual([])
  })

  it('is not started any more by a server that stops', async () => {
    const { promise: rested, resolve: wake } = Promise.withResolvers<void>()
    let resting = false
    const sleep = async (): Promise<void> => {
      resting = true
      await rested
    }
    const networks = open({ sleep })
    await networks.startSandbox(RAIL)
    const [pid = 0] = serving()
    process.kill(pid, 'SIGKILL')
    await until('the server to notice', () => (resting ? true : undefined))
    const stopping = networks.stop()
    wake()
    await stopping
    expect(serving()).toEqual([])
    await expect(networks.startSandbox(RAIL)).rejects.toMatchObject({ code: 'rail_unavailable' })
    expect(serving()).toEqual([])
  })

  it('moves to another port when somebody else has taken its old one, and commands find it there', async () => {
    const first = open()
    const old = await first.startSandbox(RAIL)
    await first.stop()
    const taker = createServer()
    taker.listen(Number(new URL(old).port), '127.0.0.1')
    await once(taker, 'listening')
    try {
      const url = await open().startSandbox(RAIL)
      expect(new URL(url).port).not.toBe(String((taker.address() as AddressInfo).port))
      const commands = networksOf(machine, directory)
      expect(commands.sandboxUrl(RAIL)).toBe(url)
      expect((await commands.connect(RAIL, null).identify()).network).not.toBe('')
    } finally {
      taker.close()
      await once(taker, 'close')
    }
  })
})

describe('a network', () => {
  it('of a rail that there is not is refused', async () => {
    const networks = open()
    await expect(networks.startSandbox('pigeon')).rejects.toMatchObject({ code: 'rail_not_found' })
    expect(() => networks.connect('pigeon', 'http://127.0.0.1:1')).toThrow(/there is no rail pigeon/)
  })

  it('of a sandbox that does not run is refused with what to do', () => {
    expect(() => networksOf(machine, directory).connect(RAIL, null)).toThrow(/does not run: `npm start` starts it/)
  })

  it('by its address is connected once', () => {
    const networks = open()
    const [one, other, again] = ['http://127.0.0.1:1', 'http://127.0.0.1:2', 'http://127.0.0.1:1'].map((url) => networks.connect(RAIL, url))
    expect(again).toBe(one)
    expect(other).not.toBe(one)
  })
})
