// What a part of the bench is: the rows it answers for, said before anything runs, and how it measures them. A row without a sample is
// printed as not run.

import type { Effects } from '../src/core/effects.ts'
import type { RailModule } from '../src/rails/rail.ts'

/** What a row's ratio (value by limit) must reach, or not exceed; null: printed beside the others. */
export type Target = { readonly least: number } | { readonly most: number } | null

/** A row before it is measured. */
export type Frame = {
  readonly name: string
  readonly pattern: string
  readonly callers: number
  /** Of value and limit. */
  readonly unit: string
  readonly target: Target
}

/** One run of a row: both figures from the same stretch of time. */
export type Sample = { readonly value: number; readonly limit: number }

export type Scale = {
  /** How long each posting is measured. */
  readonly ms: number
  /** Runs of which the median counts. */
  readonly runs: number
  /** Events of a raw COPY. */
  readonly copied: number
  readonly payouts: number
  /** Transfers stored before the rows of history. */
  readonly history: number
  /** Of one large distribution. */
  readonly recipients: number
  /** Events whose bytes on disk are weighed. */
  readonly weighed: number
}

export type Bench = {
  readonly effects: Effects
  readonly rail: RailModule
  readonly scale: Scale
  readonly nowMs: () => number
  /** Tells people what goes on. */
  readonly say: (text: string) => void
  /** Whether a row was asked for. */
  readonly wants: (frame: Frame) => boolean
}

export type Add = (frame: Frame, sample: Sample) => void

export type Part = {
  readonly name: string
  readonly frames: readonly Frame[]
  /** Adds a sample for each run of each row that is wanted. */
  readonly measure: (bench: Bench, add: Add) => Promise<void>
}

/** Which rows a pattern asks for: their part, name, pattern and callers are looked through. */
export function wantedBy(parts: readonly Part[], only: RegExp): (frame: Frame) => boolean {
  const partOf = new Map(parts.flatMap(({ name, frames }) => frames.map((frame) => [frame, name] as const)))
  return (frame) => only.test(`${partOf.get(frame) ?? ''}: ${frame.name}, ${frame.pattern}, ${frame.callers}`)
}

/** Runs from the first to the last, each other one backwards, so that what comes early in one comes late in the next. */
export function inTurns<T>(run: number, items: readonly T[]): readonly T[] {
  return run % 2 === 0 ? items : items.toReversed()
}
