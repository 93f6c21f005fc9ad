// How far a distribution by snapshot is, for people: a line, and on a terminal a bar on stderr.

import { SingleBar } from 'cli-progress'
import { formatMoney, parseAsset } from '../core/money.ts'
import type { Output } from './output.ts'
import type { ProgressDocument } from '../engine/read-distributions.ts'

/** `reverses`: of what takes a distribution back; null for one that gives. */
export function progressLine({ state, snapshot, recipients, place, shares, units, asset, root }: ProgressDocument, { reverses }: { readonly reverses: string | null }): string {
  const money = formatMoney(BigInt(units), parseAsset(asset))
  if (reverses !== null) {
    const taken = `${money} taken back of its shares`
    return state === 'complete' ? `Of event ${reverses}: complete: ${taken}` : `Of event ${reverses}: running, ${place} of ${recipients} recipients: ${taken}, which count when it is complete; none of its payouts leaves meanwhile`
  }
  const given = `${shares} shares of ${money} together`
  const far = state === 'complete' ? `complete: ${given}` : `running, ${place} of ${recipients} recipients: ${given}, which count when it is complete`
  return `By the snapshot ${snapshot.slice(0, 16)}…: ${far}${root === null ? '' : `; Merkle root ${root}`}`
}

export type DistributionBar = { readonly show: (progress: { readonly place: number; readonly recipients: number }) => void; readonly stop: () => void }

export function startDistributionBar({ screen }: Output): DistributionBar {
  const bar = new SingleBar({ format: '  {bar} {value}/{total} recipients, {eta_formatted} left', stream: screen, noTTYOutput: false, hideCursor: true })
  const shown = screen.isTTY === true
  if (shown) bar.start(0, 0)
  return {
    show: ({ place, recipients }) => {
      bar.setTotal(recipients)
      bar.update(place)
    },
    stop: () => {
      if (shown) bar.stop()
    },
  }
}
