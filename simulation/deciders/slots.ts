// One random history of workers that divide lanes among themselves: they come, die, look at old news and fail at their work. The locks are the
// database's, so that two never hold one slot; what is asked of the decider is that it asks for nothing wrong and leaves nothing lying.

import { NOTHING_REMEMBERED, type decideSlots, type SlotDecision, type SlotMemory, type SlotView } from '../../src/core/lane-slots.ts'
import { randomOf, type Random } from '../random.ts'
import { onceIn, type Outcome } from './payouts.ts'

export type SlotDeciders = { readonly decideSlots: typeof decideSlots }

const MOST_WORKERS = 4
const MOST_SLOTS = 12
const MOST_STEPS = 40
/** Looks of each worker after which, with nobody coming, going or failing, every slot must have a worker: what is shunned is so for ten. */
const CALM_LOOKS = 30

type Worker = { mine: Set<number>; memory: SlotMemory }

type History = {
  readonly random: Random
  readonly deciders: SlotDeciders
  readonly wanted: ReadonlySet<number>
  readonly workers: Worker[]
  finding: string | null
  moves: number
}

/** Plays the history of a seed to its end. */
export function playSlots(seed: number, deciders: SlotDeciders): Outcome {
  const random = randomOf(`slots ${seed}`)
  const wanted = new Set(Array.from({ length: 1 + random.below(MOST_SLOTS) }, () => random.below(1024)))
  const history: History = { random, deciders, wanted, workers: [], finding: null, moves: 0 }
  const steps = 1 + random.below(MOST_STEPS)
  for (let step = 0; step < steps && history.finding === null; step += 1) takeStep(history)
  calmDown(history)
  return { finding: history.finding, moves: history.moves }
}

function takeStep(history: History): void {
  const { random, workers } = history
  const turn = random.below(12)
  if (workers.length === 0 || (turn === 0 && workers.length < MOST_WORKERS)) workers.push({ mine: new Set(), memory: NOTHING_REMEMBERED })
  else if (turn === 1) workers.splice(random.below(workers.length), 1)
  else look(history, random.pick(workers), new Set(onceIn(random, 4) ? [...history.wanted].filter(() => onceIn(random, 3)) : []))
}

function look(history: History, worker: Worker, failing: ReadonlySet<number>): void {
  const { workers, wanted, deciders } = history
  const others = new Set(workers.filter((other) => other !== worker).flatMap(({ mine }) => [...mine]))
  const view: SlotView = { wanted, mine: worker.mine, others, workers: workers.length, place: workers.indexOf(worker), failing }
  const decision = deciders.decideSlots(view, worker.memory)
  history.moves += 1
  history.finding ??= faultOf(view, decision)
  worker.memory = decision.memory
  for (const slot of decision.leave) worker.mine.delete(slot)
  for (const slot of decision.take) if (!others.has(slot)) worker.mine.add(slot)
}

/** What no decision may ask for, whatever was seen. */
function faultOf({ wanted, mine, others, failing, workers }: SlotView, { leave, take, memory }: SlotDecision): string | null {
  const left = new Set(leave)
  if (leave.some((slot) => !mine.has(slot))) return 'a worker left what it did not have'
  if (take.some((slot) => mine.has(slot) || others.has(slot))) return 'a worker took what somebody has'
  if (take.some((slot) => !wanted.has(slot))) return 'a worker took what nobody wants'
  if (new Set(take).size !== take.length) return 'a worker took a slot twice'
  if ([...mine].some((slot) => !wanted.has(slot) && !left.has(slot))) return 'a worker kept what nobody wants'
  if (workers > 1 && [...mine].some((slot) => failing.has(slot) && !left.has(slot))) return 'a worker kept what fails, with others there to try it'
  if (workers === 1 && [...mine].some((slot) => wanted.has(slot) && left.has(slot))) return 'the only worker left what nobody else can take'
  if (memory.free.size + memory.shunned.size > 2 * (wanted.size + mine.size + memory.shunned.size)) return 'a worker remembers more than there is'
  return null
}

function calmDown(history: History): void {
  const { workers, wanted } = history
  if (workers.length === 0) workers.push({ mine: new Set(), memory: NOTHING_REMEMBERED })
  for (let round = 0; round < CALM_LOOKS; round += 1) for (const worker of workers) look(history, worker, new Set())
  const part = Math.ceil(wanted.size / workers.length)
  const held = workers.flatMap(({ mine }) => [...mine])
  if (held.length !== wanted.size || new Set(held).size !== held.length) history.finding ??= `${held.length} of ${wanted.size} slots have a worker after a long calm`
  if (workers.some(({ mine }) => mine.size > part)) history.finding ??= `a worker has more than its part of ${part} after a long calm`
}
