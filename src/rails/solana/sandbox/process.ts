// The sandbox network as a process of its own, forked by start.ts: makes a slot every `slotMs`, answers JSON-RPC, and
// ends with its parent. The only file of the sandbox that knows a clock or a timer. A malformed transaction that aborts
// the machine ends this process alone.
import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { knobSettings } from './knobs.ts'
import { closeNetwork, openNetwork, tick } from './network.ts'
import { createNode, type Node } from './node.ts'
import { serve } from './server.ts'
import { SLOT_MS } from './chain.ts'
import { openStore, readSetting, writeSetting, type Store } from './store.ts'

const processOptions = z.strictObject({
  directory: z.string().min(1),
  /** Milliseconds of a slot; 0 for a network whose slots are made by `sandbox_advance` alone. */
  slotMs: z.int().min(0).max(60_000).default(SLOT_MS),
  /** 0 for a free port. */
  port: z.int().min(0).max(65_535).default(0),
  /** Of a new network; chosen by chance when left out, and kept with its books. */
  seed: z.string().optional(),
  knobs: knobSettings.default({}),
})

export type ProcessOptions = z.input<typeof processOptions>

/** What the process tells its parent once it listens. */
export type Listening = { readonly kind: 'listening'; readonly url: string; readonly port: number }

async function run(): Promise<void> {
  const options = processOptions.parse(JSON.parse(process.argv[2] ?? '{}'))
  const now = (): Temporal.Instant => Temporal.Now.instant()
  mkdirSync(options.directory, { recursive: true, mode: 0o700 })
  const store = openStore(join(options.directory, 'network.sqlite'))
  const seed = options.seed ?? keptSeed(store)
  const network = openNetwork({ store, seed, at: now(), knobs: options.knobs })
  const node = createNode(network, { now, report })
  // A crash must be one: no flush, no exit handler.
  const onCrash = (): void => { process.kill(process.pid, 'SIGKILL') }
  const server = await serve({ node, sleep: async (ms) => { await delay(ms) }, onCrash }, options.port)
  const ending = new AbortController()
  const slots = options.slotMs === 0 ? Promise.resolve() : makeSlots(node, options.slotMs, ending.signal)
  let closing = false
  const close = async (): Promise<void> => {
    if (closing) return
    closing = true
    ending.abort()
    await slots
    await server.close()
    closeNetwork(network, now())
    process.exit(0)
  }
  const end = (): void => { close().catch(die) }
  // Ctrl-C reaches the whole group of processes: the parent decides when this one may end.
  process.on('SIGINT', () => {})
  process.on('SIGTERM', end)
  process.on('disconnect', end)
  const listening: Listening = { kind: 'listening', url: server.url, port: server.port }
  process.send?.(listening)
  // The parent may have died while this process was starting.
  if (process.send !== undefined && !process.connected) end()
}

// Two networks are two chains: with one seed they would have one genesis hash, and one could be taken for the other.
function keptSeed(store: Store): string {
  const kept = readSetting(store, 'seed')
  if (kept !== null) return kept
  const made = randomBytes(16).toString('hex')
  writeSetting(store, 'seed', made)
  return made
}

// Keeps the pace while it can; after a stall it goes on from now and does not catch up.
async function makeSlots(node: Node, slotMs: number, signal: AbortSignal): Promise<void> {
  let due = performance.now() + slotMs
  while (!signal.aborted) {
    await delay(Math.max(0, due - performance.now()), undefined, { signal }).catch(() => {})
    if (signal.aborted) return
    tick(node.network, Temporal.Now.instant())
    due = Math.max(due + slotMs, performance.now())
  }
}

function report(error: unknown): void {
  process.stderr.write(`sandbox network: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
}

function die(error: unknown): never {
  report(error)
  process.exit(1)
}

run().catch(die)
