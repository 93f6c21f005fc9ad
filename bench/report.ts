// Rows of the bench: a figure, the limit it is held against in the same run, their ratio, and the target. A missed row says so.

export type Row = {
  readonly name: string
  readonly pattern: string
  readonly callers: number
  readonly value: number
  readonly limit: number
  readonly unit: string
  readonly ratio: number
  readonly target: string
  readonly met: boolean
}

type Measured = Pick<Row, 'name' | 'pattern' | 'callers' | 'value' | 'limit' | 'unit'>

/** A row that must reach a share of its limit. */
export function atLeast(row: Measured, share: number): Row {
  const ratio = row.value / row.limit
  return { ...row, ratio, target: `≥ ${share}`, met: ratio >= share }
}

/** A row that may not exceed a multiple of its limit. */
export function atMost(row: Measured, multiple: number): Row {
  const ratio = row.value / row.limit
  return { ...row, ratio, target: `≤ ${multiple}`, met: ratio <= multiple }
}

/** A row printed beside others, without a target. */
export function beside(row: Measured): Row {
  return { ...row, ratio: row.value / row.limit, target: '-', met: true }
}

const COLUMNS = ['row', 'pattern', 'callers', 'value', 'limit', 'ratio', 'target', ''] as const

export function table(rows: readonly Row[]): string {
  const lines = rows.map(({ name, pattern, callers, value, limit, unit, ratio, target, met }) => [
    name,
    pattern,
    String(callers),
    `${figure(value)} ${unit}`,
    `${figure(limit)} ${unit}`,
    ratio.toFixed(2),
    target,
    met ? '' : 'MISSED',
  ])
  const widths = COLUMNS.map((title, index) => Math.max(title.length, ...lines.map((line) => (line[index] ?? '').length)))
  const print = (cells: readonly string[]): string => cells.map((cell, index) => (index < 2 ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))).join('  ').trimEnd()
  return [print(COLUMNS), ...lines.map(print)].join('\n')
}

function figure(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
}
