// Living one history and saying what came of it: once, or again beside it in ways in which it must come out the same.

import { runControl, type Control, type ControlFaults } from '../control.ts'
import type { Host } from '../database/host.ts'
import type { History, HistoryPlan } from '../history.ts'
import { runHistory } from '../run.ts'

export type Task = {
  readonly seed: number
  readonly plan: HistoryPlan
  /** Lived twice, to be compared. */
  readonly twice: boolean
  /** The usual sender pays too, on a network with faults of its own. */
  readonly control: boolean
}

export type Ran = {
  readonly seed: number
  readonly history: History | null
  /** Why there is none. */
  readonly error: string | null
  /** The second life in this process, where it was another one. */
  readonly other: History | null
  /** The life on a real server: whether it was the same to the byte. It may go another way where the database's own clock has a say. */
  readonly server: { readonly history: History; readonly same: boolean } | null
  readonly lived: number
  readonly control: Control | null
  readonly milliseconds: number
}

const MICROSECONDS = 1000

/** Everything that a network does to a sender, each seldom: as a history of all faults at low rates. */
const CONTROL_FAULTS: ControlFaults = {
  lateRate: 0.05,
  knobs: {
    ...{ responseLossRate: 0.1, requestLossRate: 0.1, transactionDropRate: 0.2, acceptThenErrorRate: 0.1 },
    ...{ inclusionDelaySlots: [0, 60], lagRate: 0.15, lagSlots: 40, reorgRate: 0.02, reorgSlots: 4 },
  },
}

/** Lives a history on the hosts given: the first in this process, and the others, on which it must come out the same. */
export async function liveTask({ seed, plan, twice, control: withControl }: Task, host: Host, server: Host | null): Promise<Ran> {
  const began = process.threadCpuUsage()
  const spent = (): number => {
    const { user, system } = process.threadCpuUsage(began)
    return (user + system) / MICROSECONDS
  }
  let lived = 0
  const live = async (on: Host): Promise<History> => {
    lived += 1
    return await runHistory({ seed, plan, host: on })
  }
  const none = { seed, history: null, error: null, other: null, server: null, control: null }
  try {
    const history = await live(host)
    const first = { ...none, history, milliseconds: spent() }
    const again = twice ? await live(host) : history
    const other = again.hash === history.hash ? null : again
    const replayed = server === null ? null : await live(server)
    const onServer = replayed === null ? null : { history: replayed, same: replayed.hash === history.hash }
    return { ...first, other, server: onServer, lived, control: withControl ? await runControl(seed, CONTROL_FAULTS) : null }
  } catch (error) {
    return { ...none, error: error instanceof Error ? (error.stack ?? error.message) : String(error), lived, milliseconds: spent() }
  }
}
