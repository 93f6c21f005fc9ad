// Prepares a batch: reads what the network shows, chooses payouts, has the message signed. Sends nothing; what it returns is committed
// before the first byte leaves.

import { z } from 'zod'
import type { Address } from '@solana/kit'
import { present } from '../../core/assert.ts'
import { parseAsset } from '../../core/money.ts'
import type { HoldReason, Prepared, PrepareInput, RailAsset, RailPayout, Unpayable } from '../rail.ts'
import { toAddress, type AddressBook } from './address.ts'
import { assessPayouts, type Assessed } from './assess.ts'
import { assetProblem } from './batch.ts'
import { chooseBatch, type Choice, type Funds } from './choose.ts'
import type { Answer } from './client.ts'
import type { Connection, Seen } from './connection.ts'
import { identityOf } from './custody.ts'
import { attemptDataSchema, draftSchema, feeLamports, memoText, type Draft } from './draft.ts'
import { NATIVE_ASSET, composeMessage, destinationAddress } from './message.ts'
import { splitPacket } from './packet.ts'
import { MAX_ACCOUNTS, type Account } from './questions.ts'
import { costsOf } from './settlement.ts'
import { TOKEN_ACCOUNT_BYTES, mintProblem, readTokenAccount } from './token-account.ts'

/**
 * Chooses a batch, composes and has it signed. Obstacles of single payouts are named in `unpayable`; payouts in neither list wait.
 * Whatever the signer throws comes through as it is: nothing has happened by then.
 */
export async function prepareBatch(connection: Connection, input: PrepareInput): Promise<Prepared> {
  const asset = input.payouts[0]?.asset
  if (asset === undefined) return { state: 'nothing', unpayable: [] }
  const problem = assetProblem(asset)
  if (problem !== null) return nothing(input.payouts, 'rail_refused', problem)
  const payouts = considered(input.payouts, asset)
  const seen = await survey(connection, input, payouts)
  if (!seen.ok) return { state: 'unavailable', reason: seen.reason }
  const { value: sight } = seen
  const held = holdings(sight, { asset, wallet: input.wallet.address, book: connection.book })
  if ('reason' in held) return nothing(payouts, held.reason, held.detail)
  const memo = memoText(input.attempt, input.head)
  const assessed = assess(connection, input, { payouts, sight })
  const choice = chooseBatch(assessed.payables, fundsOf(sight, { held, asset, committed: input.committed, memoBytes: memo.length }))
  const unpayable = inOrder(input.payouts, [...assessed.unpayable, ...choice.unpayable])
  if (choice.batch.length === 0) return { state: 'nothing', unpayable }
  return signed(connection, input, { choice, sight, memo, unpayable })
}

function nothing(payouts: readonly RailPayout[], reason: HoldReason, detail: string): Prepared {
  return { state: 'nothing', unpayable: payouts.map((payout) => ({ payout: payout.id, reason, detail })) }
}

function inOrder(payouts: readonly RailPayout[], unpayable: readonly Unpayable[]): readonly Unpayable[] {
  const byId = new Map(unpayable.map((one) => [one.payout, one]))
  return payouts.flatMap(({ id }) => byId.get(id) ?? [])
}

// One question shows a hundred accounts: the wallet, and for a token its mint and account; then one a destination, or two with its account.
const NATIVE_DESTINATIONS = MAX_ACCOUNTS - 1
const TOKEN_DESTINATIONS = Math.floor((MAX_ACCOUNTS - 3) / 2)

/** The payouts whose destinations one question can show. Later payouts of those destinations are among them: they may need each other. */
function considered(payouts: readonly RailPayout[], { token }: RailAsset): readonly RailPayout[] {
  const limit = token === null ? NATIVE_DESTINATIONS : TOKEN_DESTINATIONS
  const shown = new Set<Address>()
  for (const payout of payouts) {
    if (shown.size === limit) break
    shown.add(destinationAddress(payout))
  }
  return payouts.filter((payout) => shown.has(destinationAddress(payout)))
}

type Sight = Seen & {
  readonly minimum: bigint
  readonly tokenRent: bigint
  readonly price: bigint
  readonly wallet: Account | null
  readonly token: { readonly mint: string; readonly own: Account | null; readonly accountOf: ReadonlyMap<string, Address> } | null
}

/**
 * What the network shows, all of it final and from one node. The slot beside the blockhash is final before the signature exists, so the
 * transaction can only be in a later block.
 */
async function survey(connection: Connection, input: PrepareInput, payouts: readonly RailPayout[]): Promise<Answer<Sight>> {
  const { book } = connection
  const wallet = toAddress(input.wallet.address)
  const mint = present(payouts[0], 'a payout').asset.token
  const owners = [...new Set(payouts.map(destinationAddress))]
  const accountOf = new Map<string, Address>()
  // Derivations are work for this one core: nothing is won by starting them together.
  for (const owner of mint === null ? [] : [...owners, wallet]) accountOf.set(owner, await book.tokenAccount(owner, present(mint, 'mint')))
  const addresses = [...new Set([wallet, ...owners, ...accountOf.values(), ...(mint === null ? [] : [toAddress(mint)])])]
  const [seen, minimum, tokenRent, price] = await Promise.all([
    connection.see(addresses),
    connection.rent(0n),
    connection.rent(TOKEN_ACCOUNT_BYTES),
    connection.price(),
  ])
  if (!seen.ok) return seen
  if (!minimum.ok) return minimum
  if (!tokenRent.ok) return tokenRent
  const { account } = seen.value
  const own = accountOf.get(wallet)
  const value = {
    ...seen.value,
    minimum: minimum.value,
    tokenRent: tokenRent.value,
    price,
    wallet: account(wallet),
    token: mint === null || own === undefined ? null : { mint, own: account(own), accountOf },
  }
  return { ok: true, value }
}

type Obstacle = { readonly reason: HoldReason; readonly detail: string }
type Holdings = { readonly lamports: bigint; readonly units: bigint }

/** What the wallet has, or what keeps every payout of it, whoever gets it. */
function holdings(
  { wallet: account, account: find, token }: Sight,
  { asset, wallet, book }: { readonly asset: RailAsset; readonly wallet: string; readonly book: AddressBook },
): Holdings | Obstacle {
  if (account === null) return { reason: 'no_funds', detail: 'the wallet does not exist on the network: it was never funded' }
  if (token === null) return { lamports: account.lamports, units: account.lamports }
  const problem = mintProblem(find(token.mint), parseAsset(asset.asset).scale)
  if (problem !== null) return { reason: 'rail_refused', detail: problem }
  if (token.own === null) return { reason: 'no_funds', detail: `the wallet has no account of ${asset.asset}: it never got any` }
  const own = readTokenAccount(token.own, { mint: token.mint, owner: wallet, book })
  if (own === null) return { reason: 'rail_refused', detail: "the wallet's token account does not belong to the wallet" }
  if (own.frozen) return { reason: 'frozen', detail: "the wallet's own token account is frozen" }
  return { lamports: account.lamports, units: own.amount }
}

function assess(
  { book }: Connection,
  { wallet }: PrepareInput,
  { payouts, sight }: { readonly payouts: readonly RailPayout[]; readonly sight: Sight },
): Assessed {
  const { token, account, minimum } = sight
  const accountOf = (owner: string): Account | null => account(present(token?.accountOf.get(owner), `token account of ${owner}`))
  return assessPayouts(payouts, {
    wallet: wallet.address,
    book,
    owner: account,
    token: token === null ? null : { mint: token.mint, account: accountOf },
    minimum,
  })
}

type Claims = {
  readonly held: Holdings
  readonly asset: RailAsset
  readonly committed: PrepareInput['committed']
  readonly memoBytes: number
}

function fundsOf({ minimum, tokenRent, price }: Sight, { held, asset, committed, memoBytes }: Claims): Funds {
  const taken = (name: string): bigint => committed.get(name) ?? 0n
  return {
    native: asset.token === null,
    lamports: held.lamports - taken(NATIVE_ASSET),
    units: held.units - taken(asset.asset),
    walletMinimum: minimum,
    // Live attempts still need their fees.
    mayEmpty: [...committed.values()].every((units) => units === 0n),
    creationRent: tokenRent,
    price,
    memoBytes,
  }
}

type Signable = { readonly choice: Choice; readonly sight: Sight; readonly memo: string; readonly unpayable: readonly Unpayable[] }

async function signed({ book }: Connection, input: PrepareInput, { choice, sight, memo, unpayable }: Signable): Promise<Prepared> {
  const payouts = choice.batch.map(({ payout }) => payout)
  const draft: Draft = {
    blockhash: sight.blockhash,
    lastValidBlockHeight: sight.lastValidBlockHeight,
    ...choice.settings,
    createTokenAccounts: choice.creations,
    memo,
  }
  const ids = payouts.map(({ id }) => id)
  // Composed here while the signer composes it there.
  const [{ identity, bytes }, expected] = await Promise.all([
    input.sign(ids, z.encode(draftSchema, draft)),
    composeMessage({ wallet: input.wallet.address, payouts, draft, book }),
  ])
  const { signature, message } = splitPacket(bytes)
  // The signer reads the payouts itself. If it read others than we did, nothing of this attempt may be kept.
  if (identity !== identityOf(signature) || Buffer.compare(message, expected) !== 0) {
    return { state: 'unavailable', reason: 'the signer signed another message than these payouts make: they were changed meanwhile' }
  }
  const [fee, rent] = [feeLamports(draft), BigInt(choice.creations.length) * sight.tokenRent]
  const data = z.encode(attemptDataSchema, {
    ...draft,
    signedAtSlot: sight.slot,
    genesis: sight.genesis,
    feeLamports: fee,
    maxRentLamports: rent,
  })
  return { state: 'prepared', attempt: { identity, bytes, payouts: ids, data }, costs: costsOf({ fee, rent }), unpayable }
}
