// One history, from its seed to what an outsider finds: ledgers are founded, callers call through faults, faults end, and whatever can be
// paid must be paid within a bound while everything else stands in a named state with a reason.

import { openInProcess } from './database/in-process.ts'
import type { Host } from './database/host.ts'
import type { Books, Finding, History, HistoryPlan, Offer } from './history.ts'
import { present } from '../src/core/assert.ts'
import type { World } from '../src/engine/world.ts'
import { openAudit, type Audit } from './world/audit.ts'
import { askQuietly, openDoors, type Home } from './world/doors.ts'
import { foundLedger } from './world/found-ledgers.ts'
import { readStanding, type Looking, type Standing } from './world/standing.ts'
import { startServer, worldOf } from './world/server.ts'
import { BEGIN, BEGIN_US, openUniverse, type Universe } from './world/universe.ts'
import { outsider } from './world/waiting.ts'
import { blow, calmNetwork, firstKnobs } from './world/weather.ts'
import type { Doors } from './workload/doors.ts'
import { makeWorkload } from './workload/make-workload.ts'
import { carryOut, play } from './workload/play.ts'
import { withSteps, type Workload } from './workload/workload.ts'

const SECOND = 1_000_000
const BEGIN_FUNDS_US = 2 * SECOND
/** Callers who are not done by then have met nobody for too long. */
const CALLING_LIMIT_US = 1_800 * SECOND
/** When faults have ended, whatever can be paid is paid within this: what waits for a sign that was lost is looked at again after 15 minutes. */
export const SETTLING_LIMIT_US = 1_500 * SECOND
const SPAN_MS = 5_000
const SERVERS = ['a', 'b'] as const
const PAYOUTS = 100
/** Of its money a wallet has so much less at first where it is short. */
const POOR = 20n
/**
 * Places of a chunk of a large distribution, where the program has 8,192: a dozen holders are several chunks so, each posted by itself, and what
 * more than three chunks gave is taken back in chunks too.
 */
const CHUNKS = [1, 1, 2] as const
/** How often the auditors look. */
const AUDIT_US = 4 * SECOND
/** Everybody rests so many times as long once most callers are done, once nobody calls any more, and once all that is left waits for its time. */
const RESTS = { late: 3, settling: 4, waiting: 12 }
const LATE_US = 8 * SECOND
const WAITING_US = 30 * SECOND
/** How often it is looked whether all is still, and what must be still again a while later. */
const CALM_LOOKS = 3
const LOOK_US = 2 * SECOND

export type HistoryOptions = { readonly seed: number; readonly plan?: HistoryPlan; readonly host?: Host }

/** After so many histories the database prepares for good what they asked: nearly all statements come in the first few. */
const LEARNED_AFTER: ReadonlySet<number> = new Set([2, 6, 20, 60])
const livedOn = new WeakMap<Host, number>()

let shared: Promise<Host> | null = null

/** Runs a history. On the database given, else on one in this process, which is opened once. */
export async function runHistory({ seed, plan = {}, host }: HistoryOptions): Promise<History> {
  const on = host ?? (await (shared ??= openInProcess()))
  const universe = await openUniverse({ seed, plan, host: on })
  try {
    return await live(universe, { seed, plan, appRole: new URL(on.urls.app).username })
  } finally {
    await universe.close()
    const lived = (livedOn.get(on) ?? 0) + 1
    livedOn.set(on, lived)
    if (LEARNED_AFTER.has(lived)) await on.learn()
  }
}

type Life = { readonly seed: number; readonly plan: HistoryPlan; readonly appRole: string }

async function live(universe: Universe, { seed, plan, appRole }: Life): Promise<History> {
  const { random, scheduler, faults, network, fleet, steps, statements, points } = universe
  const workload = workloadOf(universe, plan)
  const { world, homes } = await found(universe, workload, appRole)
  const now = (): Temporal.Instant => Temporal.Instant.fromEpochNanoseconds(BigInt(scheduler.now()) * 1000n)
  // What it answers is read page by page: nobody may write meanwhile, so it has no worker, and no other server is left.
  const reader = { server: startServer(universe.server, outsider('reader')), gone: new Promise<void>(() => {}) }
  const ask = askQuietly({ homes, running: () => [reader] })
  const underWay = new Set<Offer>()
  const audit = openAudit({ ...universe, ...workload, homes, world, pool: statements.quietPool('owner'), ask, now, underWay })
  network.knobs(firstKnobs(faults, random.fork('knobs')))
  fleet.start(SERVERS)
  const sql = statements.openPool(outsider('somebody with SQL'), { role: 'owner', max: 4, pipeline: false })
  const doors = openDoors({ ...universe, random: random.fork('doors'), homes, running: fleet.running, sql, underWay, offered: audit.offered })
  const findings = await playOut(universe, { workload, doors, audit })
  const standing = await settle(universe, () =>
    workload.ledgers.flatMap(({ name, tokens }) => {
      const { wallet } = present(homes.get(name), name)
      return ['SOL/9', ...Object.keys(tokens)].map((asset) => ({ ledger: name, asset, units: network.books.balance(wallet, asset) }))
    }),
  )
  // Where nodes lost their history for good, nobody can prove some attempts: what may stay open then, the auditor says.
  if (standing.moving.length > 0 && network.counters().historiesForgotten === 0) findings.push({ invariant: 'liveness', what: `${SETTLING_LIMIT_US / SECOND} s after the last fault ${standing.moving.join(', ')}` })
  fleet.end()
  const ended = await universe.drive(audit.end(), scheduler.now() + SETTLING_LIMIT_US)
  findings.push(...(ended === 'late' ? [{ invariant: 'liveness', what: 'the auditor was not answered' } as const] : ended))
  return {
    seed,
    hash: steps.hash(),
    figures: {
      payouts: standing.payouts,
      settled: standing.settled,
      held: standing.held,
      paid: paidBy(new Set([...homes.values()].map(({ wallet }) => wallet)), network.books),
      points: points.ended(),
      faults: faults.counted(network.counters()),
      statements: statements.count(),
      requests: network.requests(),
      virtualSeconds: Math.round((scheduler.now() - BEGIN_US) / SECOND),
    },
    findings: [...new Map(findings.map((finding) => [`${finding.invariant} ${finding.what}`, finding])).values()],
    lastSteps: steps.last(),
  }
}

function paidBy(wallets: ReadonlySet<string>, { transactions }: Books): Readonly<Record<string, bigint>> {
  const paid = new Map<string, bigint>()
  for (const { from, to, asset, units } of transactions().flatMap(({ movements }) => movements)) {
    if (wallets.has(from) && !wallets.has(to)) paid.set(asset, (paid.get(asset) ?? 0n) + units)
  }
  return Object.fromEntries(paid)
}

type Playing = { readonly workload: Workload; readonly doors: Doors; readonly audit: Audit }

/** Callers call through faults, under the auditors' eyes; then faults end, and money is there for everybody. */
async function playOut(universe: Universe, { workload, doors, audit }: Playing): Promise<Finding[]> {
  const { random, scheduler, faults, network, fleet, server } = universe
  let over = false
  const auditor = outsider('auditor')
  const late = scheduler.now() + LATE_US
  const watch = async (): Promise<void> => {
    while (!over) {
      if (scheduler.now() > late) server.rest.factor = RESTS.late
      await scheduler.turn(auditor, 'looks', AUDIT_US)
      audit.look()
    }
  }
  scheduler.spawn(blow({ ...universe, random: random.fork('weather') }, () => over))
  scheduler.spawn(watch())
  const findings: Finding[] = []
  const called = await universe.drive(carryOut(workload, doors), scheduler.now() + CALLING_LIMIT_US)
  if (called === 'late') findings.push({ invariant: 'liveness', what: `callers were not answered within ${CALLING_LIMIT_US / SECOND} s` })
  over = true
  faults.stop()
  calmNetwork(network)
  fleet.calm()
  for (const deed of workload.ending) await universe.drive(play(deed, doors), scheduler.now() + SETTLING_LIMIT_US)
  return findings
}

function workloadOf({ random }: Universe, { deeds }: HistoryPlan): Workload {
  const made = makeWorkload(random.fork('workload'), { start: BEGIN, payouts: PAYOUTS, spanMs: SPAN_MS })
  return deeds === undefined ? made : withSteps(made, ({ id }) => id < deeds)
}

/** Ledgers, tokens and money, before the first fault. */
async function found(universe: Universe, { ledgers, callers }: Workload, appRole: string): Promise<{ readonly world: World; readonly homes: ReadonlyMap<string, Home> }> {
  const { statements, network, scheduler, faults } = universe
  const owner = statements.quietPool('owner')
  const founder = outsider('founder')
  const { world } = worldOf({ ...universe.server, openPool: (_, { role }) => statements.quietPool(role) }, founder)
  const homes = new Map<string, Home>()
  const bySnapshot = callers.some(({ steps }) => steps.some(({ deed }) => deed.tag === 'snapshot'))
  if (bySnapshot) await universe.drive(owner.query(`alter table apportion.distribution alter column chunk set default ${universe.random.fork('chunks').pick(CHUNKS)}`), Infinity)
  for (const setup of ledgers) for (const token of Object.keys(setup.tokens)) network.hand.mint(token)
  await universe.drive(scheduler.turn(founder, 'waits for the tokens', BEGIN_FUNDS_US), Infinity)
  for (const setup of ledgers) {
    const home = await universe.drive(foundLedger({ world, owner, appRole, hand: network.hand }, setup), Infinity)
    if (home === 'late') throw new Error(`the ledger ${setup.name} was not founded`)
    homes.set(setup.name, home)
    const isPoor = faults.happens('wallet short of money')
    for (const [asset, units] of Object.entries(setup.funds)) {
      const given = isPoor ? BigInt(units) / POOR : BigInt(units)
      if (given === 0n) continue
      if (asset === 'SOL/9') network.hand.fund(home.wallet, given)
      else network.hand.mintTo(asset, home.wallet, given)
    }
  }
  await universe.drive(scheduler.turn(founder, 'waits for the money', BEGIN_FUNDS_US), Infinity)
  return { world, homes }
}

/** Time until nothing moves, or until it should have. */
async function settle({ scheduler, statements, network, server, drive }: Universe, onChain: () => Looking['onChain']): Promise<Standing> {
  const watcher = outsider('watcher')
  const pool = statements.quietPool('owner')
  // Of a network that forgot for good nobody can prove what became of some attempts: those wait for somebody who knows.
  const forgotten = network.counters().historiesForgotten > 0
  const limit = scheduler.now() + SETTLING_LIMIT_US
  const waiting = scheduler.now() + WAITING_US
  const look = async (): Promise<Standing> => await readStanding(pool, { now: Temporal.Instant.fromEpochMilliseconds(Math.floor(scheduler.now() / 1000)), forgotten, onChain: onChain() })
  for (let calm = 0; ; ) {
    await drive(scheduler.turn(watcher, 'looks whether all is still', LOOK_US), Infinity)
    const standing = await look()
    server.rest.factor = scheduler.now() > waiting ? RESTS.waiting : RESTS.settling
    calm = standing.moving.length === 0 ? calm + 1 : 0
    if (calm === CALM_LOOKS || scheduler.now() > limit) return standing
  }
}
