// The faults of a history: which kinds there are, how often each happens under a seed (a swarm: some seeds have one kind at a high rate,
// some all at low ones, some none), and how often each was really put in. A kind that nothing can be hit by yet is listed, not counted.

import type { Counters } from '../../src/rails/solana/sandbox/knobs.ts'
import type { HistoryPlan, Rates } from '../history.ts'
import type { Random } from '../random.ts'

/** What one chance stands for: a turn taken, a batch of statements, a request, a slot, or a moment. */
type Per = 'turn' | 'statement' | 'request' | 'transaction' | 'slot' | 'moment' | 'history'

type Kind = { readonly per: Per; readonly low: number; readonly high: number; /** Counted by the sandbox. */ readonly counter?: keyof Counters }

export const KINDS = {
  // Processes.
  'server killed at any turn': { per: 'turn', low: 0.0004, high: 0.004 },
  'server killed at a named point': { per: 'history', low: 1, high: 6 },
  'all servers killed': { per: 'moment', low: 0.01, high: 0.06 },
  'server paused, woken late': { per: 'moment', low: 0.03, high: 0.2 },
  'clock skewed': { per: 'history', low: 0.3, high: 1 },
  'clock jumped': { per: 'moment', low: 0.02, high: 0.15 },
  'signer killed at any turn': { per: 'turn', low: 0.01, high: 0.1 },
  // Doors.
  'request lost': { per: 'request', low: 0.02, high: 0.2 },
  'request late': { per: 'request', low: 0.03, high: 0.3 },
  'request twice': { per: 'request', low: 0.03, high: 0.3 },
  'answer lost': { per: 'request', low: 0.03, high: 0.25 },
  'answer late': { per: 'request', low: 0.03, high: 0.3 },
  'stale server asked': { per: 'request', low: 0.3, high: 1 },
  // The database.
  'statement slow': { per: 'statement', low: 0.01, high: 0.1 },
  'connection lost before a statement': { per: 'statement', low: 0.001, high: 0.01 },
  'connection lost after a statement': { per: 'statement', low: 0.001, high: 0.01 },
  'connection lost before commit': { per: 'statement', low: 0.005, high: 0.05 },
  'connection lost after commit': { per: 'statement', low: 0.005, high: 0.05 },
  'serialization failure': { per: 'statement', low: 0.002, high: 0.02 },
  'deadlock': { per: 'statement', low: 0.001, high: 0.01 },
  'database restarted': { per: 'moment', low: 0.01, high: 0.06 },
  // The network.
  'rpc request lost': { per: 'request', low: 0.03, high: 0.25, counter: 'requestsLost' },
  'rpc request late': { per: 'request', low: 0.005, high: 0.05 },
  'rpc request twice': { per: 'request', low: 0.03, high: 0.3, counter: 'requestsDuplicated' },
  'rpc request twice, the second late': { per: 'request', low: 0.02, high: 0.2 },
  'rpc answer lost': { per: 'request', low: 0.03, high: 0.25, counter: 'responsesLost' },
  'rpc answer late': { per: 'request', low: 0.005, high: 0.05 },
  'accepted, then an error answered': { per: 'transaction', low: 0.05, high: 0.5, counter: 'acceptedThenErrored' },
  'transaction dropped': { per: 'transaction', low: 0.03, high: 0.3, counter: 'transactionsDropped' },
  'inclusion late, up to expiry': { per: 'history', low: 0.3, high: 1, counter: 'inclusionsDelayed' },
  'node forgot history': { per: 'request', low: 0.03, high: 0.3, counter: 'requestsForgetful' },
  'node lagged': { per: 'request', low: 0.05, high: 0.5, counter: 'requestsLagging' },
  'node crashed': { per: 'request', low: 0.001, high: 0.01, counter: 'crashes' },
  'node crashed and forgot history': { per: 'moment', low: 0.005, high: 0.04 },
  'rate limited': { per: 'history', low: 0.3, high: 1, counter: 'requestsLimited' },
  're-org': { per: 'slot', low: 0.002, high: 0.03, counter: 'reorgs' },
  'fee spike': { per: 'moment', low: 0.01, high: 0.06, counter: 'transactionsUnderpriced' },
  'wallet short of money': { per: 'history', low: 0.3, high: 1 },
  // Callers freeze by themselves; this is how often it is let through.
  'recipient frozen': { per: 'history', low: 1, high: 1 },
} as const satisfies Readonly<Record<string, Kind>>

export type FaultKind = keyof typeof KINDS

/** Effects of others' faults, counted to show that they came about. */
const CONSEQUENCES = { 'blockhash expired': 'transactionsExpired', 'transaction undone by a re-org': 'transactionsReorged' } as const satisfies Readonly<Record<string, keyof Counters>>

/** What no rail and no program has yet, with what it waits for. It does not count. */
export const NOT_YET = {
  'callback lost, late or twice': 'no rail is told by callbacks: the first one with them brings its knobs',
  'webhook forged or out of order': 'no rail reads webhooks, and no webhooks go out yet',
  'claim raced by two claimants': 'no program lets recipients claim',
  'resource spent by somebody else': 'Solana needs no coins or nonces of a wallet: the first rail with them brings it',
} as const

export type Faults = {
  /** Draws whether a fault happens now, and counts it. Never while faults are off. */
  readonly happens: (kind: FaultKind) => boolean
  /** A rate as it is under this seed; 0 while faults are off. */
  readonly rate: (kind: FaultKind) => number
  readonly count: (kind: FaultKind, by?: number) => void
  readonly stop: () => void
  readonly rates: Rates
  /** With what the network itself counted. */
  readonly counted: (network: Counters) => Readonly<Record<string, number>>
}

export function createFaults(random: Random, plan: HistoryPlan): Faults {
  const rates = new Map<string, number>(Object.entries({ ...drawRates(random.fork('swarm')), ...plan.rates }))
  const counts = new Map<string, number>()
  const chance = random.fork('faults')
  let on = true
  const rate = (kind: FaultKind): number => (on ? (rates.get(kind) ?? 0) : 0)
  const count = (kind: FaultKind, by = 1): void => void counts.set(kind, (counts.get(kind) ?? 0) + by)
  return {
    happens: (kind) => {
      const probability = rate(kind)
      if (probability <= 0 || !chance.chance(probability)) return false
      count(kind)
      return true
    },
    rate,
    count,
    stop: () => {
      on = false
    },
    rates: Object.fromEntries(rates),
    counted: (network) => {
      const own = Object.keys(KINDS).flatMap((name): [string, number][] => {
        const { counter }: Kind = KINDS[name as FaultKind]
        const times = (counts.get(name) ?? 0) + (counter === undefined ? 0 : network[counter])
        return times > 0 ? [[name, times]] : []
      })
      const others = Object.entries(CONSEQUENCES).flatMap(([name, counter]): [string, number][] => (network[counter] > 0 ? [[name, network[counter]]] : []))
      return Object.fromEntries([...own, ...others])
    },
  }
}

/** One kind alone at its high rate, a few kinds at any, all at low ones, or none. */
function drawRates(random: Random): Rates {
  const kinds = Object.entries(KINDS) as [FaultKind, Kind][]
  const style = random.below(100)
  if (style < 5) return {}
  if (style < 25) {
    const [name, { high }] = random.pick(kinds)
    return { [name]: high }
  }
  if (style < 50) return Object.fromEntries(kinds.map(([name, { low }]) => [name, low * 0.7]))
  const share = 0.1 + random.below(50) / 100
  return Object.fromEntries(kinds.filter(() => random.chance(share)).map(([name, { low, high }]) => [name, random.chance(0.3) ? high : low]))
}
