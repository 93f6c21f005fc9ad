// `distribution follow`: shows how far a distribution by snapshot is, until it is complete.

import { distribution } from '../../../engine/read-distributions.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { progressLine, startDistributionBar } from '../../distribution-bar.ts'

const LOOK_EVERY_MS = 200
/** After this long without any change somebody should look whether a server runs. */
const PATIENCE = { seconds: 30 }

export const run: Run = async (desk, { words, options }, output) => {
  const [ledger, reference] = [await ledgerOf(desk, options), text(words[0])]
  const bar = startDistributionBar(output)
  let [last, changedAt] = ['', desk.now()]
  try {
    for (;;) {
      const found = await distribution(desk, ledger, reference)
      const { progress } = found
      if (progress === null || progress.state === 'complete') {
        bar.stop()
        return output.result(found, () => output.line(progress === null ? `${reference} was not divided by a snapshot: it is ${found.state}.` : progressLine(progress, found)))
      }
      bar.show({ place: Number(progress.place), recipients: Number(progress.recipients) })
      if (progress.place !== last) [last, changedAt] = [progress.place, desk.now()]
      if (Temporal.Instant.compare(desk.now(), changedAt.add(PATIENCE)) > 0) {
        bar.stop()
        output.note('Nothing has moved for 30 seconds: does a server run? `npm start` starts one.')
        return output.result(found, () => output.line(progressLine(progress, found)))
      }
      await desk.sleep(LOOK_EVERY_MS)
    }
  } finally {
    bar.stop()
  }
}
