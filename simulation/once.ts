// `npm run once`: the short form of `npm run crash`. Some thirty callers call through all doors, over a faulty network, while the whole program
// is killed twice, with PostgreSQL and the network. At the end an auditor that reads only the chain and the public records says whether
// everything was paid once, and the ledger proves itself.

import { perform } from './crash/perform.ts'
import { proveHistory } from './crash/prove.ts'

await perform({ seed: String(Date.now()), parts: new Set(['everything']), kills: 2, minutes: 5, ledgers: 3, payouts: 600 }, proveHistory)
