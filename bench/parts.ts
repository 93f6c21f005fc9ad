// All parts of the bench in the order in which they run. A new row is a part in a file of its own, and a line here.

import { allocationPart } from './allocation.ts'
import { largePart } from './large.ts'
import { historyPart } from './history-rows.ts'
import type { Part, Scale } from './part.ts'
import { payoutPart } from './payouts.ts'
import { postingPart } from './posting-rows.ts'
import { previewPart } from './preview.ts'
import { salesPart } from './sales.ts'
import { scalePart } from './scale.ts'
import { startPart } from './start.ts'
import { storagePart } from './storage.ts'

export function partsOf({ history, recipients }: Scale): readonly Part[] {
  // The start comes first, while the machine is still cool.
  return [startPart, allocationPart, postingPart, scalePart, salesPart, payoutPart, storagePart, largePart(recipients), previewPart, historyPart(history)]
}
