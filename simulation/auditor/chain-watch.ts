// What left our wallets, as the network's own books have it, seen while a history goes on: nobody is paid more than is owed, and no attempt
// pays twice.

import { recipientsByAddress, type Addresses } from './addresses.ts'
import type { Books, ChainTransaction } from '../history.ts'
import type { Findings } from './findings.ts'
import type { Owing } from './owing.ts'

export type Watch = {
  readonly bySignature: Map<string, ChainTransaction>
  /** When a transaction was first seen. */
  readonly seenAt: Map<string, Temporal.Instant>
  /** Units paid from our wallets by address and asset, with a tab between. */
  readonly paid: Map<string, bigint>
  /** The transaction that paid an attempt, by what its memo says. */
  readonly byMemo: Map<string, string>
}

export function createWatch(): Watch {
  return { bySignature: new Map(), seenAt: new Map(), paid: new Map(), byMemo: new Map() }
}

export type Looking = {
  readonly books: Books
  readonly wallets: ReadonlySet<string>
  readonly addresses: Addresses
  readonly owing: Owing
  readonly findings: Findings
  readonly now: Temporal.Instant
  /** What may be owed, and to whom, when also counts what nobody has heard an answer to. */
  readonly everything: () => Pick<Looking, 'owing' | 'addresses'>
}

/** Takes in what is new in the books, and compares it with what is owed so far. */
export function look(watch: Watch, { books, wallets, addresses, owing, findings, now, everything }: Looking): void {
  const touched = new Set<string>()
  for (const transaction of books.transactions()) {
    const { signature, failed, movements, memo } = transaction
    if (watch.bySignature.has(signature)) continue
    watch.bySignature.set(signature, transaction)
    watch.seenAt.set(signature, now)
    const paid = failed ? [] : movements.filter(({ from, to }) => wallets.has(from) && !wallets.has(to))
    for (const { to, asset, units } of paid) {
      const key = `${to}\t${asset}`
      watch.paid.set(key, (watch.paid.get(key) ?? 0n) + units)
      touched.add(key)
    }
    const attempt = /^apportion:([^:]+)/.exec(memo ?? '')?.[1]
    if (attempt === undefined || paid.length === 0) continue
    const before = watch.byMemo.get(attempt)
    findings.expect('I4', before === undefined, () => `attempt ${attempt} paid twice, by ${before ?? ''} and ${signature}`)
    watch.byMemo.set(attempt, signature)
  }
  if (touched.size === 0) return
  const known = { owing, addresses }
  const short = [...touched].filter((key) => owedAt(key, known).owed < (watch.paid.get(key) ?? 0n))
  if (short.length === 0) return
  const all = everything()
  for (const key of short) {
    const [address = '', asset = ''] = key.split('\t')
    const { owners, owed } = owedAt(key, all)
    const paid = watch.paid.get(key) ?? 0n
    findings.expect('I4', paid <= owed, () => `${address} (${owners.join(', ') || 'nobody'}) was paid ${paid} ${asset}; at most ${owed} are owed there`)
  }
}

function owedAt(key: string, { owing, addresses }: Pick<Looking, 'owing' | 'addresses'>): { readonly owners: readonly string[]; readonly owed: bigint } {
  const [address = '', asset = ''] = key.split('\t')
  const owners = [...new Set(recipientsByAddress(addresses).get(address) ?? [])]
  return { owners, owed: owners.reduce((all, recipient) => all + owing.atMost(recipient, asset), 0n) }
}
