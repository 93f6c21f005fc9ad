// The one order in which statements take the rows of payouts and attempts: a lane's head first, then attempts by their ids, then payouts by
// theirs. Whoever changes several takes all of them this way before the first is changed: two that come in different orders would end in a
// deadlock, which costs the database a second to see and one of them its work.

/** A `with` part named `locked` that takes the payouts of a condition, as far as it still holds when they are free. */
export function lockedPayouts(condition: string, otherwise: '' | ' skip locked' = ''): string {
  return `locked as materialized (
        select payout.lane, payout.payout from apportion.payout
        where ${condition}
        order by payout.lane, payout.payout
        for no key update${otherwise}
      )`
}

/** The same for a lane's attempts: `locked_attempt`. */
export function lockedAttempts(condition: string): string {
  return `locked_attempt as materialized (
        select attempt.attempt from apportion.attempt
        where ${condition}
        order by attempt.attempt
        for no key update
      )`
}
