// A chunk of a large distribution as lines of COPY, made while it is decided: nothing of a share is kept but its text.

import type { ChunkDecision, ChunkShare } from '../core/chunk.ts'
import type { AccountState } from '../core/posting.ts'
import { ACCOUNT_COPY, BALANCE_COPY, TRANSFER_COPY } from './write-batch.ts'
import { copyText, type CopyRows } from './unit.ts'

export type ChunkText = {
  readonly post: (share: ChunkShare) => void
  readonly end: (decision: Pick<ChunkDecision, 'touched'>) => readonly CopyRows[]
}

export function startChunkText(lane: bigint, { holder, digest }: { readonly holder: AccountState; readonly digest: string }): ChunkText {
  const asset = copyText(holder.asset)
  const tail = `\tdistributed\t${digest}\n`
  const start = `${lane}\t`
  let [accounts, balances, transfers] = ['', '', '']
  return {
    post: ({ account: { number, name, transfer, debits, credits }, isNew, part, units }) => {
      // A party's name holds nothing that COPY would read as something else.
      if (isNew) accounts += `${start}${number}\t${name}\t${asset}\n`
      balances += `${start}${number}\t${transfer}\t${debits}\t${credits}\n`
      transfers += `${start}${transfer}\t\\N\t${holder.number}\t${number}\t${part}\t${units}${tail}`
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
