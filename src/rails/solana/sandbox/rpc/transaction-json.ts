// A landed transaction in the encodings of Solana's RPC. The parsed encoding is not offered: it would need a parser per
// program.
import { z } from 'zod'
import { present } from '../../../../core/assert.ts'
import { base58Of, textOf } from '../bytes.ts'
import type { Commitment } from '../history.ts'
import { written, type Value } from '../json.ts'
import type { Entry } from '../store.ts'
import { readWire, type Wire } from '../wire.ts'
import { failure } from './failure.ts'
import { commitmentConfig } from './method.ts'

export const encodingConfig = commitmentConfig.extend({
  encoding: z.enum(['json', 'base58', 'base64'], 'this network offers the encodings json, base58 and base64').default('json'),
  maxSupportedTransactionVersion: z.int().min(0).optional(),
})

type Format = Pick<z.output<typeof encodingConfig>, 'encoding' | 'maxSupportedTransactionVersion'>

/** Reads of blocks and transactions start at `confirmed`. */
export function assertConfirmed(commitment: Commitment): void {
  if (commitment === 'processed') throw failure('invalid_params', 'Method does not support commitment below `confirmed`')
}

/** `{ transaction, meta, version? }`; the version only for callers that said which they understand. */
export function transactionJson(entry: Entry, format: Format): { readonly [key: string]: Value } {
  const wire = storedWire(entry)
  const { maxSupportedTransactionVersion: supported } = format
  if (supported === undefined && wire.version !== 'legacy') {
    throw failure(
      'version_unsupported',
      `Transaction version (${wire.version}) is not supported by the requesting client. Please try the request again `
        + `with the following configuration parameter: "maxSupportedTransactionVersion": ${wire.version}`,
    )
  }
  return {
    transaction: encoded(entry, wire, format),
    meta: written(entry.meta),
    ...(supported === undefined ? {} : { version: wire.version }),
  }
}

/** What a transaction's memo instructions say, as getSignaturesForAddress shows it: `[bytes] text`, joined by `; `. */
export function memoOf(entry: Entry): string | null {
  const wire = storedWire(entry)
  const memos = wire.instructions
    .filter((instruction) => MEMO_PROGRAMS.has(textOf(present(wire.keys[instruction.program], 'program of an instruction'))))
    .map(({ data }) => `[${data.length}] ${Buffer.from(data).toString('utf8')}`)
  return memos.length === 0 ? null : memos.join('; ')
}

const MEMO_PROGRAMS: ReadonlySet<string> = new Set([
  'Memo1UhkJRfHyvLMcVucJwxXeuD728EqVDDwQDxFMNo',
  'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr',
])

function encoded(entry: Entry, wire: Wire, { encoding }: Format): Value {
  if (encoding === 'base64') return [Buffer.from(entry.wire).toString('base64'), 'base64']
  if (encoding === 'base58') return [base58Of(entry.wire), 'base58']
  return {
    signatures: wire.signatures.map(textOf),
    message: {
      header: {
        numRequiredSignatures: wire.requiredSignatures,
        numReadonlySignedAccounts: wire.readonlySigned,
        numReadonlyUnsignedAccounts: wire.readonlyUnsigned,
      },
      accountKeys: wire.keys.map(textOf),
      recentBlockhash: textOf(wire.blockhash),
      instructions: wire.instructions.map(({ program, accounts, data }) => (
        { programIdIndex: program, accounts: [...accounts], data: base58Of(data), stackHeight: 1 }
      )),
      ...(wire.version === 'legacy' ? {} : { addressTableLookups: [] }),
    },
  }
}

function storedWire(entry: Entry): Wire {
  const wire = readWire(entry.wire)
  if ('problem' in wire) throw new Error(`assertion failed: a landed transaction is well formed, but ${wire.problem}`)
  return wire
}
