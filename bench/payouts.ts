// Payouts: settled by the worker on the sandbox network, beside a loop that only signs the same full batches.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { present } from '../src/core/assert.ts'
import type { Effects } from '../src/core/effects.ts'
import { createLedgers } from '../src/engine/ledger.ts'
import { payoutCounts } from '../src/engine/read-ledger.ts'
import { createRecorder } from '../src/engine/recorder.ts'
import { setDestinations } from '../src/engine/set-destinations.ts'
import { createWallet } from '../src/engine/wallet.ts'
import type { World } from '../src/engine/world.ts'
import type { RailModule } from '../src/rails/rail.ts'
import { startSigner } from '../src/signer/client.ts'
import { createWorker } from '../src/worker/worker.ts'
import { inDatabase, type BenchDatabase } from './database.ts'
import type { Frame, Part } from './part.ts'
import { benchEvent, benchLedger, PAYEES } from './workload.ts'

const RECIPIENTS = 400
const LEGS = 4

const SETTLED: Frame = { name: 'payouts settled in full batches, of signing alone', pattern: 'sandbox', callers: 1, unit: 'payouts/s', target: { least: 0.5 } }

export const payoutPart: Part = {
  name: 'payouts',
  frames: [SETTLED],
  measure: async ({ effects, rail, scale, say }, add) => {
    for (let run = 0; run < scale.runs; run += 1) {
      say(`payouts, ${scale.payouts} settled on the sandbox, run ${run + 1} of ${scale.runs}`)
      await inDatabase(effects, async (database) => {
        const before = await signedPerSecond(effects, rail, scale.ms)
        const value = await settledPerSecond(effects, database, rail, scale.payouts)
        const after = await signedPerSecond(effects, rail, scale.ms)
        add(SETTLED, { value, limit: (before + after) / 2 })
      })
    }
  },
}

/** Payouts a second, from the first reservation to the last settlement. */
async function settledPerSecond(effects: Effects, database: BenchDatabase, rail: RailModule, payouts: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'apportion-bench-'))
  const network = await rail.sandbox.start({ directory })
  const signer = await startSigner(effects, { signerUrl: database.signerUrl, masterKeyFile: join(directory, 'master.key'), sandbox: true })
  try {
    const ledger = await benchLedger(effects, { ...database, rail, name: 'payouts', url: network.url })
    const programs = new Map([[ledger.program.name, ledger.program]])
    const connected = rail.connect(effects, { url: network.url })
    const world: World = { ...effects, store: database.store, programs, rails: { [rail.name]: rail }, connect: () => connected, signer }
    const wallet = await createWallet(world, ledger, 'main')
    const destinations = await Promise.all(
      Array.from({ length: RECIPIENTS }, async (_, index) => {
        const { address } = await rail.custody.create(effects.random)
        return { recipient: `payee-${index * (PAYEES / RECIPIENTS)}`, label: null, destination: { address } }
      }),
    )
    await setDestinations(world, ledger, destinations)
    const inputs = Array.from({ length: payouts / LEGS }, (_, index) => {
      const event = benchEvent('spread', ledger.asset.name, index)
      const parties = Object.fromEntries(
        Object.keys(event.parties).map((role, place) => [role, present(destinations[(index * LEGS + place) % RECIPIENTS], 'recipient').recipient]),
      )
      return { ...event, parties }
    })
    const total = inputs.reduce((sum, { units }) => sum + units, 0n)
    await rail.sandbox.fund(effects, network.url, { address: wallet.address, units: total * 2n })
    const ledgers = createLedgers(world)
    const recorder = createRecorder(world)
    await recorder.record(ledger, inputs.map((input) => ({ input, door: 'bench', mayBackdate: false })))
    const worker = createWorker(world, { ledgers, recorder })
    const began = performance.now()
    worker.start()
    for (;;) {
      const settled = (await payoutCounts(world, ledger)).find(({ state }) => state === 'settled')
      if (Number(settled?.payouts ?? 0) === payouts) break
      // Counting them all is work beside that of the worker.
      await effects.sleep(100)
    }
    const perSecond = (payouts * 1000) / (performance.now() - began)
    await worker.stop()
    return perSecond
  } finally {
    await signer.stop()
    await network.stop()
    rmSync(directory, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Payouts a second of a loop that composes and signs full batches and does nothing else. */
async function signedPerSecond(effects: Effects, rail: RailModule, ms: number): Promise<number> {
  const key = await rail.custody.create(effects.random)
  const asset = { asset: present(rail.nativeAssets[0], 'native asset'), token: null }
  const wallet = { id: effects.id(), address: key.address }
  const size = rail.connect(effects, { url: 'http://127.0.0.1:1' }).batchSize(asset)
  const payouts = await Promise.all(
    Array.from({ length: size }, async () => {
      return { id: effects.id(), units: 1_000_000_007n, asset, destination: { address: (await rail.custody.create(effects.random)).address } }
    }),
  )
  const draft = {
    blockhash: key.address,
    lastValidBlockHeight: '1000',
    computeUnitLimit: '20000',
    computeUnitPrice: '0',
    createTokenAccounts: [],
    memo: `apportion:${effects.id()}:${'0'.repeat(32)}`,
  }
  let signed = 0
  const began = performance.now()
  while (performance.now() - began < ms) {
    await rail.custody.sign({ secret: key.secret, wallet, payouts, draft })
    signed += size
  }
  return (signed * 1000) / (performance.now() - began)
}
