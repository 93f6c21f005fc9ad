// Names where recipients are paid. A changed destination counts for events that occur later; the first one also for what waits.

import { checkParty } from '../core/account.ts'
import { present } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import { Refusal } from '../core/refusal.ts'
import { inTransaction } from '../store/statement.ts'
import { insertDestinations, insertRecipients } from '../store/wallet.ts'
import type { Ledger } from './ledger.ts'
import type { Desk } from './world.ts'

export type NamedDestination = { readonly recipient: string; readonly label: string | null; readonly destination: unknown }

/** Sets destinations of new or known recipients, all or none. Refuses `recipient_malformed`, `address_malformed`, `field_malformed`. */
export async function setDestinations(
  desk: Pick<Desk, 'store' | 'rails' | 'now'>,
  ledger: Ledger,
  given: readonly NamedDestination[],
): Promise<void> {
  const destinations = given.map(({ recipient, destination }) => ({
    recipient: checkParty(recipient, 'recipient'),
    destination: parseDestination(desk, ledger, recipient, destination),
  }))
  const names = new Set(destinations.map(({ recipient }) => recipient))
  if (names.size < destinations.length) {
    const { recipient } = present(destinations.find((one, place) => destinations.findIndex((other) => other.recipient === one.recipient) < place), 'recipient')
    throw new Refusal('field_malformed', `${recipient} is given two addresses at once: leave one out`, { field: 'recipient', recipient })
  }
  const at = desk.now()
  await inTransaction(desk.store.pool, async (client) => {
    await insertRecipients(client, { ledger: ledger.id, recipients: given.map(({ recipient, label }) => ({ recipient, label })), at })
    await insertDestinations(client, { ledger: ledger.id, destinations, at })
  })
}

function parseDestination({ rails }: Pick<Desk, 'rails'>, ledger: Ledger, recipient: string, given: unknown): JsonObject {
  const { rail } = ledger.row
  const parsed = rails[rail]?.destination.safeParse(given)
  if (parsed?.success === true) return parsed.data
  const problem = parsed?.error.issues[0]?.message ?? 'unknown rail'
  throw new Refusal('address_malformed', `the destination of ${recipient} is none of ${rail}: ${problem}`, { field: 'address', recipient, problem })
}
