// The statements of a lane's recipients over the second half of its journal (I9): the opening and the closing by their balances, what lies
// between by the transfers. Any other span follows from the balances, which are recomputed row by row.

import { accountName, RECIPIENT_ROLES, TRANSFER_KINDS } from '../../core/account.ts'
import { middleOf, statementFaults } from '../../store/verify-statements.ts'
import type { Reading } from './books.ts'

const NAMES = Object.entries(TRANSFER_KINDS).flatMap(([kind, { statement }]) => (statement === null ? [] : [{ kind, line: statement }]))

export async function checkStatements({ lane, position, snapshot, findings }: Reading): Promise<void> {
  const after = await middleOf(snapshot, lane)
  for (const fault of await statementFaults(snapshot, { lane, after, roles: RECIPIENT_ROLES, names: NAMES, limit: findings.room() })) {
    const { recipient, asset, opening, earned, adjusted, fees, paid, closing } = fault
    const reached = opening + earned + adjusted - fees - paid
    findings.broken('statement', { lane: position, account: accountName('payable', recipient), asset }, {
      expected: `${reached} units: from transfer ${after + 1n} on, opening ${opening} + earned ${earned} + adjusted ${adjusted} − fees ${fees} − paid ${paid}`,
      found: `${closing} units in the recipient's accounts`,
    })
  }
}
