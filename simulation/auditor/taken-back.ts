// A large distribution that was taken back in chunks: each share loses its part of what comes back, by what is left of all of them, first
// from what was not paid yet; the rest its recipient owes.

import { partyOf, roleOf } from './balances.ts'
import type { Findings } from './findings.ts'
import type { Transfer } from './journal.ts'
import { createMemory } from './memory.ts'
import { divide } from './rounding.ts'

type Share = { readonly part: string; readonly recipient: string; readonly units: bigint; readonly bySnapshot: boolean; taken: bigint }

/** What came back of a share: `unpaid` is what could be taken without owing when its chunk came. */
type Lost = { readonly payable: bigint; readonly owed: bigint; readonly unpaid: bigint }

export type TakenBack = {
  readonly reference: string
  readonly units: bigint
  /** The event's shares that were given in chunks, by part, in that order. */
  readonly shares: ReadonlyMap<string, Share>
  /** By part. */
  readonly lost: Map<string, Lost>
  /** Those before it that took the same event back. */
  readonly before: readonly TakenBack[]
  readonly of: object
}

/** `all`: of its lane, those before it. */
export function beginTakenBack(reference: string, units: bigint, { of, all }: { readonly of: { readonly shares: readonly Share[] }; readonly all: Iterable<TakenBack> }): TakenBack {
  const shares = new Map(of.shares.filter(({ bySnapshot }) => bySnapshot).map((share) => [share.part, share]))
  return { reference, units, shares, lost: new Map(), before: [...all].filter((other) => other.of === of), of }
}

/** `away`: shares that are paid, or on their way. */
export function noteTakenBack({ shares, lost }: TakenBack, { part, debit, units }: Transfer, away: ReadonlySet<object>): void {
  const share = shares.get(part)
  if (share?.recipient !== partyOf(debit)) return void lost.set(`${part} ${debit}`, { payable: units, owed: 0n, unpaid: 0n })
  const { payable, owed, unpaid } = lost.get(part) ?? { payable: 0n, owed: 0n, unpaid: away.has(share) ? 0n : share.units - share.taken }
  if (roleOf(debit) === 'payable') {
    share.taken += units
    lost.set(part, { payable: payable + units, owed, unpaid })
  } else lost.set(part, { payable, owed: owed + units, unpaid })
}

/** One that is not complete has taken back of the first ones. Answers how many were recomputed. */
export function checkTakenBack(findings: Findings, { reference, units, shares, lost, before }: TakenBack): number {
  const lostBefore = (part: string): bigint => before.reduce((all, each) => all + sumOf(each.lost.get(part)), 0n)
  const takers = [...shares.values()].map(({ part, recipient, units: own }) => ({ key: part, role: '', to: recipient, weight: own - lostBefore(part) }))
  const isPossible = takers.every(({ weight }) => weight >= 0n) && takers.reduce((all, { weight }) => all + weight, 0n) >= units
  findings.expect('I8', isPossible, () => `${reference} takes back ${units} of shares of which less was left`)
  if (!isPossible) return 0
  const due = divide(units, takers, { rounding: 'largest-remainder', memory: createMemory() })
  const wanted = [...shares.values()].flatMap(({ part }, place) => ((due[place] ?? 0n) > 0n ? [`${part} ${due[place]}`] : []))
  const found = [...lost].map(([part, each]) => `${part} ${sumOf(each)}`)
  findings.expect('I8', found.join() === wanted.slice(0, found.length).join(), () => `${reference} must take back ${wanted.slice(0, found.length).join(', ')}; the ledger has ${found.join(', ')}`)
  for (const [part, { payable, owed, unpaid }] of lost) {
    const all = payable + owed
    findings.expect('I8', payable === (all < unpaid ? all : unpaid), () => `${reference} took ${payable} of part ${part}, of which ${unpaid} were not paid, and ${owed} are owed`)
  }
  return found.length
}

function sumOf(lost: Lost | undefined): bigint {
  return lost === undefined ? 0n : lost.payable + lost.owed
}
