// A bar of transfers for work on a whole journal: on a terminal only, on stderr.

import { SingleBar } from 'cli-progress'

export type TransferBar = { readonly show: (progress: { readonly transfers: bigint; readonly of: bigint }) => void; readonly stop: () => void }

export function startTransferBar(title: string): TransferBar {
  const bar = new SingleBar({ format: `  ${title} {bar} {value}/{total} transfers`, stream: process.stderr, noTTYOutput: false, hideCursor: true })
  const shown = process.stderr.isTTY
  if (shown) bar.start(0, 0)
  return {
    show: ({ transfers, of }) => {
      bar.setTotal(Number(of))
      bar.update(Number(transfers))
    },
    stop: () => {
      if (shown) bar.stop()
    },
  }
}
