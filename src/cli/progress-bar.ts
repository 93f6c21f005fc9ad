// Bars for long work: on a terminal only, on stderr.

import { SingleBar } from 'cli-progress'
import type { Output } from './output.ts'

export type ProgressBar = {
  /** `of` null: nobody knows how many there are. */
  readonly show: (done: bigint, of: bigint | null) => void
  readonly stop: () => void
}

export type TransferBar = { readonly show: (progress: { readonly transfers: bigint; readonly of: bigint }) => void; readonly stop: () => void }

export function startProgressBar({ screen }: Output, title: string, noun: string): ProgressBar {
  const bar = new SingleBar({ format: `  ${title} {bar} {value}/{total} ${noun}`, stream: screen, noTTYOutput: false, hideCursor: true })
  const shown = screen.isTTY === true
  if (shown) bar.start(0, 0)
  return {
    show: (done, of) => {
      bar.setTotal(Number(of ?? done))
      bar.update(Number(done))
    },
    stop: () => {
      if (shown) bar.stop()
    },
  }
}

/** A bar of transfers, for work on a whole journal. */
export function startTransferBar(output: Output, title: string): TransferBar {
  const { show, stop } = startProgressBar(output, title, 'transfers')
  return { show: ({ transfers, of }) => show(transfers, of), stop }
}
