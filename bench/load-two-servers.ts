// Two whole servers on one database, thirty callers, and one token whose every sale touches the same accounts. Each tenth sale is sent to
// both servers at once.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLedgerAsOwner } from '../src/boot/create-ledger.ts'
import { present } from '../src/core/assert.ts'
import { firstProgram, programs } from '../src/programs/index.ts'
import { rails } from '../src/rails/index.ts'
import { apportion, startProgram, tryApportion, type Settings } from '../simulation/process.ts'
import { inDatabase, type BenchDatabase } from './database.ts'
import { openClient, type Client } from './http.ts'
import type { Loaded, Loading } from './loading.ts'
import { answersText, compareStored, sell, type Sold } from './sale-callers.ts'

const CALLERS = 30
const TO_BOTH = 10
const LEDGER = 'load'
/** Whole coins in the wallet: plenty for all sales of a run. */
const COINS = 1_000_000n

type Place = { readonly directory: string; readonly settings: Settings; readonly token: string }

export async function loadTwoServers(loading: Loading): Promise<Loaded> {
  const directory = mkdtempSync(join(tmpdir(), 'apportion-load-'))
  const rail = present(Object.values(rails)[0], 'rail')
  const network = await rail.sandbox.start({ directory })
  try {
    return await inDatabase(loading.effects, async (database) => {
      const place = await furnish(loading, database, { directory, networkUrl: network.url })
      loading.say('two servers start')
      const started = await Promise.allSettled(['one', 'two'].map(async (name) => await startProgram(join(directory, name), { settings: place.settings })))
      try {
        const urls = started.map((outcome) => {
          if (outcome.status === 'rejected') throw outcome.reason as Error
          return outcome.value.url
        })
        return await loadAll(loading, database, { ...place, urls })
      } finally {
        await Promise.all(started.map(async (outcome) => (outcome.status === 'fulfilled' ? await outcome.value.stop() : null)))
      }
    })
  } finally {
    await network.stop()
    rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
  }
}

/** A ledger with a wallet, money in it, and an address for everybody, so that both workers pay while the callers sell. */
async function furnish({ effects }: Loading, database: BenchDatabase, { directory, networkUrl }: { readonly directory: string; readonly networkUrl: string }): Promise<Place> {
  const program = firstProgram
  const rail = present(rails[program.rail], program.rail)
  await createLedgerAsOwner({ ...effects, programs, rails }, database, {
    ...{ name: LEDGER, program: program.name, sandbox: true, railUrl: networkUrl, inboxSchema: 'public', tokens: {}, lanes: 1 },
  })
  const settings = { DATABASE_URL: database.ownerUrl, APPORTION_MASTER_KEY: effects.random(32).toHex() }
  const wallet = JSON.parse(await apportion(join(directory, 'one'), ['wallet', 'create', 'main', '--json'], settings)) as { address: string }
  await rail.sandbox.fund(effects, networkUrl, { address: wallet.address, units: COINS * 1_000_000_000n })
  const parties = [...program.recipients, ...program.sample.parties]
  for (const { recipient, label } of parties) {
    const { address } = await rail.custody.create(effects.random)
    await apportion(join(directory, 'one'), ['recipient', 'set', recipient, address, '--label', label], settings)
  }
  return { directory, settings, token: present(program.sample.parties[0], 'party').recipient }
}

async function loadAll({ effects, seconds, nowMs, say }: Loading, { owner, logged }: BenchDatabase, place: Place & { readonly urls: readonly string[] }): Promise<Loaded> {
  const { directory, settings, token, urls } = place
  const { key } = JSON.parse(await apportion(join(directory, 'one'), ['key', 'create', 'load', '--rights', 'record', '--json'], settings)) as { key: string }
  const clients = urls.map((url) => openClient({ url, key }))
  say(`${CALLERS} callers for ${seconds} s`)
  const route = (sale: number): readonly Client[] => (sale % TO_BOTH === 0 ? clients : [present(clients[sale % clients.length], 'client')])
  const sold = await sell({ effects, ledger: LEDGER, token, callers: CALLERS, ms: seconds * 1000, nowMs, route })
  for (const client of clients) client.close()
  const deadlocks = logged('deadlock detected')
  const overtaken = logged('division by zero') / seconds
  say('what is stored is compared with what was answered, and verified')
  const differences = await compareStored(owner, { acknowledged: sold.acknowledged, before: 0n })
  // While both workers go on paying: it reads one snapshot.
  const verified = await tryApportion(join(directory, 'one'), ['verify'], settings)
  return {
    figures: [...figuresOf(sold, verified.printed), ['postings overtaken by the other server, a second', overtaken.toFixed(2)]],
    faults: [
      ...sold.faults,
      ...differences,
      ...(deadlocks === 0 ? [] : [`the database's log tells of ${deadlocks} deadlocks`]),
      ...(sold.acknowledged.length === 0 ? ['nothing was recorded'] : []),
      ...(verified.code === 0 ? [] : [`verify ended with ${verified.code}: ${verified.printed || verified.complaints}`]),
    ],
  }
}

function figuresOf(sold: Sold, verified: string): Loaded['figures'] {
  return [
    ['servers, callers', `2, ${CALLERS}`],
    ['sales answered as recorded', sold.acknowledged.length.toLocaleString('en')],
    ['sales a second', Math.round(sold.perSecond).toLocaleString('en')],
    ['median and p99 of an answer, ms', `${sold.medianMs.toFixed(1)}, ${sold.p99Ms.toFixed(1)}`],
    ['longest gap between two answers, ms', sold.longestGapMs.toFixed(1)],
    ['answers by status', answersText(sold)],
    ['verify', verified.trim().split('\n')[0] ?? ''],
  ]
}
