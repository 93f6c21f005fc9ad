// The first run without any ledger: a ledger on the sandbox, one event, and what becomes of it, printed as it happens.

import { present } from '../core/assert.ts'
import { formatMoney, parseAsset } from '../core/money.ts'
import type { Program } from '../core/program.ts'
import type { Ledger, Ledgers } from '../engine/ledger.ts'
import { events, payoutsOfEvent, recipients, wallets } from '../engine/read-ledger.ts'
import type { PayoutDocument } from '../engine/documents.ts'
import type { Recorder } from '../engine/recorder.ts'
import { setDestinations } from '../engine/set-destinations.ts'
import { createWallet, payingWallet } from '../engine/wallet.ts'
import type { World } from '../engine/world.ts'
import { createLedgerAsOwner } from './create-ledger.ts'
import type { Database } from './database.ts'

type Print = (line: string) => void

type Stage = {
  readonly world: World
  readonly database: Database
  readonly ledgers: Ledgers
  readonly recorder: Recorder
  /** The sandbox network's address. */
  readonly networkUrl: string
}

/** Sent along with the event's amount, so that the wallet can pay the network's fees: one whole coin is plenty. */
const FOR_COSTS = 1n
const SETTLE_LIMIT = { seconds: 60 }
const LOOK_EVERY_MS = 40
const MAX_RECIPIENTS = 100

/**
 * The sandbox ledger that a first start makes, when it is still to be made or when a start before this one was ended half-way: then
 * it goes on where that one stopped. Null when there is nothing to show.
 */
export async function firstLedger(stage: Omit<Stage, 'recorder' | 'networkUrl'>, program: Program): Promise<Ledger | null> {
  const { world, ledgers } = stage
  const existing = await ledgers.all()
  const [ledger] = existing
  if (ledger === undefined) {
    const sandbox = { sandbox: true, railUrl: null, inboxSchema: 'public', tokens: {}, lanes: 1 }
    await createLedgerAsOwner(world, stage.database, { name: program.name, program: program.name, ...sandbox })
    return await furnish(world, await ledgers.open(program.name))
  }
  const unused = existing.length === 1 && ledger.row.sandbox && ledger.name === program.name && (await events(world, ledger, { cursor: null, limit: 1 })).items.length === 0
  return unused ? await furnish(world, ledger) : null
}

/** Gives the ledger a wallet and its recipients addresses, as far as they are missing. */
async function furnish(world: World, ledger: Ledger): Promise<Ledger> {
  if ((await wallets(world, ledger)).length === 0) await createWallet(world, ledger, 'main')
  const { program } = ledger
  const { items } = await recipients(world, ledger, { cursor: null, limit: MAX_RECIPIENTS })
  const named = new Set(items.filter(({ destination }) => destination !== null).map(({ recipient }) => recipient))
  const nameless = [...program.recipients, ...program.sample.parties].filter(({ recipient }) => !named.has(recipient))
  const { custody } = present(world.rails[program.rail], program.rail)
  // Nobody keeps the keys of these addresses: what arrives there can be seen and counted, and that is all the sandbox is for.
  const destinations = await Promise.all(
    nameless.map(async ({ recipient, label }) => ({ recipient, label, destination: { address: (await custody.create(world.random)).address } })),
  )
  await setDestinations(world, ledger, destinations)
  return ledger
}

/** Sends the sample event's money to the ledger's wallet, records the event and prints each leg until all are settled. */
export async function showFirstSale(stage: Stage, ledger: Ledger, print: Print): Promise<void> {
  const { world, recorder } = stage
  const { program } = ledger
  const input = program.event.parse(program.sample.body)
  const asset = parseAsset(input.asset)
  const money = (units: bigint): string => formatMoney(units, asset)
  const rail = world.connect(program.rail, null)
  const native = present(ledger.assets.get(input.asset), input.asset)
  const wallet = await payingWallet(world, ledger)
  const { address } = wallet
  const sent = input.units + FOR_COSTS * 10n ** BigInt(asset.scale)
  await present(world.rails[program.rail], program.rail).sandbox.fund(world, stage.networkUrl, { address, units: sent })
  print(`  ${money(sent)} of sandbox money arrived in the wallet ${address}`)
  const [result] = await recorder.record(ledger, [{ input, door: 'start', mayBackdate: false }])
  if (result?.state === 'refused') throw result.refusal
  const { event } = present(result, 'result')
  print(`  event ${event.reference}: ${money(event.units)}, divided by plan version ${event.plan}:`)
  for (const { role, account, recipient, units } of event.shares) {
    print(`    ${role.padEnd(8)} ${money(units).padStart(12)}   to ${recipient === null ? account : labelOf(program, recipient)}`)
  }
  const payouts = await followPayouts(world, ledger, event.reference, print)
  print('  balances read back from the sandbox chain:')
  for (const { role, destination } of payouts) {
    const held = destination === null ? 0n : await rail.balance({ id: role, address: destination }, native)
    print(`    ${role.padEnd(8)} ${money(held).padStart(12)}   ${destination ?? 'no address'}`)
  }
  const left = await rail.balance(wallet, native)
  print(`    ${'wallet'.padEnd(8)} ${money(left).padStart(12)}   ${address}`)
}

async function followPayouts(world: World, ledger: Ledger, reference: string, print: Print): Promise<readonly PayoutDocument[]> {
  const shown = new Map<string, string>()
  const deadline = world.now().add(SETTLE_LIMIT)
  for (;;) {
    const payouts = await payoutsOfEvent(world, ledger, reference)
    for (const payout of payouts) {
      const attempt = payout.attempts.at(-1)
      const line = `    ${payout.role.padEnd(8)} ${payout.state}${payout.reason === null ? '' : ` (${payout.reason})`}${attempt === undefined ? '' : `  ${attempt.identity}`}`
      if (shown.get(payout.payout) !== line) print(line)
      shown.set(payout.payout, line)
    }
    if (payouts.length > 0 && payouts.every(({ state }) => state === 'settled')) return payouts
    if (Temporal.Instant.compare(world.now(), deadline) > 0) {
      print('    not all of it is settled yet; it goes on in the background: npx apportion payout list')
      return payouts
    }
    await world.sleep(LOOK_EVERY_MS)
  }
}

function labelOf({ recipients, sample }: Program, recipient: string): string {
  return [...recipients, ...sample.parties].find((known) => known.recipient === recipient)?.label ?? recipient
}
