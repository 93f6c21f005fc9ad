// JSON-RPC methods that look transactions up: their status, their whole content, those of an address.
import { z } from 'zod'
import { SIGNATURE_BYTES, textOf, type Key } from '../bytes.ts'
import { commitmentOf, confirmationsOf, entriesOf, entryOf, secondsOf, statusOf } from '../history.ts'
import { slotOfEntry } from '../store.ts'
import { failure } from './failure.ts'
import { addressAt, asKey, commitmentConfig, configAt, contextSlot, signatureAt, withContext, type Method } from './method.ts'
import { decodeJson, type Value } from '../json.ts'
import { assertConfirmed, encodingConfig, memoOf, transactionJson } from './transaction-json.ts'

// A node's limits on signatures in one call.
const MAX_STATUSES = 256
const MAX_SIGNATURES = 1_000

const statusConfig = z.object({ searchTransactionHistory: z.boolean().default(false) })

const getSignatureStatuses: Method = (call) => {
  const { network, view } = call
  const list = call.params[0]
  if (!Array.isArray(list)) throw failure('invalid_params', 'Invalid params: expected a list of signatures')
  if (list.length > MAX_STATUSES) throw failure('invalid_params', `Too many inputs provided; max ${MAX_STATUSES}`)
  const { searchTransactionHistory } = configAt(call, 1, statusConfig)
  const statuses = list.map((text) => {
    const status = statusOf(network, view, asKey(text, SIGNATURE_BYTES), searchTransactionHistory)
    if (status === null) return null
    const err = errorJson(status.err)
    return {
      slot: status.slot,
      confirmations: confirmationsOf(view, status.slot),
      confirmationStatus: commitmentOf(view, status.slot),
      err,
      status: err === null ? { Ok: null } : { Err: err },
    }
  })
  return withContext(view.processed, statuses)
}

const getTransaction: Method = (call) => {
  const signature = signatureAt(call, 0)
  const config = typeof call.params[1] === 'string'
    ? encodingConfig.parse({ encoding: call.params[1] })
    : configAt(call, 1, encodingConfig)
  assertConfirmed(config.commitment)
  const entry = entryOf(call.network, call.view, signature, config.commitment)
  if (entry === null) return null
  const slot = slotOfEntry(entry.id)
  return { slot, blockTime: secondsOf(call.network, slot), ...transactionJson(entry, config) }
}

const addressConfig = commitmentConfig.extend({
  before: z.string().nullish(),
  until: z.string().nullish(),
  limit: z.int().min(1).max(MAX_SIGNATURES).default(MAX_SIGNATURES),
})

const getSignaturesForAddress: Method = (call) => {
  const { network, view } = call
  const key = addressAt(call, 0)
  const config = configAt(call, 1, addressConfig)
  assertConfirmed(config.commitment)
  contextSlot(call, config)
  const bound = (text: string | null | undefined): Key | null => (
    typeof text === 'string' ? asKey(text, SIGNATURE_BYTES) : null
  )
  const { before, until, limit, commitment } = config
  const query = { before: bound(before), until: bound(until), limit, commitment }
  return entriesOf(network, view, key, query).map((entry) => {
    const slot = slotOfEntry(entry.id)
    return {
      signature: textOf(entry.signature),
      slot,
      err: errorJson(entry.err),
      memo: memoOf(entry),
      blockTime: secondsOf(network, slot),
      confirmationStatus: commitmentOf(view, slot),
    }
  })
}

function errorJson(text: string | null): Value {
  return text === null ? null : (decodeJson(text) as Value)
}

export const signatureMethods = { getSignatureStatuses, getTransaction, getSignaturesForAddress } satisfies Record<string, Method>
