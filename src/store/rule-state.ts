// What plans' rules remember, as it stood when an event was divided.

import type { Json } from '../core/effects.ts'
import type { Statement } from './statement.ts'

export type StateRow = { readonly key: string; readonly value: Json }

/** Rows of what was remembered under these keys just before an event; keys that nothing was remembered under have none. */
export function statesBefore(lane: bigint, { event, keys }: { event: bigint; keys: readonly string[] }): Statement {
  return {
    text: `select wanted.key, found.value
      from unnest($3::text[]) as wanted (key)
      cross join lateral (
        select value from apportion.rule_state
        where lane = $1 and key = wanted.key and event < $2
        order by event desc
        limit 1
      ) found`,
    values: [lane, event, [...keys]],
  }
}

/** Everything that was remembered in a lane once an event had been recorded. */
export function statesAfter(lane: bigint, event: bigint): Statement {
  return {
    text: `select distinct on (key) key, value from apportion.rule_state where lane = $1 and event <= $2 order by key, event desc`,
    values: [lane, event],
  }
}
