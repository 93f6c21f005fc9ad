// `plan add`: a new version of the rules, from a file. Events keep the version of their own instant.

import { Refusal } from '../../../core/refusal.ts'
import { addPlanVersion } from '../../../engine/add-plan-version.ts'
import { ledgerOf, maybeText, text, type Run } from '../../command.ts'
import { readInput } from '../../read-input.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const from = maybeText(options['from'])
  const content = parseJson(text(words[0]), await readInput(text(words[0]), 'file'))
  const { version, effectiveFrom, hash } = await addPlanVersion(desk, ledger, { content, effectiveFrom: from === null ? null : instantOf(from) })
  output.result({ version, effective_from: effectiveFrom?.toString() ?? null, hash }, () =>
    output.line(`Version ${version} is in force from ${effectiveFrom?.toString() ?? 'the beginning'}.`),
  )
}

function parseJson(file: string, content: string): unknown {
  try {
    return JSON.parse(content) as unknown
  } catch (error) {
    throw new Refusal('plan_invalid', `${file} holds no plan: ${error instanceof Error ? error.message : String(error)}`, { field: 'file' })
  }
}

function instantOf(from: string): Temporal.Instant {
  try {
    return Temporal.Instant.from(from)
  } catch {
    throw new Refusal('field_malformed', `--from takes an instant such as 2027-01-01T00:00:00Z, not ${from.slice(0, 60)}`, { field: 'from' })
  }
}
