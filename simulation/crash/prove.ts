// The ledger's own proof: it explains itself, and one transfer changed by hand is named.

import { present } from '../../src/core/assert.ts'
import { createPool } from '../../src/store/pool.ts'
import { apportion, tryApportion } from '../process.ts'
import type { Ran, Say } from './run.ts'

/** Whether `verify` finds what somebody with the owner's role changed, and names it. All is as it was afterwards. */
export async function proveHistory({ place }: Ran, print: Say): Promise<boolean> {
  const pool = createPool({ url: place.database.url(), max: 1, applicationName: 'somebody with the role of the owner' })
  try {
    const { rows } = await pool.query<{ lane: bigint; number: bigint; ledger: string; reference: string }>(
      `select transfer.lane, transfer.number, ledger.name as ledger, event.reference from apportion.transfer
        join apportion.lane on lane.lane = transfer.lane join apportion.ledger on ledger.ledger = lane.ledger
        join apportion.event on event.lane = transfer.lane and event.number = transfer.event
        where transfer.kind = 'share' order by random() limit 1`,
    )
    const { lane, number, ledger, reference } = present(rows[0], 'a share')
    print(`explain ${reference}:`)
    for (const line of (await apportion(place.directory, ['explain', reference, '--ledger', ledger], place.settings())).trimEnd().split('\n')) print(`  ${line}`)
    await pool.query('update apportion.transfer set units = units + 1 where lane = $1 and number = $2', [lane.toString(), number.toString()])
    const broken = await tryApportion(place.directory, ['verify', '--ledger', ledger], place.settings())
    await pool.query('update apportion.transfer set units = units - 1 where lane = $1 and number = $2', [lane.toString(), number.toString()])
    print(`one unit was added to transfer ${number} of ${ledger} by hand; verify ends with ${broken.code}:`)
    for (const line of broken.printed.trimEnd().split('\n').slice(0, 4)) print(`  ${line}`)
    const isNamed = broken.code === 1 && new RegExp(`\\btransfer ${number}\\b`).test(broken.printed)
    if (!isNamed) print(`FAULT   verify did not name transfer ${number}`)
    return isNamed
  } finally {
    await pool.end()
  }
}
