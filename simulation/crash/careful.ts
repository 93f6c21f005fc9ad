// Callers where everything is killed: what may be sent again is sent until there is an answer; and somebody comes back with what happens seldom,
// until each point was met.

import type { Json } from '../../src/core/effects.ts'
import { pause } from '../process.ts'
import type { Doors } from '../workload/doors.ts'
import { play } from '../workload/play.ts'
import type { Deed, Workload } from '../workload/workload.ts'

/** Each pause is longer than the one before by so much: the last of them comes after an hour. */
const MOST_TRIES = 900
const PAUSE_MS = 10
const REST_MS = 500

export function insisting(workload: Workload): Workload {
  return { ...workload, callers: workload.callers.map((caller) => ({ ...caller, steps: caller.steps.map((step) => ({ ...step, deed: insisted(step.deed) })) })) }
}

/** All callers beside each other, until they have done everything or it is over: whoever is at something finishes it. */
export async function callUntil({ callers }: Workload, doors: Doors, isOver: () => boolean): Promise<void> {
  await Promise.all(callers.map(async ({ steps }) => {
    for (const { delayMs, deed } of steps) {
      await doors.sleep(delayMs)
      if (isOver()) return
      await play(deed, doors)
    }
  }))
}

function insisted(deed: Deed): Deed {
  return 'tries' in deed && deed.tries > 1 ? { ...deed, tries: MOST_TRIES, pauseMs: PAUSE_MS } : deed
}

/** For each ledger somebody who drafts plans, names addresses, decides, sends snapshots and what is divided by them again, each time as another one. */
export async function comeBack({ ledgers, callers }: Workload, doors: Doors, isOver: () => boolean, restMs = REST_MS): Promise<void> {
  const deeds = callers.flatMap(({ steps }) => steps.map(({ deed }) => deed))
  await Promise.all(ledgers.map(async ({ name }) => {
    const seldom = deeds.filter((deed) => deed.ledger === name && anew(deed, 0) !== null).toSorted((one, other) => Number(comesFirst(other)) - Number(comesFirst(one)))
    for (let turn = 0; seldom.length > 0 && !isOver(); turn += 1) {
      for (const deed of seldom) {
        const next = anew(deed, turn)
        if (next !== null && !isOver()) await play(insisted(next), doors)
        await pause(restMs)
      }
    }
  }))
}

/** What must be there for something else to happen: it need not wait until its caller comes to it. */
function comesFirst({ do: kind, tag }: Deed): boolean {
  return kind === 'settings' || tag === 'snapshot'
}

/** At the first turn itself, which changes nothing where it was sent before; later the same as another thing of its kind. Null for what happens often by itself. */
function anew(deed: Deed, turn: number): Deed | null {
  if (deed.do === 'plan') return { ...deed, key: `${deed.key}-again-${turn}` }
  if (deed.do === 'name') return deed
  if (deed.do === 'decide') return { ...deed, thinksMs: 0 }
  if (comesFirst(deed) && turn === 0) return deed
  if (deed.do !== 'request') return null
  const { request } = deed
  if (deed.tag === 'by-snapshot') return { ...deed, request: { ...request, body: JSON.parse(JSON.stringify(request.body).replaceAll('by-snapshot-', `by-snapshot-${turn}-again-`)) as Json } }
  if (deed.tag !== 'snapshot') return null
  return { ...deed, request: { ...request, path: request.path.replace('?', `-again-${turn}?`) } }
}
