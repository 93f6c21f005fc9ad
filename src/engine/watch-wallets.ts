// Watches wallets for money that came in, or left by its owner's hand, and posts each movement once.

import { accountName } from '../core/account.ts'
import { present } from '../core/assert.ts'
import { accountsOf, decideBatch, type Leg } from '../core/posting.ts'
import type { Rail } from '../rails/rail.ts'
import { ownIdentities } from '../store/attempt.ts'
import { wakeUnfunded } from '../store/held-payout.ts'
import { runOnLane } from '../store/posting.ts'
import { recordMovements, walletsOf, type SeenMovement, type WalletRow } from '../store/wallet.ts'
import type { Ledger } from './ledger.ts'
import type { World } from './world.ts'

/**
 * Reads new movements of a ledger's wallets, and makes due what waited for money in them. Answers how many were posted.
 * Refuses as the rail does for the first wallet that cannot be read, when all others have been.
 */
export async function watchWallets(world: World, ledger: Ledger, rail: Rail): Promise<number> {
  let all = 0
  const problems: unknown[] = []
  for (const wallet of await walletsOf(world.store.pool, ledger.id)) {
    try {
      const posted = await watchWallet(world, ledger, rail, wallet)
      if (posted > 0) await wakeUnfunded(world.store.pool, ledger.lanes, wallet.wallet)
      all += posted
    } catch (error) {
      problems.push(error)
    }
  }
  if (problems.length > 0) throw problems[0]
  return all
}

async function watchWallet(world: World, ledger: Ledger, rail: Rail, row: WalletRow): Promise<number> {
  // Movements of a wallet belong to no event, so they stand in the ledger's first lane.
  const lane = present(ledger.lanes[0], 'first lane')
  let cursor = row.movement_cursor
  let posted = 0
  for (;;) {
    const { movements, cursor: next, more } = await rail.incoming({
      wallet: { id: row.wallet, address: row.address },
      assets: [...ledger.assets.values()],
      cursor,
      own: async (identities) => await ownIdentities(world.store.pool, row.wallet, identities),
    })
    if (movements.length > 0 || next !== cursor) {
      const seen = movements.map((movement) => ({ ...movement, movement: world.id() }))
      posted += await post(world, { lane, wallet: row.wallet, from: cursor, to: next }, seen)
    }
    if (!more || next === cursor) return posted
    cursor = next
  }
}

async function post(
  world: World,
  place: { readonly lane: bigint; readonly wallet: string; readonly from: string | null; readonly to: string | null },
  seen: readonly SeenMovement[],
): Promise<number> {
  const now = world.now()
  const members = seen.map((movement) => ({ type: 'move' as const, id: movement.movement, legs: [legOf(place.wallet, movement)] }))
  return await runOnLane(world.store, {
    lane: place.lane,
    digests: [],
    states: [],
    accounts: members.flatMap((member) => accountsOf(member)),
    guards: [recordMovements({ ...place, seenAt: now }, seen)],
    decide: ({ head, known, guarded }) => {
      const fresh = new Set((present(guarded[0], 'movements').rows as { movement: string }[]).map(({ movement }) => movement))
      const { outcomes, write } = decideBatch(head, known, members.filter(({ id }) => fresh.has(id)), now)
      for (const outcome of outcomes) if (outcome.state === 'refused') throw outcome.refusal
      return { abort: false, write, after: [], result: fresh.size }
    },
  })
}

function legOf(wallet: string, { direction, asset, units, movement }: SeenMovement): Leg {
  const account = accountName('wallet', wallet)
  const base = { asset, units, part: null, subject: movement }
  return direction === 'in'
    ? { ...base, kind: 'funded', debit: account, credit: 'expected' }
    : { ...base, kind: 'withdrawn', debit: 'owner', credit: account }
}
