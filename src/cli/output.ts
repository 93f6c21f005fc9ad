// How results are shown: a table for people, JSON for programs; progress on stderr, and only on a terminal.

import type { Writable } from 'node:stream'
import { styleText } from 'node:util'
import Table from 'cli-table3'
import type { CommandScreen, Terminal } from './terminal.ts'

export type Column<Row> = { readonly title: string; readonly of: (row: Row) => string; readonly right?: boolean }

export type Output = {
  readonly json: boolean
  /** The result: a document as JSON, or what `people` prints. */
  readonly result: (document: unknown, people: () => void) => void
  readonly line: (text: string) => void
  /** The same as `line`, but waits until the reader has taken what came before: for output without end. False when nobody reads any more. */
  readonly flow: (text: string) => Promise<boolean>
  readonly table: <Row>(rows: readonly Row[], columns: readonly Column<Row>[], empty: string) => void
  /** Something worth knowing that is no result. */
  readonly note: (text: string) => void
  /** The command did what it could, and ends with 1. */
  readonly fail: () => void
  /** Standard output as it is, for what is written in bulk. */
  readonly out: CommandScreen
  /** Where bars of progress are drawn. */
  readonly screen: CommandScreen
}

const PLAIN = {
  top: '', 'top-mid': '', 'top-left': '', 'top-right': '', bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '',
  left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ',
}

/** Writes, and waits until the reader has taken enough that more may be written. A reader that went away never does. */
export async function flowTo(stream: Writable, text: string): Promise<void> {
  if (stream.write(text) || stream.destroyed) return
  // What goes wrong with the stream is told to those who listen for it.
  await new Promise<void>((resolve) => {
    const end = (): void => {
      stream.off('drain', end).off('close', end)
      resolve()
    }
    stream.on('drain', end).on('close', end)
  })
}

export function createOutput({ out, err }: Pick<Terminal, 'out' | 'err'>, { json, fail }: { json: boolean; fail: () => void }): Output {
  let isRead = true
  out.once('close', () => {
    isRead = false
  })
  const line = (text: string): void => {
    out.write(`${text}\n`)
  }
  return {
    json,
    line,
    flow: async (text) => {
      await flowTo(out, `${text}\n`)
      return isRead
    },
    result: (document, people) => (json ? line(JSON.stringify(document, null, 2)) : people()),
    table: (rows, columns, empty) => {
      if (rows.length === 0) return line(empty)
      const table = new Table({
        head: columns.map(({ title }) => styleText('bold', title, { stream: out })),
        colAligns: columns.map(({ right }) => (right === true ? 'right' : 'left')),
        chars: PLAIN,
        style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
      })
      table.push(...rows.map((row) => columns.map(({ of }) => of(row))))
      // The last column's padding is white space that only gets in the way of copying.
      line(table.toString().replace(/ +$/gm, ''))
    },
    note: (text) => err.write(`${text}\n`),
    fail,
    out,
    screen: err,
  }
}
