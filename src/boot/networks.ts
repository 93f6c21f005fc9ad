// The payment networks a process talks to: sandboxes that the server runs itself, and those that ledgers name by address.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Effects } from '../core/effects.ts'
import { Refusal } from '../core/refusal.ts'
import { rails } from '../rails/index.ts'
import type { Rail, RailModule, SandboxNetwork } from '../rails/rail.ts'

export type Networks = {
  /** A rail connected to an address, or to its sandbox when `url` is null. Refuses `rail_not_found`, `rail_unavailable`. */
  readonly connect: (rail: string, url: string | null) => Rail
  /** The sandbox's address. Refuses `rail_unavailable` when none runs. */
  readonly sandboxUrl: (rail: string) => string
}

/** Where a running server writes down its sandboxes' addresses, so that commands find them. */
const placeFile = (dataDirectory: string, rail: string): string => join(dataDirectory, 'sandbox', `${rail}.json`)
const place = z.object({ url: z.string(), port: z.number().int() })

/** Networks for commands: the sandboxes of a running server, by what it wrote down. */
export function networksOf(effects: Effects, dataDirectory: string): Networks {
  return connecting(effects, (rail) => readPlace(dataDirectory, rail)?.url ?? null)
}

export type RunningNetworks = Networks & {
  /** Starts a rail's sandbox if it does not run; it is started again, on its old port, when it ends by itself. */
  readonly startSandbox: (rail: string) => Promise<string>
  /** Whether a rail's sandbox runs in this process. */
  readonly runsSandbox: (rail: string) => boolean
  readonly stop: () => Promise<void>
}

// A sandbox that dies at once again and again is a fault to see in the log, not a loop to burn a core on.
const RESTART_AFTER_MS = 200

/** Networks of the server itself. */
export function runNetworks(effects: Effects, dataDirectory: string): RunningNetworks {
  const running = new Map<string, SandboxNetwork>()
  const starting = new Map<string, Promise<SandboxNetwork>>()
  const ending = new AbortController()
  const launch = async (rail: string): Promise<SandboxNetwork> => {
    const directory = join(dataDirectory, 'sandbox', rail)
    mkdirSync(directory, { recursive: true })
    const network = await startOnPort(requireRail(rail), directory, readPlace(dataDirectory, rail)?.port)
    writeFileSync(placeFile(dataDirectory, rail), `${JSON.stringify({ url: network.url, port: network.port })}\n`)
    running.set(rail, network)
    network.onExit(() => {
      running.delete(rail)
      if (ending.signal.aborted) return
      effects.log('warn', 'the sandbox network ended by itself and is started again', { rail })
      restart(rail).catch((error: unknown) => effects.log('error', 'the sandbox network stays away', { rail, reason: String(error) }))
    })
    return network
  }
  // Whoever asks while it is being started waits for that one: two on the same books would wait for each other.
  const start = async (rail: string): Promise<SandboxNetwork> => {
    if (ending.signal.aborted) throw new Refusal('rail_unavailable', `the server is stopping: no sandbox of ${rail} is started any more`, { rail })
    return await starting.getOrInsertComputed(rail, async () => await launch(rail).finally(() => starting.delete(rail)))
  }
  const restart = async (rail: string): Promise<void> => {
    for (;;) {
      await effects.sleep(RESTART_AFTER_MS, ending.signal)
      if (ending.signal.aborted) return
      try {
        await start(rail)
        return
      } catch (error) {
        effects.log('error', 'the sandbox network could not be started', { rail, reason: String(error) })
      }
    }
  }
  return {
    ...connecting(effects, (rail) => running.get(rail)?.url ?? readPlace(dataDirectory, rail)?.url ?? null),
    startSandbox: async (rail) => (running.get(rail) ?? (await start(rail))).url,
    runsSandbox: (rail) => running.has(rail),
    stop: async () => {
      ending.abort()
      // One that is on its way must arrive before it can be stopped.
      await Promise.allSettled(starting.values())
      await Promise.all([...running.values()].map(async (network) => await network.stop()))
    },
  }
}

/** The old port keeps the address of clients that are connected; when somebody else took it, any other one will do. */
async function startOnPort(module: RailModule, directory: string, port: number | undefined): Promise<SandboxNetwork> {
  if (port === undefined) return await module.sandbox.start({ directory })
  try {
    return await module.sandbox.start({ directory, port })
  } catch {
    return await module.sandbox.start({ directory })
  }
}

function connecting(effects: Effects, sandbox: (rail: string) => string | null): Networks {
  const connected = new Map<string, Rail>()
  const sandboxUrl = (rail: string): string => {
    const url = sandbox(rail)
    if (url !== null) return url
    throw new Refusal('rail_unavailable', `the sandbox network of ${rail} does not run: \`npm start\` starts it`, { rail })
  }
  return {
    sandboxUrl,
    connect: (rail, given) => {
      const url = given ?? sandboxUrl(rail)
      return connected.getOrInsertComputed(`${rail} ${url}`, () => requireRail(rail).connect(effects, { url }))
    },
  }
}

function requireRail(rail: string): RailModule {
  const module = rails[rail]
  if (module === undefined) throw new Refusal('rail_not_found', `there is no rail ${rail}; there are: ${Object.keys(rails).join(', ')}`, { rail })
  return module
}

function readPlace(dataDirectory: string, rail: string): z.infer<typeof place> | null {
  try {
    return place.parse(JSON.parse(readFileSync(placeFile(dataDirectory, rail), 'utf8')))
  } catch {
    return null
  }
}
