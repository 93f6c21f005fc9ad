// JSON-RPC methods that read SPL token accounts and mints.
import { z } from 'zod'
import { accountAt, tokenAccountsAt } from '../account-view.ts'
import { decimalsOf } from '../block.ts'
import { ADDRESS_BYTES, textOf } from '../bytes.ts'
import { isTokenProgram, mintStateOf, tokenAmount, tokenStateOf } from '../token.ts'
import { accountConfig, accountJson } from './accounts.ts'
import { failure } from './failure.ts'
import { addressAt, asKey, commitmentConfig, configAt, contextSlot, parse, withContext, type Method } from './method.ts'

const getTokenAccountBalance: Method = (call) => {
  const key = addressAt(call, 0)
  const slot = contextSlot(call, configAt(call, 1, commitmentConfig))
  const image = accountAt(call.network, slot, key)
  if (image === null) throw failure('invalid_params', 'Invalid param: could not find account')
  const token = tokenStateOf(image)
  if (token === null) throw failure('invalid_params', 'Invalid param: not a Token account')
  return withContext(slot, tokenAmount(token.amount, decimalsOf(call.network, token.mint)))
}

const getTokenSupply: Method = (call) => {
  const key = addressAt(call, 0)
  const slot = contextSlot(call, configAt(call, 1, commitmentConfig))
  const image = accountAt(call.network, slot, key)
  const mint = image === null ? null : mintStateOf(image)
  if (image === null) throw failure('invalid_params', 'Invalid param: could not find account')
  if (mint === null) throw failure('invalid_params', 'Invalid param: not a Token mint')
  return withContext(slot, tokenAmount(mint.supply, mint.decimals))
}

const ownerFilter = z.union([z.object({ mint: z.string() }), z.object({ programId: z.string() })])

const getTokenAccountsByOwner: Method = (call) => {
  const owner = addressAt(call, 0)
  const filter = parse(ownerFilter, call.params[1])
  const config = configAt(call, 2, accountConfig)
  const slot = contextSlot(call, config)
  const mint = 'mint' in filter ? asKey(filter.mint, ADDRESS_BYTES) : null
  const program = 'programId' in filter ? asKey(filter.programId, ADDRESS_BYTES) : null
  if (mint !== null && mintStateOf(accountAt(call.network, slot, mint) ?? NO_ACCOUNT) === null) {
    throw failure('invalid_params', 'Invalid param: could not find mint')
  }
  if (program !== null && !isTokenProgram(program)) {
    throw failure('invalid_params', 'Invalid param: unrecognized Token program id')
  }
  const held = tokenAccountsAt(call.network, slot, owner)
    .filter(({ image }) => (mint === null ? image.owner === program : tokenStateOf(image)?.mint === mint))
  return withContext(slot, held.map(({ key, image }) => (
    { pubkey: textOf(key), account: accountJson(call.network, image, config) }
  )))
}

const NO_ACCOUNT = { lamports: 0n, owner: '', executable: false, data: new Uint8Array(0) }

export const tokenMethods = { getTokenAccountBalance, getTokenSupply, getTokenAccountsByOwner } satisfies Record<string, Method>
