// A bonus on shares that an earlier step gave: out of the share it is based on, or out of a fund beside it.

import { accountName } from '../account.ts'
import { present } from '../assert.ts'
import type { Json } from '../effects.ts'
import { commonDenominator } from '../ratio.ts'
import { minus, NOUGHT, ONE, plus, ratioOfRate } from './rate.ts'
import type { Chains } from './referrals.ts'
import type { GivenShare, Line, PartExplanation, RuleState, Split, SplitInput, StepRounding } from './rule.ts'
import { divide, exactly, explainLines, linesOf, roundingKeys, type Entry, type Weighted, type WeightedInput } from './weighted.ts'

/** `fund` null: out of the share. */
type OnShares = { readonly rates: readonly string[]; readonly chains: Chains; readonly fund: string | null }

/** One share with its bonuses. A share whose owner nobody referred is not divided. */
type Division = { readonly share: GivenShare; readonly place: number; readonly input: WeightedInput; readonly entries: readonly Entry[]; readonly divided: Weighted | null }

/** Keys of what the policy remembers for each member's division. */
export function keysOfShares(rounding: StepRounding, members: readonly string[], chains: Chains): readonly string[] {
  return members.flatMap((member) => {
    const referrers = chains(member)
    return referrers.length === 0 ? [] : roundingKeys(rounding, () => [member, ...referrers.map((referrer) => `${member}/${referrer}`)], member)
  })
}

export function changeShares(input: SplitInput, given: OnShares): Split {
  const { divisions, state } = work(input, given)
  return { lines: divisions.flatMap((division) => linesOfShare(division, given)), state }
}

/** Two shares of one member are divided one after the other: the second on what the first left to remember. */
function work(input: SplitInput, { rates, chains }: OnShares): { divisions: readonly Division[]; state: RuleState } {
  const changes = new Map<string, Json>()
  const standing = new Map(input.state)
  const divisions = input.given.map((share, place): Division => {
    const own: WeightedInput = { step: input.step, pool: share.units, rounding: input.rounding, state: standing, name: share.recipient }
    const referrers = chains(share.recipient)
    const entries = entriesOf(share, { place, referrers, rates })
    if (referrers.length === 0) return { share, place, input: own, entries, divided: null }
    const divided = divide(own, entries)
    for (const [key, value] of divided.state) {
      standing.set(key, value)
      changes.set(key, value)
    }
    return { share, place, input: own, entries, divided }
  })
  return { divisions, state: changes }
}

/** The share first: a tie is its owner's. */
function entriesOf({ role, recipient }: GivenShare, { place, referrers, rates }: { place: number; referrers: readonly string[]; rates: readonly string[] }): readonly Entry[] {
  const parts = rates.slice(0, referrers.length).map(ratioOfRate)
  const rest = minus(ONE, parts.reduce(plus, NOUGHT))
  const scale = present(commonDenominator(parts), 'common denominator')
  const share: Entry = { key: recipient, place, role, name: 'referred', to: accountName('payable', recipient), weight: (rest.numerator * scale) / rest.denominator }
  const bonuses = referrers.map((referrer, level): Entry => {
    const { numerator, denominator } = parts[level] ?? NOUGHT
    return { key: `${recipient}/${referrer}`, zone: 'others', place: place * rates.length + level, role: 'bonus', to: accountName('payable', referrer), weight: (numerator * scale) / denominator }
  })
  return [share, ...bonuses]
}

function linesOfShare({ share, place, input, entries, divided }: Division, { fund }: OnShares): readonly Line[] {
  const whole: Line = { place, role: share.role, from: place, to: accountName('payable', share.recipient), units: share.units }
  if (divided === null) return [whole]
  if (fund === null) return linesOf(input, entries, divided, { from: place, place })
  const bonuses = entries.map(({ role, place: at, to }, index): Line => ({ place: at, zone: 'others', role, from: accountName('fund', fund), to, units: divided.units[index] ?? 0n }))
  return [whole, ...bonuses.slice(1)]
}

export function explainShares(input: SplitInput, given: OnShares): readonly PartExplanation[] {
  return work(input, given).divisions.flatMap((division) => explanationsOf(division, given))
}

function explanationsOf({ share, place, input, entries, divided }: Division, { rates, fund }: OnShares): readonly PartExplanation[] {
  const size = share.units.toString()
  const whole = (grounds: string): PartExplanation => exactly({ place, role: share.role, grounds, formula: size, inputs: { share: size }, units: share.units })
  if (divided === null) return [whole(`all of ${size} units: nobody referred ${share.recipient}`)]
  const funding = fund === null ? share.recipient : accountName('fund', fund)
  const explained = explainLines(input, entries, divided, {
    place,
    say: (_, index) => {
      const own = rates[index - 1] ?? ''
      const inputs = { share: size, referred: share.recipient, funding }
      if (index === 0) return { grounds: `${size} units, less the bonus of who referred ${share.recipient}`, inputs: { ...inputs, rates: rates.slice(0, entries.length - 1).join(', ') } }
      return { grounds: `a bonus of ${own} of the ${size} units of ${share.recipient}, whom they referred, out of ${fund === null ? 'that share' : funding}`, inputs: { ...inputs, rate: own, level: index.toString() } }
    },
  })
  return fund === null ? explained : [whole(`all of ${size} units: the bonus comes out of ${funding}`), ...explained.slice(1)]
}
