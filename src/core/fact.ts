// Standing facts: a percentage, a threshold, whatever is said once and holds until it is said anew. Values are decimal text, compared
// exactly. What is in force at an instant never changes once that instant is past.

import { clip, quote } from './money.ts'
import { Refusal } from './refusal.ts'
import { FACT_NAME } from './settings.ts'

const SUBJECT = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$/
const VALUE = /^([0-9]{1,38})(?:\.([0-9]{1,18}))?$/
const DECIMALS = 18

export type FactName = { readonly name: string; readonly subject: string }

/** Refuses `fact_invalid` for a name or subject that is none. */
export function checkFactName({ name, subject }: FactName): FactName {
  if (!FACT_NAME.test(name)) throw invalid('name', name, 'must be 1 to 63 small letters, digits, dots, dashes or underscores')
  if (!SUBJECT.test(subject)) throw invalid('subject', subject, 'must be 1 to 100 letters, digits, dots, dashes, colons or underscores')
  return { name, subject }
}

/** A value in its only form: no leading or trailing zeros. Refuses `fact_invalid` for what is no plain decimal. */
export function parseFactValue(given: string): string {
  const [, whole, part = ''] = VALUE.exec(given) ?? []
  if (whole === undefined) throw invalid('value', given, `must be a plain decimal with at most 38 digits before the point and ${DECIMALS} after it, such as 2.5`)
  const decimals = part.replace(/0+$/, '')
  const integer = whole.replace(/^0+(?=[0-9])/, '')
  return decimals === '' ? integer : `${integer}.${decimals}`
}

/** Below, equal or above zero as the first value is smaller than, equal to or larger than the second. */
export function compareFactValues(one: string, other: string): number {
  const [a, b] = [scaled(one), scaled(other)]
  return a < b ? -1 : a > b ? 1 : 0
}

function scaled(value: string): bigint {
  const [whole = '0', part = ''] = value.split('.')
  return BigInt(`${whole}${part.padEnd(DECIMALS, '0')}`)
}

function invalid(field: string, value: string, problem: string): Refusal {
  return new Refusal('fact_invalid', `${field} ${problem}, not ${quote(value)}`, { field, value: clip(value) })
}
