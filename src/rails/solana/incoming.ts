// Money that came into a wallet, or left it by its owner's hand, read from the balances before and after each transaction that names the
// wallet or its token account. Never from logs: programs write there what they like. Our own attempts are not among it.

import { z } from 'zod'
import { assert } from '../../core/assert.ts'
import type { Incoming, IncomingInput, Movement, RailAsset, RailWallet } from '../rail.ts'
import { toAddress } from './address.ts'
import type { Answer } from './client.ts'
import { unavailable, type Connection } from './connection.ts'
import { accounts, foreignTransaction, type LandedWithKeys, type Mention, type Meta } from './questions.ts'
import { readTokenAccount } from './token-account.ts'
import { WALK_START, walkOn, type Stretch, type WalkState } from './walk.ts'

// One walk an asset: coins move with the wallet's address, tokens with its token account, so each movement is in exactly one walk.
const cursorSchema = z.strictObject({
  version: z.literal(1),
  walks: z.record(z.string(), z.strictObject({ newest: z.string().nullable(), emptyAt: z.string().nullable(), walked: z.array(z.string()) })),
})

type Cursor = z.output<typeof cursorSchema>

/**
 * The next movements of the wallet, oldest first within each asset. Only a call that returns moves the cursor: after a lost answer the same
 * cursor gives the same movements. Refuses `rail_unavailable` when the node does not answer or its history has a gap.
 */
export async function incomingOf(connection: Connection, input: IncomingInput): Promise<Incoming> {
  const cursor = readCursor(input.cursor)
  const walks: Record<string, WalkState> = { ...cursor.walks }
  const movements: Movement[] = []
  let more = false
  for (const asset of input.assets) {
    const address = await addressOf(connection, input.wallet, asset)
    const stretch = await walkOn(connection, address, cursor.walks[address] ?? WALK_START)
    movements.push(...(await movementsOf(connection, { input, asset, address, stretch })))
    walks[address] = stretch.state
    more ||= stretch.more
  }
  return { movements, cursor: JSON.stringify({ version: 1, walks }), more }
}

function readCursor(text: string | null): Cursor {
  return text === null ? { version: 1, walks: {} } : cursorSchema.parse(JSON.parse(text))
}

async function addressOf({ book }: Connection, wallet: RailWallet, { token }: RailAsset): Promise<string> {
  return token === null ? wallet.address : book.tokenAccount(wallet.address, token)
}

type Walked = { readonly input: IncomingInput; readonly asset: RailAsset; readonly address: string; readonly stretch: Stretch }

async function movementsOf(connection: Connection, walked: Walked): Promise<readonly Movement[]> {
  const { input, asset, address, stretch } = walked
  const [first] = stretch.mentions
  if (first === undefined) {
    if (stretch.begins) await requireEmpty(connection, walked)
    return []
  }
  const own = await input.own(stretch.mentions.map(({ signature }) => signature))
  // The first one of all is read even if it is ours: it shows whether the history is whole.
  const read = stretch.mentions.filter(({ signature }, index) => !own.has(signature) || (stretch.begins && index === 0))
  const movements: Movement[] = []
  for (const { mention, landed, meta } of await readAll(connection, read)) {
    const { before, after } = balancesOf(landed, meta, { address, token: asset.token })
    if (stretch.begins && mention === first && before !== 0n) throw missingHistory(address)
    if (before === after || own.has(mention.signature)) continue
    movements.push(movementOf({ mention, landed, meta, asset, address, before, after }))
  }
  return movements
}

function missingHistory(address: string): Error {
  return unavailable({ reason: `${address} held something before the oldest transaction that the node knows of it: a node with its whole history is needed` })
}

/** An address that shows no history must hold nothing; otherwise the node has forgotten where it came from. */
async function requireEmpty({ client, book }: Connection, { input: { wallet }, asset, address, stretch }: Walked): Promise<void> {
  const shown = await client.ask(accounts([toAddress(address)], BigInt(stretch.state.emptyAt ?? '0')))
  if (!shown.ok) throw unavailable(shown)
  const [account = null] = shown.value.accounts
  if (account === null) return
  const held = asset.token === null ? account.lamports : readTokenAccount(account, { mint: asset.token, owner: wallet.address, book })?.amount
  if (held !== undefined && held !== 0n) throw missingHistory(address)
}

type Read = { readonly mention: Mention; readonly landed: LandedWithKeys; readonly meta: Meta }

// A foreign transaction may be 100 kB of JSON.
const READ_AT_ONCE = 16

async function readAll({ client }: Connection, list: readonly Mention[]): Promise<readonly Read[]> {
  const all: Read[] = []
  for (let start = 0; start < list.length; start += READ_AT_ONCE) {
    const group = list.slice(start, start + READ_AT_ONCE)
    const answers = await client.askEach(group.map(({ signature }) => foreignTransaction(signature)))
    all.push(...group.map((mention, index) => readOne(mention, answers[index])))
  }
  return all
}

function readOne(mention: Mention, answer: Answer<LandedWithKeys | null> | undefined): Read {
  if (answer === undefined || !answer.ok) throw unavailable(answer ?? { reason: 'an answer is missing' })
  const landed = answer.value
  if (landed?.meta == null) throw unavailable({ reason: `the node lists transaction ${mention.signature} and has no record of it` })
  return { mention, landed, meta: landed.meta }
}

type Place = { readonly address: string; readonly token: string | null }

/** What the address held before and after. A transaction that failed moves its fee alone, which is in the balances like anything else. */
function balancesOf({ transaction }: LandedWithKeys, meta: Meta, { address, token }: Place): { readonly before: bigint; readonly after: bigint } {
  const { writable, readonly } = meta.loadedAddresses ?? { writable: [], readonly: [] }
  const index = [...transaction.message.accountKeys, ...writable, ...readonly].indexOf(address)
  assert(index >= 0, `a transaction listed for ${address} names it`)
  if (token === null) return { before: meta.preBalances[index] ?? 0n, after: meta.postBalances[index] ?? 0n }
  const amount = (balances: Meta['preTokenBalances']): bigint =>
    BigInt(balances.find((balance) => balance.accountIndex === index && balance.mint === token)?.uiTokenAmount.amount ?? '0')
  return { before: amount(meta.preTokenBalances), after: amount(meta.postTokenBalances) }
}

type Change = Read & { readonly asset: RailAsset; readonly address: string; readonly before: bigint; readonly after: bigint }

function movementOf({ mention, landed, meta, asset, address, before, after }: Change): Movement {
  const { slot, blockTime } = landed
  const at = blockTime === null ? null : Temporal.Instant.fromEpochMilliseconds(Number(blockTime) * 1_000)
  return {
    // One transaction may move several assets of a wallet, and assets of several wallets.
    identity: `${mention.signature}/${address}`,
    asset: asset.asset,
    units: after > before ? after - before : before - after,
    direction: after > before ? 'in' : 'out',
    at,
    proof: {
      signature: mention.signature,
      slot: slot.toString(),
      blockTime: at?.toString() ?? null,
      account: address,
      before: before.toString(),
      after: after.toString(),
      err: meta.err,
    },
  }
}
