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

/**
 * The same for payouts of a lane ($1) that are named one by one: `asked` answers them with all that is wanted of them beside `locked.payout`.
 * Each is a look-up by its key: a subquery with a limit is never turned into a scan of the lane, as a list of ids is while a table has grown
 * since it was last analysed. That each is the one asked for is said twice: the planner then expects few, and whoever changes them by `OF_LOCKED`
 * looks them up as well, where it would read the lane into a hash for many.
 */
export function lockedNamed(asked: string, condition: string, otherwise: '' | ' skip locked' = ''): string {
  return `locked as materialized (
        select asked.* from (${asked} order by payout) asked
        join lateral (
          select payout.lane, payout.payout from apportion.payout
          where payout.lane = $1 and payout.payout = asked.payout and ${condition}
          limit 1
          for no key update${otherwise}
        ) found on found.payout = asked.payout and found.lane = $1
      )`
}

/** Which payout is changed for each row of `locked`. */
export const OF_LOCKED = `payout.lane = $1 and payout.payout = locked.payout`

/** The same for a lane's attempts: `locked_attempt`. */
export function lockedAttempts(condition: string): string {
  return `locked_attempt as materialized (
        select attempt.attempt from apportion.attempt
        where ${condition}
        order by attempt.attempt
        for no key update
      )`
}
