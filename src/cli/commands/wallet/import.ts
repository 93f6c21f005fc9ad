// `wallet import`: takes over a key, read from standard input so that it stands in no history and no list of processes.

import { importWallet } from '../../../engine/wallet.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { readInput } from '../../read-input.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const ledger = await ledgerOf(desk, options)
  const label = text(words[0])
  if (input().isTTY === true) output.note('Paste the key, then press Enter and Ctrl-D. It goes to the signer and is shown nowhere.')
  const key = (await readInput('-', 'key', input)).trim()
  const made = await importWallet({ ...desk, signer: await desk.signer() }, ledger, { label, key })
  const { wallet, rail, address } = made
  output.result({ wallet, label, rail, address }, () => output.line(`Wallet ${label}: ${address}`))
}
