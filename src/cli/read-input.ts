// What a command reads: a file, or standard input. Standard input is read without blocking, so that Ctrl-C is heard meanwhile.

import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { Refusal } from '../core/refusal.ts'
import type { Given } from './command.ts'

/** The text of a file; of standard input for `-`. Refuses `field_malformed` naming `field`. */
export async function readInput(file: string, field: string, input: Given['input']): Promise<string> {
  if (file === '-') return await text(input())
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new Refusal('field_malformed', `the file ${file} cannot be read: ${whyUnreadable(error)}`, { field })
  }
}

/** Why a file cannot be read, in words. */
export function whyUnreadable(error: unknown): string {
  return error instanceof Error && 'code' in error ? (WHY[String(error.code)] ?? String(error.code)) : String(error)
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is none of this name',
  EISDIR: 'it is a folder',
  EACCES: 'it is not allowed',
}
