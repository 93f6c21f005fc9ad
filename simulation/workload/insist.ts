// How a sound client sends: the same reference and key again until there is an answer, some of them twice at once. And what an answer says.

import { z } from 'zod'
import type { Answer } from '../history.ts'
import type { Doors } from './doors.ts'
import type { Expect, Insistence, Tag } from './workload.ts'

/** What was offered last, with every answer of it. */
export type Played = {
  readonly tag: Tag
  readonly expect: Expect
  readonly answers: readonly Answer[]
  /** Whether an earlier try of the same may have been carried out without an answer, so that this one comes second. */
  readonly isSecond: boolean
  /** Whether 201 says that something came to be just now: then one answer alone may say it. Under an Idempotency-Key it is repeated. */
  readonly isCreation: boolean
}

type Insisted = Pick<Played, 'answers' | 'isSecond' | 'isCreation'>

export async function insist(doors: Pick<Doors, 'sleep'>, { tries, pauseMs, atOnce }: Insistence, offer: () => Promise<Answer>): Promise<Insisted> {
  let answers: readonly Answer[] = []
  for (let tried = 0; tried < tries; tried += 1) {
    if (tried > 0) await doors.sleep(pauseMs * tried)
    answers = await Promise.all(Array.from({ length: tried === 0 ? atOnce : 1 }, offer))
    // Of copies sent at once one answer is enough: it holds for all of them.
    if (answers.some((answer) => !isOpen(answer))) return { answers, isSecond: tried > 0 || atOnce > 1, isCreation: false }
  }
  return { answers, isSecond: tries > 1 || atOnce > 1, isCreation: false }
}

/** Problems that end by themselves: the same is to be sent again. */
const PASSING: ReadonlySet<unknown> = new Set(['reference_locked', 'queue_exceeded', 'rate_exceeded'])

const problem = z.looseObject({ code: z.string(), status: z.number() })
const several = z.looseObject({ results: z.array(z.looseObject({ state: z.unknown().optional(), problem: z.unknown().optional() })) })

/** Whether an answer leaves open what was done. */
export function isOpen(answer: Answer): boolean {
  return answer === null || answer.status >= 500 || isPassing(answer.body)
}

function isPassing(body: unknown): boolean {
  const read = problem.safeParse(body)
  return read.success && (read.data.status >= 500 || PASSING.has(read.data.code))
}

type Outcome = 'taken' | 'refused' | 'open'

/** What became of each thing that a request asked for: of one, mostly. */
export function outcomesOf(answer: Answer): readonly Outcome[] {
  if (answer === null || isOpen(answer)) return ['open']
  if (answer.status >= 400) return ['refused']
  const read = several.safeParse(answer.body)
  if (!read.success) return ['taken']
  return read.data.results.map(({ problem: found }): Outcome => (found === undefined || found === null ? 'taken' : isPassing(found) ? 'open' : 'refused'))
}

/** The code of a refusal; null for anything else. */
export function codeOf(answer: Answer): string | null {
  const read = answer === null ? null : problem.safeParse(answer.body)
  return read?.success === true ? read.data.code : null
}

/** What came out otherwise than it must, in words; null when nothing did, or when it is not known. */
export function surpriseOf({ tag, expect, answers, isSecond, isCreation }: Played): string | null {
  const created = answers.filter((answer) => answer?.status === 201).length
  if (isCreation && created > 1) return `${tag} was recorded ${created} times`
  for (const answer of answers) {
    const outcomes = outcomesOf(answer)
    const wanted = outcomes.map((_, place) => (typeof expect === 'string' ? expect : (expect[place] ?? 'any')))
    const place = outcomes.findIndex((outcome, index) => {
      // A row that was inserted before is refused by its own key.
      if (outcome === 'refused' && wanted[index] === 'taken') return !(isSecond && answer?.status === 409)
      return outcome === 'taken' && wanted[index] === 'refused'
    })
    if (place >= 0) return `${tag} was ${outcomes[place]}, but must be ${wanted[place]}: ${JSON.stringify(answer)}`
  }
  return null
}
