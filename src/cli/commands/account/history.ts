// `account history`: what moved in an account, with the balance after each entry.

import { formatMoney, parseAsset } from '../../../core/money.ts'
import { accountHistory } from '../../../engine/read-accounts.ts'
import { ledgerOf, pageOf, showNext, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const order = options['oldest'] === true ? ('oldest' as const) : ('newest' as const)
  const page = await accountHistory(desk, await ledgerOf(desk, options), { account: text(words[0]), order, ...pageOf(options) })
  const money = ({ units, asset }: { readonly units: string; readonly asset: string }): string => formatMoney(BigInt(units), parseAsset(asset))
  output.result(page, () => {
    output.table(
      page.items,
      [
        { title: 'RECORDED', of: ({ recorded_at: at }) => at },
        { title: 'KIND', of: ({ kind }) => kind },
        { title: 'DEBIT', of: (entry) => (entry.side === 'debit' ? money(entry) : ''), right: true },
        { title: 'CREDIT', of: (entry) => (entry.side === 'credit' ? money(entry) : ''), right: true },
        { title: 'BALANCE', of: ({ balance }) => money(balance), right: true },
        { title: 'OTHER ACCOUNT', of: ({ other }) => other },
        { title: 'EVENT', of: ({ reference }) => reference ?? '-' },
      ],
      'Nothing more.',
    )
    showNext(page, output)
  })
}
