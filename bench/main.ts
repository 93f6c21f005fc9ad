// `npm run bench`: figures as ratios against limits measured in the same run on the same machine; or a load with `--load`.

import { exitCodeOf, hearSignals } from '../src/boot/signals.ts'
import { machineEffects, stderrLog } from '../src/world.ts'
import { runLoad } from './load.ts'
import { readOptions } from './options.ts'
import { runRows } from './rows.ts'

const options = readOptions(process.argv.slice(2))
const asked = hearSignals()
const effects = machineEffects(stderrLog('warn'))
/** Everybody looks at this clock between two calls: an interrupted bench ends there, and takes its processes and folders away. */
const nowMs = (): number => {
  asked.signal.throwIfAborted()
  return performance.now()
}
try {
  const good = options.load === null ? await runRows(effects, options, nowMs) : await runLoad(effects, { ...options, load: options.load }, nowMs)
  process.exitCode = good ? 0 : 1
} catch (error) {
  if (!asked.signal.aborted) throw error
}
if (asked.signal.aborted) process.exitCode = exitCodeOf(await asked.came)
