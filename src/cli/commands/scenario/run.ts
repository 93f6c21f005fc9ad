// `scenario run`: carries out scenario files on ledgers in memory. What came otherwise than expected is shown beside it, and ends with 1.

import { dirname, join } from 'node:path'
import { z } from 'zod'
import { chosenProgram } from '../../../core/program.ts'
import { Refusal } from '../../../core/refusal.ts'
import { runScenarios, type ScenarioResult } from '../../../core/scenario/run.ts'
import type { FindProgram } from '../../../core/scenario/stage.ts'
import type { Run } from '../../command.ts'
import { readDocumentFile, readTextFile } from '../../document-file.ts'
import type { Output } from '../../output.ts'

type Refused = { readonly file: string } & Pick<Refusal, 'code' | 'message' | 'details'>

export const run: Run = async ({ programs }, { words }, output) => {
  const files = z.array(z.string()).parse(words[0])
  const results: ScenarioResult[] = []
  const refused: Refused[] = []
  for (const file of files) {
    try {
      const findProgram: FindProgram = (named) => {
        const path = named.file === null ? null : join(dirname(file), named.file)
        return chosenProgram(programs, { program: named.program, file: path === null ? null : readTextFile(path) }, path ?? undefined)
      }
      results.push(...runScenarios(readDocumentFile(file), findProgram))
    } catch (error) {
      // A file that is none holds up none after it.
      if (!(error instanceof Refusal)) throw error
      const { code, message, details } = error
      refused.push({ file, code, message, details })
    }
  }
  const failed = results.filter(({ passed }) => !passed).length
  if (failed > 0 || refused.length > 0) output.fail()
  output.result({ passed: results.length - failed, failed, refused, scenarios: results }, () => show(results, refused, output))
}

function show(results: readonly ScenarioResult[], refused: readonly Refused[], output: Output): void {
  const files = Map.groupBy(results, ({ file }) => file)
  for (const [file, scenarios] of files) {
    output.line(file)
    for (const { it, passed, line, findings } of scenarios) {
      output.line(passed ? `  ok      ${it}` : `  FAILED  ${it} (${file}:${line})`)
      if (passed) continue
      output.table(
        findings,
        [
          { title: '          WHAT', of: ({ what }) => `          ${what}` },
          { title: 'EXPECTED', of: ({ expected }) => expected },
          { title: 'ACTUAL', of: ({ actual }) => actual },
          { title: 'LINE', of: (finding) => finding.line.toString(), right: true },
        ],
        '',
      )
    }
  }
  for (const { code, message } of refused) output.line(`${message} (${code})`)
  const failed = results.filter(({ passed }) => !passed).length
  const turnedAway = refused.length === 0 ? '' : `, ${refused.length} ${refused.length === 1 ? 'file' : 'files'} refused`
  output.line(`\n${results.length - failed} passed, ${failed} failed${turnedAway}`)
}
