// JSON-RPC methods that read accounts. Balances and accounts are shown as they stood at the commitment asked for.
import { z } from 'zod'
import { accountAt, balanceAt } from '../account-view.ts'
import { decimalsOf } from '../block.ts'
import { ADDRESS_BYTES, base58Of, textOf, type Key } from '../bytes.ts'
import type { Value } from '../json.ts'
import { rentExemptMinimum, type AccountImage } from '../machine.ts'
import type { Network } from '../state.ts'
import { parsedTokenAccount } from '../token.ts'
import { failure } from './failure.ts'
import { addressAt, asKey, asUnits, commitmentConfig, configAt, contextSlot, withContext, type Call, type Method } from './method.ts'

// A node's limits: addresses in one call, bytes that base58 may carry, bytes an account may have.
const MAX_MULTIPLE_ACCOUNTS = 100
const MAX_BASE58_DATA_BYTES = 128
const MAX_ACCOUNT_BYTES = 10n * 1024n * 1024n
// Every account is rent exempt, which Solana says with the largest epoch there is.
const RENT_EPOCH = 2n ** 64n - 1n

export const accountConfig = commitmentConfig.extend({
  encoding: z.enum(['base58', 'base64', 'jsonParsed']).optional(),
  dataSlice: z.object({ offset: z.int().min(0), length: z.int().min(0) }).optional(),
})

export type AccountFormat = Omit<z.output<typeof accountConfig>, 'commitment' | 'minContextSlot'>

const getBalance: Method = (call) => {
  const key = addressAt(call, 0)
  const slot = contextSlot(call, configAt(call, 1, commitmentConfig))
  return withContext(slot, balanceAt(call.network, slot, key))
}

const getAccountInfo: Method = (call) => {
  const key = addressAt(call, 0)
  const config = configAt(call, 1, accountConfig)
  const slot = contextSlot(call, config)
  return withContext(slot, accountJson(call.network, accountAt(call.network, slot, key), config))
}

const getMultipleAccounts: Method = (call) => {
  const keys = addressList(call)
  const config = configAt(call, 1, accountConfig)
  const slot = contextSlot(call, config)
  return withContext(slot, keys.map((key) => accountJson(call.network, accountAt(call.network, slot, key), config)))
}

const getMinimumBalanceForRentExemption: Method = (call) => {
  const bytes = asUnits(call.params[0])
  if (bytes > MAX_ACCOUNT_BYTES) {
    throw failure('invalid_params', `Invalid params: no account has more than ${MAX_ACCOUNT_BYTES} bytes`)
  }
  return rentExemptMinimum(call.network.machine, Number(bytes))
}

function addressList(call: Call): readonly Key[] {
  const list = call.params[0]
  if (!Array.isArray(list)) throw failure('invalid_params', 'Invalid params: expected a list of addresses')
  if (list.length > MAX_MULTIPLE_ACCOUNTS) {
    throw failure('invalid_params', `Too many inputs provided; max ${MAX_MULTIPLE_ACCOUNTS}`)
  }
  return list.map((address) => asKey(address, ADDRESS_BYTES))
}

/** An account in Solana's JSON; null stays null. */
export function accountJson(network: Network, image: AccountImage | null, format: AccountFormat): Value {
  if (image === null) return null
  return {
    data: dataJson(network, image, format),
    executable: image.executable,
    lamports: image.lamports,
    owner: textOf(image.owner),
    rentEpoch: RENT_EPOCH,
    space: image.data.length,
  }
}

function dataJson(network: Network, image: AccountImage, { encoding, dataSlice }: AccountFormat): Value {
  // What has no parser is answered as base64, as real nodes do.
  const parsed = encoding === 'jsonParsed' ? parsedTokenAccount(image, (mint) => decimalsOf(network, mint)) : null
  if (parsed !== null) return parsed
  const data = dataSlice === undefined ? image.data : image.data.subarray(dataSlice.offset, dataSlice.offset + dataSlice.length)
  if (encoding === 'base64' || encoding === 'jsonParsed') return [Buffer.from(data).toString('base64'), 'base64']
  if (data.length > MAX_BASE58_DATA_BYTES) {
    throw failure('invalid_request', 'Encoded binary (base 58) data should be less than 128 bytes, please use Base64 encoding.')
  }
  // Asked for no encoding, a node answers bare base58: its oldest form.
  return encoding === undefined ? base58Of(data) : [base58Of(data), 'base58']
}

export const accountMethods = {
  getBalance, getAccountInfo, getMultipleAccounts, getMinimumBalanceForRentExemption,
} satisfies Record<string, Method>
