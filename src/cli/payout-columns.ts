// Payouts as a table: the same columns wherever they are listed.

import { formatMoney, parseAsset } from '../core/money.ts'
import type { PayoutDocument } from '../engine/documents.ts'
import type { Column } from './output.ts'

export const PAYOUT_COLUMNS: readonly Column<PayoutDocument>[] = [
  { title: 'PAYOUT', of: ({ payout }) => payout },
  { title: 'EVENT', of: ({ reference }) => reference },
  { title: 'ROLE', of: ({ role }) => role },
  { title: 'AMOUNT', of: ({ units, asset }) => formatMoney(BigInt(units), parseAsset(asset)), right: true },
  { title: 'STATE', of: ({ state, reason, locked_until: until }) => (reason !== null ? `${state} (${reason})` : state === 'queued' && until !== null ? `${state} (not before ${until})` : state) },
  { title: 'TO', of: ({ destination }) => destination ?? '-' },
]
