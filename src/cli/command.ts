// What every command works with: what it was given, and how it reads names, pages and ledgers from it.

import { z } from 'zod'
import type { CommandDesk } from '../boot/desk.ts'
import { Refusal } from '../core/refusal.ts'
import type { Ledger } from '../engine/ledger.ts'
import type { Output } from './output.ts'
import type { Terminal } from './terminal.ts'

/** What was given: words in their order, options by name, standard input for who reads it, and the settings around. */
export type Given = Pick<Terminal, 'input' | 'environment'> & { readonly words: readonly unknown[]; readonly options: Readonly<Record<string, unknown>> }

export type Run = (desk: CommandDesk, given: Given, output: Output) => Promise<void>

export function text(value: unknown): string {
  return z.string().parse(value)
}

export function maybeText(value: unknown): string | null {
  return value === undefined ? null : text(value)
}

const STANDARD_LIMIT = 20

export function pageOf({ limit, cursor }: Given['options']): { readonly limit: number; readonly cursor: string | null } {
  return { limit: typeof limit === 'number' ? limit : STANDARD_LIMIT, cursor: maybeText(cursor) }
}

export function showNext({ next }: { readonly next: string | null }, output: Output): void {
  if (next !== null) output.note(`There is more: --cursor ${next}`)
}

/** The ledger named, or the only one there is. Refuses `ledger_not_found`. */
export async function ledgerOf(desk: CommandDesk, { ledger }: Given['options']): Promise<Ledger> {
  const name = maybeText(ledger)
  if (name !== null) return await desk.ledgers.open(name)
  const all = await desk.ledgers.all()
  const [only] = all
  if (only !== undefined && all.length === 1) return only
  const names = all.map((found) => found.name).join(', ')
  throw new Refusal(
    'ledger_not_found',
    all.length === 0 ? 'there is no ledger yet: `npm start` makes one on the sandbox' : `there are several ledgers: say --ledger and one of ${names}`,
  )
}
