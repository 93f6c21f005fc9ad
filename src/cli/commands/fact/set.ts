// `fact set`: announces a standing fact: at once, or from a date.

import { setFact } from '../../../engine/set-fact.ts'
import { ledgerOf, text, type Run } from '../../command.ts'
import { actorOf, instantOf } from '../../person.ts'

export const run: Run = async (desk, { words, options }, output) => {
  const ledger = await ledgerOf(desk, options)
  const { person } = await actorOf(desk, ledger, options)
  const [name, subject, value] = [text(words[0]), text(words[1]), text(words[2])]
  const fact = await setFact(desk, ledger, person, { name, subject, value, effectiveFrom: instantOf(options['from']) })
  output.result(fact, () => output.line(`${name} of ${subject} is ${fact.value} from ${fact.effective_from}.`))
}
