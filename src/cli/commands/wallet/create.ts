// `wallet create`: a wallet whose key is made by the signer and never leaves it.

import { createWallet } from '../../../engine/wallet.ts'
import { ledgerOf, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { wallet, label, rail, address } = await createWallet({ ...desk, signer: await desk.signer() }, ledger, text(words[0]))
  output.result({ wallet, label, rail, address }, () => output.line(`Wallet ${label}: ${address}`))
}
