// The Solana rail: SOL, and tokens of the Token program. What each verb promises stands in ../rail.ts, how in the files named here.

import { SOLANA_ERROR__JSON_RPC__INTERNAL_ERROR, SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED, isSolanaError } from '@solana/kit'
import { z } from 'zod'
import type { Effects } from '../../core/effects.ts'
import { Refusal } from '../../core/refusal.ts'
import type { Rail, RailAsset, RailAttempt, RailModule, RailWallet, Submission } from '../rail.ts'
import { isAddressText, toAddress } from './address.ts'
import { assetProblem } from './batch.ts'
import { attemptProblem, movementProblem } from './check-proof.ts'
import { mustAnswer, openConnection, unavailable, type Connection } from './connection.ts'
import { createCustody } from './custody.ts'
import { incomingOf } from './incoming.ts'
import { lookAt } from './look.ts'
import { MAX_UNITS, NATIVE_ASSET, maxTransfers } from './message.ts'
import { prepareBatch } from './prepare.ts'
import { accounts, finalizedBlock, genesisHash } from './questions.ts'
import { sandboxModule } from './sandbox-module.ts'
import { readTokenAccount } from './token-account.ts'

const destination = z.strictObject({
  address: z
    .string()
    .trim()
    .refine((text) => isAddressText(text), 'must be a Solana address: 32 bytes in base58'),
})

export const solana: RailModule = {
  name: 'solana',
  nativeAssets: [NATIVE_ASSET],
  destination,
  describe: ({ address }) => (typeof address === 'string' ? address : 'no address'),
  maxUnits: MAX_UNITS,
  custody: createCustody(),
  connect: (effects, { url }) => connect(effects, url),
  sandbox: sandboxModule,
  checkProof: attemptProblem,
  checkMovement: movementProblem,
}

function connect(effects: Effects, url: string): Rail {
  const connection = openConnection(effects, url)
  return {
    name: 'solana',
    batchSize: maxTransfers,
    prepare: (input) => prepareBatch(connection, input),
    submit: (attempt) => submit(connection, attempt),
    look: (attempts) => lookAt(connection, attempts),
    balance: (wallet, asset) => balanceOf(connection, wallet, asset),
    incoming: (input) => incomingOf(connection, input),
    identify: () => identify(connection),
  }
}

async function submit({ send }: Connection, { identity, bytes }: RailAttempt): Promise<Submission> {
  const answer = await send(bytes)
  if (answer.ok) {
    if (answer.value === identity) return { state: 'accepted' }
    return { state: 'rejected', reason: `the node names the transaction ${answer.value}, not ${identity}` }
  }
  if (isAlreadyProcessed(answer.error)) return { state: 'accepted' }
  // A node that fails inside may have passed the transaction on before.
  const refused = answer.refused && !isSolanaError(answer.error, SOLANA_ERROR__JSON_RPC__INTERNAL_ERROR)
  return { state: refused ? 'rejected' : 'unknown', reason: answer.reason }
}

// Only a node that tries transactions although it was asked not to says so: the same bytes have landed before.
function isAlreadyProcessed(error: unknown): boolean {
  return isSolanaError(error) && isSolanaError(error.cause, SOLANA_ERROR__TRANSACTION_ERROR__ALREADY_PROCESSED)
}

/** Final units of the wallet. Refuses `rail_unavailable`. */
async function balanceOf({ client, book, finalSlot }: Connection, wallet: RailWallet, asset: RailAsset): Promise<bigint> {
  const problem = assetProblem(asset)
  if (problem !== null) throw new Refusal('asset_not_found', `The Solana rail does not know this asset: ${problem}.`, { field: 'asset', value: asset.asset })
  const address = asset.token === null ? toAddress(wallet.address) : await book.tokenAccount(wallet.address, asset.token)
  const shown = await mustAnswer(client, accounts([address], finalSlot()))
  const [account = null] = shown.accounts
  if (account === null) return 0n
  if (asset.token === null) return account.lamports
  return readTokenAccount(account, { mint: asset.token, owner: wallet.address, book })?.amount ?? 0n
}

async function identify({ client }: Connection): ReturnType<Rail['identify']> {
  const asked = await client.askTogether(genesisHash(), finalizedBlock())
  if (!asked.ok) throw unavailable(asked)
  const [genesis, { slot, height }] = asked.value
  return { network: genesis, detail: { genesis, finalizedSlot: slot.toString(), finalizedHeight: height.toString() } }
}
