// The network as a process of its own: what only a process can show. Slots are made by hand, so that nothing waits for
// a clock.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fork } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ADDRESS_BYTES, parseKey, textOf } from './bytes.ts'
import { mintKeyOf } from './own-keys.ts'
import { startSandbox, type Sandbox, type SandboxOptions } from './start.ts'
import { rawTransfer } from './testbed.ts'

let directory: string
let running: Sandbox[] = []

beforeEach(async () => { directory = await mkdtemp(join(tmpdir(), 'sandbox-network-')) })
afterEach(async () => {
  await Promise.all(running.map((sandbox) => sandbox.kill()))
  running = []
  await rm(directory, { recursive: true, maxRetries: 5 })
})

async function start(options: Partial<SandboxOptions> = {}): Promise<Sandbox> {
  const sandbox = await startSandbox({ directory, slotMs: 0, ...options })
  running.push(sandbox)
  return sandbox
}

async function call<Result>(sandbox: Sandbox, method: string, ...params: readonly unknown[]): Promise<Result> {
  const response = await fetch(sandbox.url, { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }) })
  const { result, error } = await response.json() as { result?: Result; error?: unknown }
  if (error !== undefined) throw new Error(JSON.stringify(error))
  return result as Result
}

type WithValue<Value> = { readonly value: Value }

const payer = mintKeyOf('', 'payer')

async function sendTransfers(sandbox: Sandbox, from: number, count: number): Promise<readonly string[]> {
  const { value } = await call<WithValue<{ blockhash: string }>>(sandbox, 'getLatestBlockhash')
  return Promise.all(Array.from({ length: count }, async (_, n) => {
    const to = mintKeyOf('', `recipient ${from + n}`).key
    const { wire } = rawTransfer(payer, to, 1_000_000n + BigInt(from + n), parseKey(value.blockhash, ADDRESS_BYTES) ?? '')
    return call<string>(sandbox, 'sendTransaction', Buffer.from(wire).toString('base64'), { encoding: 'base64', skipPreflight: true })
  }))
}

describe('kill -9', () => {
  it('and a restart keep every final transaction and balance, and no height goes back', async () => {
    let sandbox = await start()
    await call(sandbox, 'requestAirdrop', textOf(payer.key), 1e12)
    await call(sandbox, 'sandbox_advance', { slots: 9 })
    const final: string[] = []
    let height = 0
    for (let life = 0; life < 2; life += 1) {
      final.push(...await sendTransfers(sandbox, life * 10, 5))
      await call(sandbox, 'sandbox_advance', { slots: 9 })
      // These are in blocks that are not final when the process dies.
      const young = await sendTransfers(sandbox, life * 10 + 5, 5)
      await call(sandbox, 'sandbox_advance', { slots: 3 })
      const before = await call<number>(sandbox, 'getBlockHeight', { commitment: 'processed' })
      expect(before).toBeGreaterThan(height)
      height = before
      expect(await sandbox.kill()).toEqual({ code: null, signal: 'SIGKILL' })
      sandbox = await start()
      expect(await call<number>(sandbox, 'getBlockHeight', { commitment: 'finalized' })).toBeGreaterThanOrEqual(height)
      const statuses = await call<WithValue<readonly ({ confirmationStatus: string } | null)[]>>(
        sandbox, 'getSignatureStatuses', [...final, ...young], { searchTransactionHistory: true },
      )
      expect(statuses.value.map((status) => status?.confirmationStatus ?? null))
        .toEqual([...final.map(() => 'finalized'), ...young.map(() => null)])
      for (let n = 0; n < 10; n += 1) {
        const { value } = await call<WithValue<number>>(sandbox, 'getBalance', textOf(mintKeyOf('', `recipient ${life * 10 + n}`).key))
        expect(value).toBe(n < 5 ? 1_000_000 + life * 10 + n : 0)
      }
    }
  })
})

describe('the process', () => {
  it('makes slots by itself, ends in order with what it processed final, and comes back on its port', async () => {
    const first = await start({ slotMs: 5 })
    await call(first, 'requestAirdrop', textOf(payer.key), 5e9)
    await expect.poll(async () => (
      (await call<WithValue<number>>(first, 'getBalance', textOf(payer.key), { commitment: 'processed' })).value
    ), { timeout: 10_000, interval: 2 }).toBe(5e9)
    let told: unknown = null
    first.onExit((exit) => { told = exit })
    expect(await first.stop()).toEqual({ code: 0, signal: null })
    expect(told).toEqual({ code: 0, signal: null })
    const second = await start({ port: first.port })
    expect(second.url).toBe(first.url)
    expect((await call<WithValue<number>>(second, 'getBalance', textOf(payer.key))).value).toBe(5e9)
  })

  it('dies by its crash knob as by kill -9, and says how often it did', async () => {
    const first = await start({ knobs: { crashRate: 1 } })
    await expect(call(first, 'getSlot')).rejects.toThrow('fetch failed')
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
    const second = await start()
    expect(await call(second, 'sandbox_getKnobs')).toMatchObject({ counters: { crashes: 1, restarts: 1 } })
  })

  it('ends when its parent dies, and leaves its books to the next', async () => {
    const program = `
      import { startSandbox } from ${JSON.stringify(new URL('start.ts', import.meta.url).href)}
      const sandbox = await startSandbox({ directory: ${JSON.stringify(directory)}, slotMs: 0 })
      process.send({ url: sandbox.url, port: sandbox.port, pid: sandbox.pid })
    `
    await writeFile(join(directory, 'parent.mjs'), program)
    const parent = fork(join(directory, 'parent.mjs'), { execArgv: [], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const orphan = await new Promise<{ url: string; pid: number }>((resolve) => { parent.once('message', (message) => resolve(message as { url: string; pid: number })) })
    parent.kill('SIGKILL')
    // The next one waits for the books until the orphan has let them go.
    const next = await start()
    expect(await call(next, 'sandbox_getKnobs')).toMatchObject({ counters: { restarts: 1, crashes: 0 } })
    await expect.poll(() => isAlive(orphan.pid), { timeout: 5_000, interval: 10 }).toBe(false)
  })

  it('that cannot start says why', async () => {
    const first = await start()
    await expect(startSandbox({ directory: `${directory}-2`, port: first.port })).rejects.toThrow('EADDRINUSE')
    await rm(`${directory}-2`, { recursive: true, maxRetries: 5 })
    await expect(startSandbox({ directory, knobs: { requestLossRate: 2 } })).rejects.toThrow('requestLossRate')
  })
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
