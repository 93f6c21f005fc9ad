// Events of a ledger that no program has given words of its own: what scenarios of a bare plan are written in.

import { z } from 'zod'
import type { EventInput } from '../event.ts'
import { readUnits } from '../money.ts'
import type { Asset } from '../money.ts'
import { checkReference } from '../reference.ts'

/** The event's body, for an asset. `amount` is a decimal of it as text; zero where the plan's rules can use an event without money. */
export function plainEvent(asset: Asset): z.ZodType<EventInput> {
  return z
    .strictObject({
      reference: z.string(),
      amount: z.string('must be a decimal as text, such as "1.5"'),
      parties: z.record(z.string(), z.string()).default({}),
      facts: z.record(z.string(), z.record(z.string(), z.string())).default({}),
      event_at: z.iso.datetime({ offset: true, error: 'must be an ISO 8601 instant with offset, such as 2026-01-31T12:00:00Z' }).optional(),
    })
    .transform(({ reference, amount, parties, facts, event_at: at }): EventInput => {
      return {
        ...{ parties, facts },
        reference: checkReference(reference, 'reference'),
        asset: asset.name,
        units: readUnits(amount, { field: 'amount', scale: asset.scale }),
        eventAt: at === undefined ? null : Temporal.Instant.from(at),
        claimed: null,
        details: null,
      }
    })
}
