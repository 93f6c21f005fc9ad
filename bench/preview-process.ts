// One preview and one diff of all that a ledger recorded, in a process of its own, so that its memory is theirs alone.

import { createLedgers } from '../src/engine/ledger.ts'
import { diffPlans, previewPlan } from '../src/engine/preview.ts'
import type { SourceChoice } from '../src/engine/preview/source.ts'
import { rails } from '../src/rails/index.ts'
import { openStore } from '../src/store/store.ts'
import { machineEffects, stderrLog } from '../src/world.ts'
import { benchProgram } from './workload.ts'

/** What one pass took: seconds of this process on all processors, the collector's threads too. */
export type Passed = { readonly events: number; readonly preview: number; readonly diff: number; readonly mebibytes: number }

const [, , appUrl = '', name = ''] = process.argv
const [rail] = Object.values(rails)
if (rail === undefined) throw new Error('there is no rail')
const program = benchProgram(rail)
const store = openStore(appUrl, 'bench preview')
const desk = { ...machineEffects(stderrLog('warn')), store, programs: new Map([[program.name, program]]), rails }
const ledger = await createLedgers(desk).open(name)
const source: SourceChoice = { kind: 'ledger', from: null, to: null }
const changed = { kind: 'content', content: JSON.parse(JSON.stringify(program.firstPlan).replace('"80"', '"79"').replace('"2"', '"3"')) as unknown } as const

async function seconds(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}

let events = 0
const preview = await seconds(async () => {
  events = Number((await previewPlan(desk, ledger, { plan: changed, source })).events)
})
const diff = await seconds(async () => await diffPlans(desk, ledger, { before: { kind: 'in_force' }, after: changed, source }))
const passed: Passed = { events, preview, diff, mebibytes: process.resourceUsage().maxRSS / 1024 }
await store.close()
process.send?.(passed, () => process.disconnect?.())
