// `npm run crash`: the true program as people run it, two servers on one database with their signers, a real PostgreSQL and the sandbox network
// as a process, killed with SIGKILL hundreds of times, at random moments and at every named point, while callers call through every door. At
// the end an outsider compares chain, ledger and shares.

import { parseArgs } from 'node:util'
import { PARTS } from './crash/kills.ts'
import { perform } from './crash/perform.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    /** Longest time to kill for. */
    minutes: { type: 'string', default: '20' },
    ledgers: { type: 'string', default: '6' },
    seed: { type: 'string', default: String(Date.now()) },
  },
})
const kills = Number(values.kills)

/** Payouts for each kill, so that there is always somebody to be paid. */
const PAYOUTS = 8

await perform({ seed: values.seed, parts: new Set(PARTS), kills, minutes: Number(values.minutes), ledgers: Number(values.ledgers), payouts: kills * PAYOUTS })
