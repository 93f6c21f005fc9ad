// For tests: the sandbox as the conformance suite turns it, once paying in SOL and once in a token.

import { getTransferInstruction } from '@solana-program/token'
import { present } from '../../core/assert.ts'
import type { JsonObject } from '../../core/effects.ts'
import type { ConformanceBench } from '../conformance-bench.ts'
import type { RailAsset, RailWallet } from '../rail.ts'
import { createAddressBook } from './address.ts'
import { solana } from './rail.ts'
import { openTestbed, SLOTS_TO_EXPIRY, SLOTS_TO_FINAL, SOL, type Testbed } from './testbed.ts'

// What a destination of SOL holds from the start: an account of its own, so that small payouts can go to it.
const ACCOUNT_LAMPORTS = 890_880n
/** Confirmed, and not final by some slots. */
const SLOTS_TO_LAND = 4
/** As much as is behind after a payment has expired. */
const LAG_SLOTS = SLOTS_TO_EXPIRY + 20
const FEES_LAMPORTS = 100_000_000n
const DECIMALS = 6

const book = createAddressBook()

export async function solBench(): Promise<ConformanceBench> {
  const bed = openTestbed()
  const destinations = new Map<string, RailWallet>()
  const drained = new Map<string, bigint>()
  const addressOf = ({ address }: JsonObject): string => address as string
  const received = async (destination: JsonObject): Promise<bigint> => {
    const address = addressOf(destination)
    return (await bed.connect().balance({ id: '', address }, SOL)) - ACCOUNT_LAMPORTS + (drained.get(address) ?? 0n)
  }
  return {
    ...commonKnobs(bed, SOL),
    amount: 200_000n,
    wallet: async (units) => {
      const wallet = await bed.wallet()
      // Without units it is a wallet that nobody funded.
      if (units > 0n) bed.fund(wallet.address, units + ACCOUNT_LAMPORTS + 10_000n)
      return { wallet, sign: (payouts) => bed.signer(wallet, payouts) }
    },
    destination: async () => {
      const owner = await bed.wallet()
      destinations.set(owner.address, owner)
      bed.fund(owner.address, ACCOUNT_LAMPORTS)
      return { address: owner.address }
    },
    received,
    // Its owner takes everything out: what comes now is too little to make it an account again.
    spoil: async (destination) => {
      const owner = present(destinations.get(addressOf(destination)), 'owner')
      const held = await bed.connect().balance(owner, SOL)
      drained.set(owner.address, held)
      await bed.transfer(owner, await bed.address(), held - 5_000n)
    },
    drain: async (wallet) => {
      const held = await bed.connect().balance(wallet, SOL)
      await bed.transfer(wallet, await bed.address(), held - 5_000n)
    },
    deposit: (wallet, units) => {
      bed.fund(wallet.address, units)
      return Promise.resolve()
    },
  }
}

export function tokenBench(): Promise<ConformanceBench> {
  const bed = openTestbed()
  const mint = bed.mint('USDC', DECIMALS)
  const asset: RailAsset = { asset: `USDC/${DECIMALS}`, token: mint }
  return Promise.resolve({
    ...commonKnobs(bed, asset),
    amount: 1_000n,
    wallet: async (units: bigint) => {
      const wallet = await bed.wallet()
      bed.fund(wallet.address, FEES_LAMPORTS)
      if (units > 0n) bed.mintTo(mint, wallet.address, units)
      return { wallet, sign: (payouts) => bed.signer(wallet, payouts) }
    },
    destination: async () => ({ address: await bed.address() }),
    received: ({ address }: JsonObject) => bed.connect().balance({ id: '', address: address as string }, asset),
    spoil: ({ address }: JsonObject) => {
      bed.freeze(mint, address as string, true)
      return Promise.resolve()
    },
    drain: async (wallet: RailWallet) => {
      const stranger = await bed.address()
      // The transfer needs an account to go to.
      bed.mintTo(mint, stranger, 1n)
      const [source, destination] = await Promise.all([wallet.address, stranger].map((owner) => book.tokenAccount(owner, mint)))
      const amount = await bed.connect().balance(wallet, asset)
      await bed.send(wallet, (authority) => [getTransferInstruction({ source: present(source, 'account'), destination: present(destination, 'account'), authority, amount })])
    },
    deposit: (wallet: RailWallet, units: bigint) => {
      bed.mintTo(mint, wallet.address, units)
      return Promise.resolve()
    },
  })
}

function commonKnobs(bed: Testbed, asset: RailAsset) {
  // Old states are kept from now on, for nodes that lag.
  bed.knobs({ lagSlots: LAG_SLOTS })
  const rate = (on: boolean): number => (on ? 1 : 0)
  return {
    rail: solana.connect(bed.effects, { url: 'http://sandbox' }),
    asset,
    id: bed.effects.id,
    advance: () => Promise.resolve(bed.pass(SLOTS_TO_FINAL)),
    expire: () => Promise.resolve(bed.pass(SLOTS_TO_EXPIRY)),
    dropSends: (on: boolean) => bed.knobs({ transactionDropRate: rate(on) }),
    loseRequests: (on: boolean) => bed.knobs({ requestLossRate: rate(on) }),
    loseResponses: (on: boolean) => bed.knobs({ responseLossRate: rate(on) }),
    acceptThenError: (on: boolean) => bed.knobs({ acceptThenErrorRate: rate(on) }),
    duplicateRequests: (on: boolean) => bed.knobs({ requestDuplicationRate: rate(on) }),
    limit: (on: boolean) => bed.knobs({ requestsPerSlot: on ? 0 : null }),
    lag: (on: boolean) => bed.knobs({ lagRate: on ? 0.5 : 0 }),
    land: () => Promise.resolve(bed.pass(SLOTS_TO_LAND)),
    undo: () => Promise.resolve(void bed.reorganize(SLOTS_TO_LAND)),
    reconnect: () => bed.connect(),
    checkProof: present(solana.checkProof, 'check of proofs'),
    forgetHistory: () => Promise.resolve(bed.knobs({ forgetRate: 1, forgetAfterSlots: 1 })),
    close: () => Promise.resolve(bed.close()),
  }
}
