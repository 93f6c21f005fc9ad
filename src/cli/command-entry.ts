// One command of the table: what it takes, in words for people, what it needs, and the file that does it.

import type { Needs } from '../boot/desk.ts'
import type { Run } from './command.ts'

export type CommandEntry = {
  readonly noun: string | null
  readonly verb: string
  readonly summary: string
  readonly words: readonly (readonly [form: string, summary: string])[]
  readonly options: readonly (readonly [form: string, summary: string, standard?: string])[]
  /** Options without which the command is not understood. */
  readonly required: readonly (readonly [form: string, summary: string])[]
  readonly needs: Needs
  readonly load: () => Promise<{ readonly run: Run }>
}

type Verb = Pick<CommandEntry, 'summary' | 'load'> & Partial<Pick<CommandEntry, 'words' | 'options' | 'required' | 'needs'>>

export const entry = (noun: string | null, verb: string, { words = [], options = [], required = [], needs = 'database', ...rest }: Verb): CommandEntry => {
  return { noun, verb, words, options, required, needs, ...rest }
}
