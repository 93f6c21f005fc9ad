// Progress while payouts settle: a bar on a terminal, and at the end a word about what still waits, with its reason.

import { SingleBar } from 'cli-progress'
import type { CommandDesk } from '../boot/desk.ts'
import type { Ledger } from '../engine/ledger.ts'
import { payoutCounts, payoutsOfEvent } from '../engine/read-ledger.ts'
import type { Output } from './output.ts'

const LOOK_EVERY_MS = 100
/** After this long without any change, what is still open waits for something that this command cannot bring about. */
const PATIENCE = { seconds: 30 }

type Progress = { readonly settled: number; readonly held: number; readonly total: number }

/** Follows the payouts of these events, or of the whole ledger, until all are settled or held. */
export async function followPayouts(desk: CommandDesk, ledger: Ledger, references: readonly string[] | null, output: Output): Promise<void> {
  const bar = new SingleBar({ format: '  {bar} {value}/{total} settled', stream: output.screen, noTTYOutput: false, hideCursor: true })
  let shown = false
  let last = ''
  let changedAt = desk.now()
  for (;;) {
    const progress = references === null ? await ledgerProgress(desk, ledger) : await eventsProgress(desk, ledger, references)
    const { settled, held, total } = progress
    if (!shown && total > 0 && output.screen.isTTY === true) {
      bar.start(total, settled)
      shown = true
    }
    bar.setTotal(total)
    bar.update(settled)
    const now = JSON.stringify(progress)
    if (now !== last) changedAt = desk.now()
    last = now
    const idle = Temporal.Instant.compare(desk.now(), changedAt.add(PATIENCE)) > 0
    if ((total > 0 && settled + held === total) || idle) {
      if (shown) bar.stop()
      output.note(`${settled} of ${total} payouts settled${held > 0 ? `, ${held} held: \`apportion payout list --state held\` says why` : ''}`)
      if (idle) output.note('Nothing has moved for 30 seconds: does a server run? `npm start` starts one.')
      return
    }
    await desk.sleep(LOOK_EVERY_MS)
  }
}

async function ledgerProgress(desk: CommandDesk, ledger: Ledger): Promise<Progress> {
  const counts = await payoutCounts(desk, ledger)
  const sum = (state?: string): number => {
    return counts.filter((count) => state === undefined || count.state === state).reduce((all, { payouts }) => all + Number(payouts), 0)
  }
  return { settled: sum('settled'), held: sum('held'), total: sum() - sum('cancelled') }
}

async function eventsProgress(desk: CommandDesk, ledger: Ledger, references: readonly string[]): Promise<Progress> {
  if (references.length > 1) return await ledgerProgress(desk, ledger)
  const payouts = (await Promise.all(references.map(async (reference) => await payoutsOfEvent(desk, ledger, reference)))).flat()
  const count = (state: string): number => payouts.filter((payout) => payout.state === state).length
  return { settled: count('settled'), held: count('held'), total: payouts.length - count('cancelled') }
}
