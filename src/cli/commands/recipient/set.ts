// `recipient set`: names where a recipient is paid from now on.

import { setDestinations } from '../../../engine/set-destinations.ts'
import { ledgerOf, maybeText, text, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const [recipient, address] = [text(words[0]), text(words[1])]
  await setDestinations(desk, ledger, [{ recipient, label: maybeText(options['label']), destination: { address } }])
  output.result({ recipient, address }, () => output.line(`${recipient} is paid at ${address} from now on.`))
}
