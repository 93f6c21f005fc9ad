// Questions over several lanes: one statement, in which each lane is a row of `edge`. Where lanes are spread over machines, the same
// statement names each lane by itself, so that each part is asked of the machine that has it, and only the answers come together.

import type { QueryResultRow } from 'pg'
import { citusOf } from './citus.ts'
import { plainArray, rows, type Queryable } from './statement.ts'

export type OverLanes = {
  /** Columns of `edge`, of which `lane` is the first, each with its type: the first parameters are arrays of them, one after the other. */
  readonly edge: readonly string[]
  readonly lanes: number
  /**
   * What is asked of the lanes that an item of a `from` names as `edge`; it has `place` too, from 1 on. Every table is bound to `edge.lane`, or
   * to `laneOf` a column that came from it through a subquery with a limit or an aggregate, which hides that it is known.
   */
  readonly part: (edge: string, laneOf: LaneOf) => string
  /** What is answered of that, as an item of a `from`: sorted and limited, or summed, once more. */
  readonly whole: (parts: string) => string
  readonly values: readonly unknown[]
}

/** The lane that a column holds, as text: the column itself, or what it can only be. */
export type LaneOf = (column: string) => string

export async function overLanes<Row extends QueryResultRow>(on: Queryable, { edge, lanes, part, whole, values }: OverLanes): Promise<Row[]> {
  const parts = (await isSpread(on)) ? Array.from({ length: lanes }, (_, index) => part(edgeOf(edge, index + 1), () => `($1::bigint[])[${index + 1}]`)) : [part(edges(edge), (column) => column)]
  return await rows<Row>(on, { text: whole(`(${parts.map((text) => `(${text})`).join('\nunion all\n')}) parts`), values })
}

/** The same at a place of each lane: `edge` has `lane` and `transfer`, which are the first two parameters; `values` are those after them. */
export async function overEdges<Row extends QueryResultRow>(
  on: Queryable,
  places: readonly { readonly lane: bigint; readonly transfer: bigint }[],
  { values = [], ...asked }: Pick<OverLanes, 'part' | 'whole'> & { readonly values?: readonly unknown[] },
): Promise<Row[]> {
  const arrays = [plainArray(places.map(({ lane }) => lane)), plainArray(places.map(({ transfer }) => transfer))]
  return await overLanes<Row>(on, { edge: ['lane bigint', 'transfer bigint'], lanes: places.length, values: [...arrays, ...values], ...asked })
}

function edges(columns: readonly string[]): string {
  const arrays = columns.map((column, index) => `$${index + 1}::${typeOf(column)}[]`)
  return `unnest(${arrays.join(', ')}) with ordinality as edge (${columns.map(nameOf).join(', ')}, place)`
}

/** One row of them, whose lane is known when the statement is planned. */
function edgeOf(columns: readonly string[], place: number): string {
  const fields = columns.map((column, index) => `($${index + 1}::${typeOf(column)}[])[${place}] as ${nameOf(column)}`)
  return `(select ${fields.join(', ')}, ${place}::bigint as place) as edge`
}

function nameOf(column: string): string {
  return column.slice(0, column.indexOf(' '))
}

function typeOf(column: string): string {
  return column.slice(column.indexOf(' ') + 1)
}

const spread = new WeakMap<Queryable, boolean>()

/** Whether lanes are spread over machines: asked once a pool or connection. */
async function isSpread(on: Queryable): Promise<boolean> {
  const known = spread.get(on)
  if (known !== undefined) return known
  const found = (await citusOf(on)) !== null
  spread.set(on, found)
  return found
}
