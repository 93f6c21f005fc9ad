// The sandbox's own JSON-RPC methods, prefixed `sandbox_`: knobs, time, forks, crash, and ready-made tokens. No fault
// ever hits them, so that a test can always reach its network. Each takes one object.
import { z } from 'zod'
import { decimalsOf } from '../block.ts'
import { ADDRESS_BYTES, textOf, type Key } from '../bytes.ts'
import { FINALIZED_DEPTH } from '../chain.ts'
import { knobSettings } from '../knobs.ts'
import { readAccount } from '../machine.ts'
import { advance, reorganize, setKnobs } from '../network.ts'
import { createMint, isOwnMint, mintTo, setFrozen } from '../own-transactions.ts'
import { heightOf } from '../chain.ts'
import { associatedTokenKey, tokenStateOf } from '../token.ts'
import { failure } from './failure.ts'
import { asKey, asUnits, configAt, type Call, type Method } from './method.ts'

// Slots that one call may make: at about 5 µs an empty slot, half a second.
const MAX_ADVANCE_SLOTS = 100_000
const MAX_DECIMALS = 18

const sandbox_getKnobs: Method = ({ network }) => ({ knobs: network.knobs, counters: network.counters })

const sandbox_setKnobs: Method = (call) => {
  setKnobs(call.network, configAt(call, 0, knobSettings))
  return sandbox_getKnobs(call)
}

const sandbox_getStatus: Method = ({ network }) => ({
  genesisHash: textOf(network.genesisHash),
  faucet: textOf(network.faucet.key),
  slot: network.slot,
  finalizedSlot: network.finalized,
  blockHeight: heightOf(network.slot),
  firstAvailableBlock: network.historyFrom,
  waiting: network.mempool.size,
})

const sandbox_advance: Method = (call) => {
  const { slots } = configAt(call, 0, z.strictObject({ slots: z.int().min(1).max(MAX_ADVANCE_SLOTS) }))
  advance(call.network, slots, call.host.now())
  return sandbox_getStatus(call)
}

const sandbox_reorganize: Method = (call) => {
  const { slots } = configAt(call, 0, z.strictObject({ slots: z.int().min(1).max(FINALIZED_DEPTH) }))
  return { transactionsReorged: reorganize(call.network, slots) }
}

const sandbox_crash: Method = (call) => {
  call.host.dying = true
  return null
}

const mintInput = z.strictObject({ name: z.string().min(1).max(64), decimals: z.int().min(0).max(MAX_DECIMALS) })

const sandbox_createMint: Method = (call) => {
  const { name, decimals } = configAt(call, 0, mintInput)
  const { mint, signature } = createMint(call.network, name, decimals)
  const standing = decimalsOf(call.network, mint)
  if (signature === null && standing !== decimals) {
    throw failure('invalid_params', `the mint ${name} stands with ${standing} decimals`)
  }
  return { mint: textOf(mint), signature: signature === null ? null : textOf(signature) }
}

const tokensInput = z.strictObject({ mint: z.string(), owner: z.string(), amount: z.string().regex(/^\d+$/) })

const sandbox_mintTo: Method = (call) => {
  const { mint, owner, amount } = configAt(call, 0, tokensInput)
  const { tokenAccount, signature } = mintTo(call.network, ownMint(call, mint), asKey(owner, ADDRESS_BYTES), asUnits(amount))
  return { tokenAccount: textOf(tokenAccount), signature: textOf(signature) }
}

const freezeInput = z.strictObject({ mint: z.string(), owner: z.string() })

const frozen = (freeze: boolean): Method => (call) => {
  const { mint, owner } = configAt(call, 0, freezeInput)
  const mintKey = ownMint(call, mint)
  const tokenAccount = associatedTokenKey(asKey(owner, ADDRESS_BYTES), mintKey)
  const image = readAccount(call.network.machine, tokenAccount)
  if (image === null || tokenStateOf(image) === null) {
    throw failure('invalid_params', 'the owner has no token account for this mint')
  }
  const signature = setFrozen(call.network, mintKey, tokenAccount, freeze)
  return { tokenAccount: textOf(tokenAccount), signature: textOf(signature) }
}

function ownMint(call: Call, address: string): Key {
  const mint = asKey(address, ADDRESS_BYTES)
  if (!isOwnMint(call.network, mint)) {
    throw failure('invalid_params', 'no mint made by sandbox_createMint has landed at this address')
  }
  return mint
}

export const sandboxMethods = {
  sandbox_getKnobs, sandbox_setKnobs, sandbox_getStatus, sandbox_advance, sandbox_reorganize, sandbox_crash, sandbox_createMint,
  sandbox_mintTo, sandbox_freeze: frozen(true), sandbox_thaw: frozen(false),
} satisfies Record<string, Method>
