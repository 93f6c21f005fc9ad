// Journals that go from one ledger to another: as text, as its lines, and into an empty ledger as a copy.

import { exportJournal, type ExportOptions } from '../src/engine/export-journal.ts'
import { importJournal } from '../src/engine/import-journal.ts'
import { createLedgers, type Ledger } from '../src/engine/ledger.ts'
import type { PaperDatabase, PaperLedger } from './paper-ledger.ts'

type Of = Pick<PaperLedger, 'world' | 'ledger'>

export async function journalOf({ world, ledger }: Of, options: ExportOptions = {}): Promise<string> {
  let text = ''
  await exportJournal(world, ledger, options, async (more) => void (text += await Promise.resolve(more)))
  return text
}

export const linesOfJournal = (text: string): readonly string[] => text.trimEnd().split('\n')

/** Imports as the owner of the database. */
export async function importLines({ database }: PaperDatabase, { world, ledger }: Of, lines: readonly string[]): ReturnType<typeof importJournal> {
  return await importJournal({ ...world, owner: database.pool }, ledger, asStream(lines))
}

/** A copy made of a ledger's journal, in a new ledger of that name. */
export async function copyOf(paper: PaperDatabase, original: Of, name: string): Promise<{ readonly world: PaperLedger['world']; readonly ledger: Ledger }> {
  const made = await paper.open(name)
  await importLines(paper, made, linesOfJournal(await journalOf(original)))
  return { world: made.world, ledger: await createLedgers(made.world).open(name) }
}

async function* asStream(lines: readonly string[]): AsyncGenerator<string, undefined> {
  for (const line of lines) yield await Promise.resolve(line)
}
