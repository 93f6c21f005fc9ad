// What a profit share remembers once a part of an event is reversed: its close is smaller by that part, and what followed is worked out anew.

import { present } from '../../assert.ts'
import { atLeastZero, givenBack, reversedOf, type ChangedState, type GivingBack, type Portion } from '../give-back.ts'
import { DECIMAL } from '../grain.ts'
import type { RuleState } from '../rule.ts'
import { placeOf, readClose, readMemory, record, walk, writeClose, writeMemory, type Memory } from './memory.ts'
import { advance, type Close, type Standing } from './standing.ts'
import { termsOf, type Parameters, type Terms } from './terms.ts'

/**
 * The close keeps its place with what is left of its result and movement, and is gone with the last of the event. Running results, mark,
 * hurdle and shares after it are worked out anew, as for a late close, and the difference is due or owed with the pools that come; what
 * pools had covered of the event is due again in proportion. Of a close too old to be kept, and where each win stands alone, what it
 * added to the standing is given back in proportion instead: what later closes made of it stays.
 */
export function giveBack({ step, changed, now, portion }: GivingBack, given: Parameters): RuleState {
  const terms = termsOf(given)
  return new Map(
    changed.flatMap((each) => {
      if (!each.key.startsWith(SUBJECT)) return []
      const after = memoryAfter(each, readMemory(now.get(each.key)), { step, terms, portion })
      return after === null ? [] : [[each.key, writeMemory(after)] as const]
    }),
  )
}

const SUBJECT = 'subject/'

function memoryAfter({ before, after }: ChangedState, now: Memory, { step, terms, portion }: { step: string; terms: Terms; portion: Portion }): Memory {
  const was = readMemory(before ?? undefined)
  const { brought, due } = readMemory(after)
  const close = readClose(present(brought ?? undefined, 'close of the event'))
  const { dueBefore, added } = record(was, close, terms, step)
  // What pools covered of it comes back with their money.
  const covered = givenBack(dueBefore + added - due, portion)
  const anew = withoutPart(now, { close, was, terms, portion })
  const shares = walk(anew.base, anew.closes, terms).shares - walk(now.base, now.closes, terms).shares
  return { ...now, base: anew.base, closes: anew.closes, now: walk(anew.base, anew.closes, terms).standing, due: now.due + covered + shares - anew.taken, brought: null }
}

/** `taken`: shares that were made before the closes that are kept, and are no more. */
type Anew = Pick<Memory, 'base' | 'closes'> & { readonly taken: bigint }

function withoutPart(now: Memory, { close, was, terms, portion }: { close: Close; was: Memory; terms: Terms; portion: Portion }): Anew {
  const { base, closes } = now
  const reversed = portion.before + portion.units
  const place = closes.indexOf(writeClose(leftOf(close, portion)))
  const left = reversed === portion.of ? [] : [writeClose(leftOf(close, { ...portion, before: reversed }))]
  if (place >= 0) return { base, closes: closes.toSpliced(place, 1, ...left), taken: 0n }
  const own = ownOf(close, was, terms)
  const part = (delta: bigint): bigint => givenBack(delta, portion, DECIMAL)
  const { value, mark, hurdle, wins } = own.standing
  const lowered = { ...base, value: base.value - part(value), mark: base.mark - part(mark), hurdle: atLeastZero(base.hurdle - part(hurdle)), wins: atLeastZero(base.wins - part(wins)) }
  return { base: lowered, closes, taken: givenBack(own.shares, portion) }
}

/** What is left of a close of which a part was reversed. */
function leftOf(close: Close, portion: Pick<Portion, 'of' | 'before'>): Close {
  return { ...close, net: close.net - reversedOf(close.net, portion, DECIMAL), moved: close.moved - reversedOf(close.moved, portion, DECIMAL) }
}

/** What a close by itself did where it stood: against one of the same instant that brought nothing, so that what time does stays. */
function ownOf(close: Close, { base, closes }: Memory, terms: Terms): { readonly standing: Pick<Standing, 'value' | 'mark' | 'hurdle' | 'wins'>; readonly shares: bigint } {
  const met = walk(base, terms.keep === null ? [] : closes.slice(0, placeOf(close, closes)), terms).standing
  const [own, none] = [advance(met, close, terms), advance(met, { ...close, net: 0n, moved: 0n }, terms)]
  const of = (read: (standing: Standing) => bigint): bigint => read(own.standing) - read(none.standing)
  return { standing: { value: of(({ value }) => value), mark: of(({ mark }) => mark), hurdle: of(({ hurdle }) => hurdle), wins: of(({ wins }) => wins) }, shares: own.shares - none.shares }
}
