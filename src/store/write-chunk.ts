// A chunk of a large distribution as lines of COPY, made while it is decided: nothing of a share is kept but its text.

import type { ChunkDecision } from '../core/chunk.ts'
import type { AccountState } from '../core/posting.ts'
import { ACCOUNT_COPY, BALANCE_COPY, TRANSFER_COPY } from './write-batch.ts'
import { copyText, type CopyRows } from './unit.ts'

/** Units between the account that a chunk is taken from, or given back to, and a recipient's, which stands so after it. */
type Posted = { readonly account: AccountState; readonly isNew: boolean; readonly part: number; readonly units: bigint }

export type ChunkText = {
  readonly post: (posted: Posted) => void
  readonly end: (decision: Pick<ChunkDecision, 'touched'>) => readonly CopyRows[]
}

export function startChunkText(lane: bigint, { holder, digest, kind }: { readonly holder: AccountState; readonly digest: string; readonly kind: 'distributed' | 'taken_back' }): ChunkText {
  const asset = copyText(holder.asset)
  const tail = `\t${kind}\t${digest}\n`
  const start = `${lane}\t`
  let [accounts, balances, transfers] = ['', '', '']
  return {
    post: ({ account: { number, name, transfer, debits, credits }, isNew, part, units }) => {
      // A party's name holds nothing that COPY would read as something else.
      if (isNew) accounts += `${start}${number}\t${name}\t${asset}\n`
      balances += `${start}${number}\t${transfer}\t${debits}\t${credits}\n`
      const sides = kind === 'distributed' ? `${holder.number}\t${number}` : `${number}\t${holder.number}`
      transfers += `${start}${transfer}\t\\N\t${sides}\t${part}\t${units}${tail}`
    },
    end: ({ touched }) => {
      const held = touched.at(-1) ?? holder
      balances += `${start}${held.number}\t${held.transfer}\t${held.debits}\t${held.credits}\n`
      return [
        { name: 'copy-account', copy: ACCOUNT_COPY, lines: accounts },
        { name: 'copy-balance', copy: BALANCE_COPY, lines: balances },
        { name: 'copy-transfer', copy: TRANSFER_COPY, lines: transfers },
      ].filter(({ lines }) => lines !== '')
    },
  }
}
