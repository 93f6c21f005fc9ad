// What a reversal gives back of what a rule remembers: the part of what the reversed event had changed, so that the parts add up to all of it.

import type { Json } from '../effects.ts'

type Remembered = ReadonlyMap<string, Json>

/** Units that can be reversed of an event in all, how many of them were before, and how many are now. */
export type Portion = { readonly units: bigint; readonly of: bigint; readonly before: bigint }

/** What an event changed of what its plan's rules remember. */
export type ChangedState = { readonly key: string; readonly before: Json | null; readonly after: Json }

/** What a rule is asked to give back, by its own keys: what the event changed, and what is remembered of those keys now. */
export type GivingBack = { readonly step: string; readonly changed: readonly ChangedState[]; readonly now: Remembered; readonly portion: Portion }

/**
 * How much of a number that an event changed is given back: in proportion to all that is reversed by now, cut towards zero to whole steps
 * of `grain`, less what was given back before. With the last of the event all of it is.
 */
export function givenBack(delta: bigint, portion: Portion, grain = 1n): bigint {
  return reversedOf(delta, { ...portion, before: portion.before + portion.units }, grain) - reversedOf(delta, portion, grain)
}

/** How much of a number was given back by the reversals before. */
export function reversedOf(delta: bigint, { of, before }: Pick<Portion, 'of' | 'before'>, grain = 1n): bigint {
  if (before === of) return delta
  const part = (delta * before) / of
  return part - (part % grain)
}

/** Of a rule that counts units under the keys that begin so: what it added falls in proportion. What belongs to a time that is over is gone. */
export function giveBackCounted(prefix: string): (given: GivingBack) => Remembered {
  return ({ changed, now, portion }) =>
    new Map(
      changed.flatMap(({ key, before, after }) => {
        if (!key.startsWith(prefix)) return []
        const left = countOf(now.get(key) ?? null) - givenBack(countOf(after) - countOf(before), portion)
        return [[key, atLeastZero(left).toString()] as const]
      }),
    )
}

export function countOf(value: Json): bigint {
  return typeof value === 'string' && /^[0-9]+$/.test(value) ? BigInt(value) : 0n
}

export function atLeastZero(value: bigint): bigint {
  return value > 0n ? value : 0n
}
