// `wallet list`: the wallets, what the ledger says they hold, and with --chain what their network says.

import { formatMoney, formatUnits, parseAsset } from '../../../core/money.ts'
import { wallets } from '../../../engine/read-ledger.ts'
import { ledgerOf, type Run } from '../../command.ts'

export const run: Run = async (desk, { options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const found = await wallets(desk, ledger)
  const rail = options['chain'] === true ? desk.connect(ledger.row.rail, ledger.row.rail_url) : null
  const shown = await Promise.all(
    found.map(async (wallet) => {
      if (rail === null) return { ...wallet, network_balances: null }
      const held = await Promise.all(
        [...ledger.assets.values()].map(async (asset) => {
          const units = await rail.balance({ id: wallet.wallet, address: wallet.address }, asset)
          return { asset: asset.asset, units: units.toString(), amount: formatUnits(units, parseAsset(asset.asset).scale) }
        }),
      )
      return { ...wallet, network_balances: held }
    }),
  )
  const sums = (held: readonly { asset: string; units: string }[]): string =>
    held.map(({ asset, units }) => formatMoney(BigInt(units), parseAsset(asset))).join(', ')
  output.result(shown, () =>
    output.table(
      shown,
      [
        { title: 'WALLET', of: ({ label }) => label },
        { title: 'ADDRESS', of: ({ address }) => address },
        { title: 'IN THE LEDGER', of: ({ ledger_balances: held }) => sums(held) || '0', right: true },
        ...(rail === null ? [] : [{ title: 'ON THE NETWORK', of: (row: (typeof shown)[number]) => sums(row.network_balances ?? []), right: true }]),
      ],
      'No wallet yet: `apportion wallet create main` makes one.',
    ),
  )
}
