// The bench's command line.

import { parseArgs } from 'node:util'
import type { Scale } from './part.ts'

export const LOADS = ['two-servers', 'defaults'] as const
export type LoadName = (typeof LOADS)[number]

export type Options = {
  readonly scale: Scale
  readonly print: 'table' | 'json' | 'markdown'
  /** Which rows run: part, name, pattern and callers are looked through. */
  readonly only: RegExp
  /** A load in place of the rows. */
  readonly load: LoadName | null
  /** How long the load lasts. */
  readonly seconds: number
}

const FULL: Scale = { ms: 3000, runs: 3, copied: 200_000, payouts: 18_000, history: 2_000_000, weighed: 100_000, recipients: 1_000_000 }
/** A minute and a half, all of it, of which code takes 20 s to get warm: in less it measures what is still cold. */
const QUICK: Scale = { ms: 400, runs: 1, copied: 30_000, payouts: 3600, history: 100_000, weighed: 15_000, recipients: 50_000 }

export const USAGE = `npm run bench -- [--quick] [--only <pattern>] [--history <transfers>] [--large <recipients>] [--json | --markdown]
npm run bench -- --load <${LOADS.join(' | ')}> [--seconds <seconds>] [--json]`

/** Throws with the usage when something is wrong. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      markdown: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      history: { type: 'string' },
      large: { type: 'string' },
      load: { type: 'string' },
      seconds: { type: 'string', default: '60' },
    },
  })
  const scale = values.quick ? QUICK : FULL
  const load = LOADS.find((name) => name === values.load) ?? null
  if (values.load !== undefined && load === null) throw new Error(`there is no load ${values.load}\n${USAGE}`)
  return {
    scale: {
      ...scale,
      ...(values.history !== undefined && { history: count('history', values.history) }),
      ...(values.large !== undefined && { recipients: count('large', values.large) }),
    },
    print: values.json ? 'json' : values.markdown ? 'markdown' : 'table',
    only: new RegExp(values.only, 'i'),
    load,
    seconds: count('seconds', values.seconds),
  }
}

/** 20e6 as well as 20000000. */
function count(name: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number <= 0) throw new Error(`--${name} is a whole number above zero, not ${text}\n${USAGE}`)
  return number
}
