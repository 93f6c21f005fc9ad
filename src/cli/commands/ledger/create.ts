// `ledger create`: installs a program as a new ledger, with the owner's database role.

import { Refusal } from '../../../core/refusal.ts'
import { ledgers } from '../../../engine/read-ledger.ts'
import { maybeText, text, type Run } from '../../command.ts'
import { readTextFile } from '../../document-file.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const name = text(words[0])
  const file = maybeText(options['file'])
  const url = maybeText(options['networkUrl'])
  await desk.createLedger({
    name,
    program: text(options['program']),
    ...(file !== null && { programFile: { text: readTextFile(file), name: file } }),
    sandbox: options['production'] !== true,
    railUrl: url,
    inboxSchema: maybeText(options['schema']) ?? name.replaceAll('-', '_'),
    tokens: tokensOf(maybeText(options['token'])),
    lanes: Number(options['lanes'] ?? 1),
  })
  const made = (await ledgers(desk)).find((ledger) => ledger.name === name)
  output.result(made, () => output.line(`Ledger ${name} is there. Next: \`apportion wallet create main --ledger ${name}\`, then name its recipients.`))
}

/** `USDC/6=<mint>`: an asset and the network's own name of it. */
function tokensOf(given: string | null): Readonly<Record<string, string>> {
  if (given === null) return {}
  const [asset, token, ...rest] = given.split('=')
  if (asset === undefined || token === undefined || rest.length > 0) {
    throw new Refusal('field_malformed', `--token takes an asset and the network's name of it, such as USDC/6=<mint>, not ${given}`, { field: 'token' })
  }
  return { [asset]: token }
}
