// Where a run takes place: a folder of its own with PostgreSQL, a network and two servers in it, and the ledgers of a workload, founded before
// anything is killed.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openDatabase } from '../../src/boot/database.ts'
import type { Effects } from '../../src/core/effects.ts'
import type { World } from '../../src/engine/world.ts'
import { programs } from '../../src/programs/index.ts'
import { rails } from '../../src/rails/index.ts'
import { startSigner } from '../../src/signer/client.ts'
import { createPool } from '../../src/store/pool.ts'
import { openStore } from '../../src/store/store.ts'
import { rpc, type Node } from '../chain.ts'
import { present } from '../../src/core/assert.ts'
import type { Settings } from '../process.ts'
import type { Home } from '../world/doors.ts'
import { foundLedger } from '../world/found-ledgers.ts'
import type { LedgerSetup } from '../workload/workload.ts'
import { landed } from './hand.ts'
import { makeServer, startDatabase, startNetwork, type Database, type Network, type ServerPart } from './rig.ts'

export type Place = {
  readonly directory: string
  readonly database: Database
  readonly network: Network
  readonly servers: readonly [ServerPart, ServerPart]
  /** Settings of whoever works here: a server or a command. */
  readonly settings: () => Settings
  /** Ends all that runs, however far it has come. */
  readonly close: () => Promise<void>
}

export async function openPlace(directory: string, effects: Effects): Promise<Place> {
  const database = await startDatabase(directory, effects)
  const network = await startNetwork(directory, {})
  const settings = (): Settings => ({ DATABASE_URL: database.url(), APPORTION_MASTER_KEY_FILE: join(directory, 'master.key'), LOG_LEVEL: 'warn' })
  const servers = [makeServer('a', { directory, settings }), makeServer('b', { directory, settings })] as const
  return {
    ...{ directory, database, network, servers, settings },
    close: async () => {
      await Promise.all(servers.map(async (server) => await server.program()?.kill()))
      await network.stop()
      await database.stop()
    },
  }
}

export type Founded = { readonly homes: ReadonlyMap<string, Home>; /** Addresses of tokens by their assets. */ readonly mints: ReadonlyMap<string, string>; readonly masterKeyFile: string }

/** Makes ledgers with their tokens, wallets, keys and money. */
export async function found({ directory, database, network }: Place, ledgers: readonly LedgerSetup[], effects: Effects): Promise<Founded> {
  const opened = await openDatabase(effects, { databaseUrl: database.url(), dataDirectory: directory })
  const store = openStore(opened.appUrl, 'founder')
  const owner = createPool({ url: opened.ownerUrl, max: 1, applicationName: 'founder' })
  const masterKeyFile = join(directory, 'master.key')
  const signer = await startSigner(effects, { signerUrl: opened.signerUrl, masterKeyFile, sandbox: true })
  const rail = present(rails['solana'], 'rail').connect(effects, { url: network.url })
  const world: World = { ...effects, store, programs, rails, signer, connect: () => rail }
  try {
    const mints = await makeTokens(nodeOf(network), ledgers)
    const hand = { mint: (asset: string) => present(mints.get(asset), asset) }
    const homes = new Map<string, Home>()
    for (const setup of ledgers) {
      const home = await foundLedger({ world, owner, appRole: opened.app, hand, railUrl: network.url }, setup)
      homes.set(setup.name, home)
      for (const [asset, units] of Object.entries(setup.funds)) {
        await landed(nodeOf(network), { mint: mints.get(asset) ?? null, address: home.wallet, units: BigInt(units) })
      }
    }
    return { homes, mints, masterKeyFile }
  } finally {
    await signer.stop()
    await Promise.all([store.close(), owner.end()])
    await opened.stop()
  }
}

/** The network as anybody asks it. */
export function nodeOf({ url }: Network): Node {
  return { url, fetch: globalThis.fetch }
}

/** One token of a name, in whichever ledger. */
async function makeTokens(node: Node, ledgers: readonly LedgerSetup[]): Promise<ReadonlyMap<string, string>> {
  const mints = new Map<string, string>()
  for (const [asset, decimals] of ledgers.flatMap(({ tokens }) => Object.entries(tokens))) {
    if (mints.has(asset)) continue
    const [name = ''] = asset.split('/')
    const { mint } = await rpc<{ mint: string }>(node, 'sandbox_createMint', [{ name, decimals }])
    mints.set(asset, mint)
  }
  return mints
}

/** The folder of a server or of the command line. */
export function folderOf({ directory }: Place, name: string): string {
  const folder = join(directory, name)
  mkdirSync(folder, { recursive: true })
  return folder
}
