// The auditor's own arithmetic: what each leg of a sale must be, worked out without any code of the engine.

export const ROLES = ['ai', 'dao', 'lucky', 'creator'] as const
export type Role = (typeof ROLES)[number]

const PERCENT: Readonly<Record<Role, bigint>> = { ai: 80n, dao: 15n, lucky: 3n, creator: 2n }

/** Lamports of each leg: whole hundredths first, then a lamport each to the largest remainders, ties in the order of the plan. */
export function legsOf(lamports: bigint): Readonly<Record<Role, bigint>> {
  const legs = Object.fromEntries(ROLES.map((role) => [role, (lamports * PERCENT[role]) / 100n])) as Record<Role, bigint>
  let left = lamports - ROLES.reduce((sum, role) => sum + legs[role], 0n)
  const byRemainder = ROLES.map((role, place) => ({ role, place, remainder: (lamports * PERCENT[role]) % 100n }))
  byRemainder.sort((a, b) => (a.remainder === b.remainder ? a.place - b.place : a.remainder > b.remainder ? -1 : 1))
  for (const { role } of byRemainder) {
    if (left === 0n) break
    legs[role] += 1n
    left -= 1n
  }
  return legs
}

/** Lamports as SOL with nine decimals. */
export function sol(lamports: bigint): string {
  const text = lamports.toString().padStart(10, '0')
  return `${text.slice(0, -9)}.${text.slice(-9)}`
}
