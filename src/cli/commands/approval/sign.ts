// `approval sign`: seals a statement without a server or a database, for whoever sends approvals by the API.

import { instantText } from '../../../core/canonical.ts'
import { Refusal } from '../../../core/refusal.ts'
import { invalidKey, splitKey } from '../../../engine/api-key.ts'
import { maybeText, text, type Run } from '../../command.ts'

const STATEMENT = /^apportion approval 1\t(plan|payout|settings)\t[0-9a-f-]{36}\t[0-9a-f-]{36}\t[0-9a-f]{64}$/

export const run: Run = async (desk, { words, options }, output) => {
  const statement = text(words[0]).replaceAll(String.raw`\t`, '\t')
  if (!STATEMENT.test(statement)) {
    throw new Refusal('field_malformed', 'the statement must be one as `approval list --json` shows it, five parts with tabs between them', { field: 'statement' })
  }
  const given = maybeText(options['key']) ?? desk.key
  const { seal } = splitKey(given ?? '')
  if (seal === null) throw invalidKey('with its seal is needed: the whole key, in APPORTION_KEY')
  const at = desk.now()
  const preview = maybeText(options['preview'])
  const signature = seal.sign([statement, preview ?? '-', instantText(at)].join('\t')).toBase64()
  const signed = { hash: statement.slice(-64), ...(preview !== null && { preview }), approved_at: instantText(at), signature }
  output.result(signed, () => output.line(JSON.stringify(signed)))
}
