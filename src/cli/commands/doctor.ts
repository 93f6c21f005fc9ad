// `doctor`: what the program stands on, setting by setting and part by part, without a secret.

import { shownSettings } from '../../config.ts'
import type { Run } from '../command.ts'

export const run: Run = async (desk, { environment }, output) => {
  const settings = shownSettings(environment)
  const version = await desk.databaseVersion()
  const citus = await desk.citus()
  const ledgers = await desk.ledgers.all()
  const networks = await Promise.all(
    ledgers.map(async ({ name, row }) => {
      try {
        const { network } = await desk.connect(row.rail, row.rail_url).identify()
        return { ledger: name, rail: row.rail, answers: true, detail: network }
      } catch (error) {
        return { ledger: name, rail: row.rail, answers: false, detail: error instanceof Error ? error.message : String(error) }
      }
    }),
  )
  output.result({ settings, database: { version, place: desk.database.place, citus }, networks }, () => {
    output.table(
      settings,
      [
        { title: 'SETTING', of: ({ name }) => name },
        { title: 'VALUE', of: ({ value }) => value },
        { title: 'FROM', of: ({ from }) => from },
      ],
      '',
    )
    output.line(`\nPostgreSQL ${version}, ${desk.database.place}`)
    output.line(`${citus === null ? 'plain PostgreSQL: everything on one machine' : `Citus ${citus.version} with ${citus.workers} workers: lanes are spread over them`}\n`)
    output.table(
      networks,
      [
        { title: 'LEDGER', of: ({ ledger }) => ledger },
        { title: 'RAIL', of: ({ rail }) => rail },
        { title: 'NETWORK', of: ({ answers, detail }) => (answers ? `answers: ${detail}` : `does not answer: ${detail}`) },
      ],
      'There is no ledger yet.',
    )
  })
}
