// The commands that need no database and no ledger: what plans and files do, tried on this machine alone.

import { entry, type CommandEntry } from './command-entry.ts'

export const OFFLINE_COMMANDS: readonly CommandEntry[] = [
  entry('scenario', 'run', {
    summary: 'carry out scenario files without a ledger, and show what came otherwise than expected',
    words: [['<files...>', 'JSON files; docs/reference/scenarios.md describes them']],
    needs: 'nothing',
    load: async () => await import('./commands/scenario/run.ts'),
  }),
  entry(null, 'init', {
    summary: 'write the file of a program to begin with, with scenarios and events; without a template, list them',
    words: [
      ['[template]', 'which'],
      ['[folder]', 'where; a new folder of the template\'s name when left out'],
    ],
    options: [['--force', 'replace files that are there']],
    needs: 'nothing',
    load: async () => await import('./commands/init.ts'),
  }),
  entry(null, 'try', {
    summary: "what a program's file does with events, without a ledger",
    words: [
      ['<file>', "the program's file"],
      ['<events>', 'JSON lines, one event each, as the source sends them; - reads standard input'],
    ],
    options: [
      ['--program <program>', 'which program takes the file', 'custom'],
      ['--given <file>', 'what there is before: {"facts", "funds", "at"}, as in scenarios'],
      ['--totals', 'leave out what each event does'],
    ],
    needs: 'nothing',
    load: async () => await import('./commands/try.ts'),
  }),
  entry(null, 'allocate', {
    summary: 'divide a pool by weights, without a ledger; without --pool, cases from standard input, one JSON object a line',
    options: [
      ['--pool <units>', 'what is divided, in smallest units'],
      ['--weights <weights>', 'such as 80,12.5,1/3'],
      ['--rounding <policy>', 'who gets the units that do not divide', 'largest-remainder'],
      ['--recipients <names>', 'who they are; their places from 1 on when left out'],
      ['--state <json>', 'what the policy remembered, as the answer before gave it'],
    ],
    needs: 'nothing',
    load: async () => await import('./commands/allocate.ts'),
  }),
]
