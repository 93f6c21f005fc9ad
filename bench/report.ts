// Rows of the bench: medians of a figure and of the limit it was held against in the same runs, their ratio, its spread and its target.
// A row that missed its target says so, and one that was not measured is never called met.

import type { Frame, Sample, Target } from './part.ts'

/** `met` is null where there is no target, and where nothing was measured. */
export type Row = {
  readonly name: string
  readonly pattern: string
  readonly callers: number
  readonly value: number | null
  readonly limit: number | null
  readonly ratio: number | null
  readonly target: string | null
  readonly met: boolean | null
}

type Range = readonly [least: number, most: number]

/** Of one row: how far its runs lay apart. Null: nothing was measured. */
export type Spread = {
  readonly name: string
  readonly pattern: string
  readonly callers: number
  readonly unit: string
  readonly runs: number
  readonly value: Range | null
  readonly limit: Range | null
  readonly ratio: Range | null
}

export type Line = { readonly row: Row; readonly spread: Spread }

/** A row from its runs. */
export function lineOf({ name, pattern, callers, unit, target }: Frame, samples: readonly Sample[]): Line {
  const of = { name, pattern, callers }
  const runs = samples.length
  if (runs === 0) {
    return { row: { ...of, value: null, limit: null, ratio: null, target: targetText(target), met: null }, spread: { ...of, unit, runs, value: null, limit: null, ratio: null } }
  }
  const value = median(samples.map((sample) => sample.value))
  const limit = median(samples.map((sample) => sample.limit))
  const ratio = value / limit
  const spread = {
    value: rangeOf(samples.map((sample) => sample.value)),
    limit: rangeOf(samples.map((sample) => sample.limit)),
    ratio: rangeOf(samples.map((sample) => sample.value / sample.limit)),
  }
  return { row: { ...of, value, limit, ratio, target: targetText(target), met: isMet(target, ratio) }, spread: { ...of, unit, runs, ...spread } }
}

function targetText(target: Target): string | null {
  if (target === null) return null
  return 'least' in target ? `≥ ${target.least}` : `≤ ${target.most}`
}

function isMet(target: Target, ratio: number): boolean | null {
  if (target === null) return null
  // What is no number has reached nothing.
  return 'least' in target ? ratio >= target.least : ratio <= target.most
}

const COLUMNS = ['row', 'pattern', 'callers', 'value', 'limit', 'unit', 'ratio', 'from … to', 'target', ''] as const
/** Columns of words; the others are figures. */
const WORDS: ReadonlySet<string> = new Set(['row', 'pattern', 'unit', ''])

function cellsOf({ row, spread }: Line): readonly string[] {
  const { name, pattern, callers, value, limit, ratio, target, met } = row
  const range = spread.ratio === null || spread.runs < 2 ? '' : spread.ratio.map((end) => figure(end)).join(' … ')
  return [name, pattern, String(callers), figure(value), figure(limit), spread.unit, figure(ratio), range, target ?? '-', verdictOf(value, met)]
}

function verdictOf(value: number | null, met: boolean | null): string {
  if (value === null) return 'not run'
  return met === false ? 'MISSED' : ''
}

/** For a terminal. */
export function tableText(lines: readonly Line[]): string {
  const table = lines.map(cellsOf)
  const widths = COLUMNS.map((title, index) => Math.max(title.length, ...table.map((cells) => (cells[index] ?? '').length)))
  const print = (cells: readonly string[]): string =>
    cells.map((cell, index) => (WORDS.has(COLUMNS[index] ?? '') ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join('  ').trimEnd()
  return [print(COLUMNS), ...table.map(print)].join('\n')
}

/** For a page. */
export function tableMarkdown(lines: readonly Line[]): string {
  const print = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  const rule = COLUMNS.map((title) => (WORDS.has(title) ? '---' : '---:'))
  return [print(COLUMNS), print(rule), ...lines.map((line) => print(cellsOf(line)))].join('\n')
}

/** A figure with three digits that count, or none after the point when there are many before it. */
function figure(value: number | null): string {
  if (value === null) return ''
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

function rangeOf(values: readonly number[]): Range {
  return [Math.min(...values), Math.max(...values)]
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return ((sorted[Math.floor(middle)] ?? NaN) + (sorted[Math.ceil(middle) - 1] ?? NaN)) / 2
}

/** The least value that this share of all does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)] ?? NaN
}
