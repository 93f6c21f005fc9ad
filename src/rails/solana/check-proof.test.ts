// What is stored of attempts and movements, as the real network in this process made it, and with one thing in it changed by hand.

import { describe, expect, it } from 'vitest'
import { present } from '../../core/assert.ts'
import type { JsonObject } from '../../core/effects.ts'
import type { RailAsset, RailPayout, StoredAttempt, StoredMovement } from '../rail.ts'
import { attemptProblem, movementProblem } from './check-proof.ts'
import { openTestbed, SLOTS_TO_EXPIRY, SOL, type Testbed } from './testbed.ts'

type Fate = 'settled' | 'failed' | 'never'

/** An attempt of two payouts to one address and one to another, as it is stored when it has ended so. */
async function stored(fate: Fate, bed: Testbed, asset: RailAsset = SOL): Promise<StoredAttempt> {
  const wallet = await bed.wallet()
  bed.fund(wallet.address, 10_000_000_000n)
  if (asset.token !== null) bed.mintTo(asset.token, wallet.address, 10_000_000_000n)
  const [one, other] = [await bed.address(), await bed.address()]
  const payouts: readonly RailPayout[] = [bed.payout(one, 5_000_000n, asset), bed.payout(other, 6_000_000n, asset), bed.payout(one, 7_000_000n, asset)]
  const rail = bed.connect()
  const prepared = await rail.prepare(bed.preparation(wallet, payouts))
  if (prepared.state !== 'prepared') throw new Error(prepared.state)
  const { attempt } = prepared
  if (fate === 'failed') await bed.transfer(wallet, await bed.address(), 9_990_000_000n)
  if (fate !== 'never') await rail.submit(attempt)
  bed.pass(fate === 'never' ? SLOTS_TO_EXPIRY : 40)
  const look = present((await rail.look([{ attempt, wallet, payouts }]))[0], 'look')
  if (look.state !== fate) throw new Error(JSON.stringify(look))
  const inOrder = attempt.payouts.map((id) => present(payouts.find((payout) => payout.id === id), id))
  return { ...attempt, state: fate, proof: look.proof, wallet, payouts: inOrder, costs: 'costs' in look ? look.costs : [] }
}

const proven = ({ proof }: StoredAttempt): JsonObject => present(proof, 'proof')
const proofWith = (change: JsonObject) => (attempt: StoredAttempt) => ({ ...attempt, proof: { ...proven(attempt), ...change } })
const payoutsWith = (change: Partial<RailPayout>) => (attempt: StoredAttempt) => {
  return { ...attempt, payouts: attempt.payouts.map((payout, index) => (index === 0 ? { ...payout, ...change } : payout)) }
}
const NOBODY = '4vJ9JU1bJJE96FWSJKvHsmmFADCg4gpZQff4P3bkLKi'

type Change = (attempt: StoredAttempt) => StoredAttempt

const flipped = (bytes: Uint8Array, place: number): Uint8Array => bytes.map((byte, index) => (index === place ? byte ^ 1 : byte))

const OF_ALL: readonly [string, Change, string][] = [
  ['an empty proof', (attempt) => ({ ...attempt, proof: {} }), 'its proof lacks'],
  ['another identity', (attempt) => ({ ...attempt, identity: NOBODY }), `not of ${NOBODY}`],
  ['no bytes', (attempt) => ({ ...attempt, bytes: new Uint8Array() }), 'no transaction of ours'],
  ['a bit of its message', (attempt) => ({ ...attempt, bytes: flipped(attempt.bytes, 100) }), 'not signed by the wallet'],
  ['a bit of its signature', (attempt) => ({ ...attempt, bytes: flipped(attempt.bytes, 20) }), 'its bytes are those of'],
  ['another wallet', (attempt) => ({ ...attempt, wallet: { ...attempt.wallet, address: NOBODY } }), 'not signed by the wallet'],
  ['a wallet without an address', (attempt) => ({ ...attempt, wallet: { ...attempt.wallet, address: 'desk' } }), 'has no address'],
  ['a record of another form', (attempt) => ({ ...attempt, data: {} }), 'its record is not of this rail'],
]

const OF_LANDED: readonly [string, Change, string][] = [
  ['the signature of another', proofWith({ signature: NOBODY }), `its proof is of ${NOBODY}`],
  ['another fee', proofWith({ fee: '4999' }), 'a fee of 4999 lamports'],
  ['a fee that the ledger has not', (attempt) => ({ ...attempt, costs: [] }), 'the ledger of 0'],
  ['an instant that is none', proofWith({ blockTime: 'noon' }), 'no instant, but noon'],
  ['no slot', proofWith({ slot: null }), 'its proof lacks'],
]

const OF_SETTLED: readonly [string, Change, string][] = [
  ['other units of a payout', payoutsWith({ units: 5_000_001n }), 'the message that was signed pays other'],
  ['another destination of a payout', payoutsWith({ destination: { address: NOBODY } }), 'the message that was signed pays other'],
  ['a payout taken out', (attempt) => ({ ...attempt, payouts: attempt.payouts.slice(1) }), 'the message that was signed pays other'],
  ['all payouts taken out', (attempt) => ({ ...attempt, payouts: [] }), 'its payouts make no message'],
  ['another memo', (attempt) => ({ ...attempt, data: { ...attempt.data, memo: `apportion:${'0'.repeat(8)}-0000-0000-0000-${'0'.repeat(12)}:${'0'.repeat(32)}` } }), 'the message that was signed'],
  ['a proof although it has not ended', (attempt) => ({ ...attempt, state: 'submitted' }), 'it has a proof, and has not ended'],
  ['no balances', proofWith({ balances: [] }), 'its proof has balances of 0 accounts, its payouts go to 2'],
  [
    'a balance that did not change',
    (attempt) => {
      const balances = proven(attempt)['balances'] as readonly JsonObject[]
      return proofWith({ balances: balances.map((balance, index) => (index === 0 ? { ...balance, after: present(balance['before'], 'before') } : balance)) })(attempt)
    },
    'its proof has 0 units for',
  ],
]

const OF_FAILED: readonly [string, Change, string][] = [['no error', proofWith({ err: null }), 'its proof lacks']]

const OF_NEVER: readonly [string, Change, string][] = [
  ['a height that is not past its last', (attempt) => proofWith({ finalizedHeight: present(attempt.data['lastValidBlockHeight'], 'height') })(attempt), 'not past'],
  ['another last height', proofWith({ lastValidBlockHeight: '1' }), 'of another transaction'],
  ['another network', proofWith({ genesis: NOBODY }), 'of another transaction or network'],
  ['another blockhash', proofWith({ blockhash: NOBODY }), 'of another transaction'],
  ['another slot of signing', proofWith({ signedAtSlot: '0' }), 'of another transaction'],
  ['a status of the past', proofWith({ statusSlot: '0' }), 'a status of slot 0'],
  ['a node without the history', proofWith({ firstAvailableBlock: '999999' }), 'a history from slot 999999'],
]

describe.each<[Fate, readonly (readonly [string, Change, string])[]]>([
  ['settled', [...OF_ALL, ...OF_LANDED, ...OF_SETTLED]],
  ['failed', [...OF_ALL, ...OF_LANDED, ...OF_FAILED]],
  ['never', [...OF_ALL, ...OF_NEVER]],
])('an attempt that is %s', (fate, changes) => {
  const attempt = stored(fate, openTestbed())

  it('fits together as it was stored, through JSON too', async () => {
    const one = await attempt
    expect(await attemptProblem(one)).toBeNull()
    expect(await attemptProblem({ ...one, proof: JSON.parse(JSON.stringify(one.proof)) as JsonObject })).toBeNull()
  })

  it.each(changes)('does not fit with %s', async (_, change, said) => {
    expect(await attemptProblem(change(await attempt))).toContain(said)
  })
})

it('fits together while it has no proof, and when it paid in a token', async () => {
  const bed = openTestbed()
  const one = await stored('settled', bed, { asset: 'USDC/6', token: bed.mint('USDC', 6) })
  expect(await attemptProblem(one)).toBeNull()
  expect(await attemptProblem({ ...one, state: 'submitted', proof: null })).toBeNull()
  expect(await attemptProblem(payoutsWith({ destination: { address: NOBODY } })(one))).toContain('pays other units or destinations')
})

it('of an attempt that did not pay, does not mind a destination given since', async () => {
  expect(await attemptProblem(payoutsWith({ destination: { address: NOBODY } })(await stored('never', openTestbed())))).toBeNull()
})

describe('a movement', () => {
  const seen = (async (): Promise<StoredMovement> => {
    const bed = openTestbed()
    const wallet = await bed.wallet()
    bed.fund(wallet.address, 1_000_000_000n)
    const { movements } = await bed.connect().incoming({ wallet, assets: [SOL], cursor: null, own: () => Promise.resolve(new Set()) })
    return { ...present(movements[0], 'movement'), asset: SOL, wallet }
  })()

  it('fits its proof', async () => {
    expect(await movementProblem(await seen)).toBeNull()
  })

  it.each<[string, Partial<StoredMovement>, string]>([
    ['no proof', { proof: {} }, 'its proof lacks'],
    ['another identity', { identity: 'x' }, 'not of x'],
    ['other units', { units: 1n }, 'its proof has 1000000000 units in, not 1'],
    ['the other direction', { direction: 'out' }, 'units out, not 1000000000'],
    ['another instant', { at: Temporal.Instant.fromEpochMilliseconds(0) }, 'not of 1970-01-01T00:00:00Z'],
    ['no instant', { at: null }, 'not of none'],
    ['another wallet', { wallet: { id: 'w', address: NOBODY } }, `not of ${NOBODY}`],
    ['a wallet without an address', { wallet: { id: 'w', address: 'desk' } }, 'desk is no address'],
    ['another asset', { asset: { asset: 'USDC/6', token: NOBODY } }, 'its proof is of the account'],
  ])('does not fit with %s', async (_, change, said) => {
    expect(await movementProblem({ ...(await seen), ...change })).toContain(said)
  })
})
