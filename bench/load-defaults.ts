// The server exactly as `npm start` ships it, under 256 callers: nobody stalls, and nobody hears of an error but to come back later.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { present } from '../src/core/assert.ts'
import type { Effects } from '../src/core/effects.ts'
import { parseAsset } from '../src/core/money.ts'
import { firstProgram } from '../src/programs/index.ts'
import { rails } from '../src/rails/index.ts'
import { startEmbedded } from '../src/store/embedded/start.ts'
import { createPool } from '../src/store/pool.ts'
import { apportion, startProgram, tryApportion } from '../simulation/process.ts'
import { openClient } from './http.ts'
import type { Loaded, Loading } from './loading.ts'
import { answersText, compareStored, sell } from './sale-callers.ts'

const CALLERS = 256
/** Longer than any batch, checkpoint or collection of garbage takes: in that time somebody has been answered unless something is stuck. */
const STALL_MS = 2_000

/** Whole coins in the wallet: plenty for all sales of a run, so that everything is paid meanwhile. */
const COINS = 1_000_000n

export async function loadDefaults({ effects, seconds, nowMs, say }: Loading): Promise<Loaded> {
  const directory = mkdtempSync(join(tmpdir(), 'apportion-load-'))
  try {
    say('the program starts')
    const program = await startProgram(directory)
    const embedded = await startEmbedded({ dataDirectory: join(directory, 'postgres'), effects })
    const owner = createPool({ url: embedded.url, max: 2, applicationName: 'load' })
    try {
      const { name, sample } = firstProgram
      const { key } = JSON.parse(await apportion(directory, ['key', 'create', 'load', '--rights', 'record', '--json'])) as { key: string }
      const client = openClient({ url: program.url, key })
      const { rows } = await owner.query<{ event: bigint; address: string }>('select event, address from apportion.head, apportion.wallet')
      const { event: before, address } = present(rows[0], 'head and wallet')
      await fund(effects, { url: networkOf(program.output()), address })
      say(`${CALLERS} callers for ${seconds} s`)
      const sold = await sell({
        ...{ effects, ledger: name, callers: CALLERS, ms: seconds * 1000, nowMs },
        token: present(sample.parties[0], 'party').recipient,
        route: () => [client],
      })
      client.close()
      say('what is stored is compared with what was answered, and verified')
      const differences = await compareStored(owner, { acknowledged: sold.acknowledged, before })
      const verified = await tryApportion(directory, ['verify'])
      return {
        figures: [
          ['callers', String(CALLERS)],
          ['sales answered as recorded', sold.acknowledged.length.toLocaleString('en')],
          ['sales a second', Math.round(sold.perSecond).toLocaleString('en')],
          ['median and p99 of an answer, ms', `${sold.medianMs.toFixed(1)}, ${sold.p99Ms.toFixed(1)}`],
          ['longest gap between two answers, ms', sold.longestGapMs.toFixed(1)],
          ['answers by status', answersText(sold)],
          ['verify', verified.printed.trim().split('\n')[0] ?? ''],
        ],
        faults: [
          ...sold.faults,
          ...differences,
          ...(sold.longestGapMs > STALL_MS ? [`nobody was answered for ${Math.round(sold.longestGapMs)} ms`] : []),
          ...(sold.calls === 0 ? ['nobody was answered at all'] : []),
          ...(verified.code === 0 ? [] : [`verify ended with ${verified.code}: ${verified.printed || verified.complaints}`]),
        ],
      }
    } finally {
      await owner.end()
      await program.stop()
      await embedded.stop()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

async function fund(effects: Effects, { url, address }: { readonly url: string; readonly address: string }): Promise<void> {
  const rail = present(Object.values(rails)[0], 'rail')
  const { scale } = parseAsset(present(rail.nativeAssets[0], 'native asset'))
  await rail.sandbox.fund(effects, url, { address, units: COINS * 10n ** BigInt(scale) })
}

/** Where the sandbox network is, as the program tells people. */
function networkOf(output: string): string {
  return present(/network +sandbox \S+ (http:\S+)/.exec(output)?.[1], 'the address of the sandbox network')
}
