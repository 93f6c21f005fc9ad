// What an allocation may be as large as. Every limit has its reason; the doors refuse beyond them, the code behind them asserts.

/** Largest pool, in units: what stays below the ledger's 39 digits with room for what stands already. */
export const MAX_POOL = 10n ** 38n

/** Largest weight as it is written. Brought to a common scale with others, it may have more digits. */
export const MAX_WEIGHT = 10n ** 38n

/** Most weights held in memory at once: 10^7 of them in typed arrays take 350 MB. More are streamed in chunks by `createDivision`. */
export const MAX_WEIGHTS = 10_000_000

/** A running entitlement's fraction counts in 10^-38 of a unit: as many digits as a column of the ledger holds. */
export const FRACTION = 10n ** 38n

/** Most weights of one case by the command: below its longest line, and so that a line's answer is there within a second. */
export const MAX_CASE_WEIGHTS = 100_000

/** Digits of the common scale of weights given as fractions: more would make one case as dear as thousands. */
export const MAX_SCALE_DIGITS = 1000
