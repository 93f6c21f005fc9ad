// What we promise beyond the public kit: batches, keys, reservations, and that what was answered is there to be read.

import { defineCase, type LedgerCase } from './bench.ts'
import { atOnce, batchIn, codeIn, demand, eventIn, owedIn, post, readBalances, readBlocks, readBooks, readEvents, readHistory, readJournal, record, reference, sum, type EventDocument } from './books.ts'

const UNITS = 1_000_003n

export const ownCases: readonly LedgerCase[] = [
  defineCase({ name: 'atomic batch', says: 'each event of a batch is there with its whole distribution or not at all, and a refused one takes nobody down', needs: ['journal'] }, async (bench) => {
    const batch = (caller: number) => [
      bench.event('shared', UNITS),
      bench.event(`own ${caller}`, UNITS + BigInt(caller)),
      bench.event(`bad ${caller}`, 0n),
      bench.event(`own ${caller}`, UNITS + BigInt(caller)),
      bench.event(`last ${caller}`, 1n),
    ]
    const answers = await atOnce(async (caller) => batchIn(await bench.call({ method: 'POST', path: '/events/batch', body: { events: batch(caller) } })))
    for (const { results } of answers) {
      const states = results.map(({ state }) => state).slice(1).join()
      demand(states === 'recorded,refused,duplicate,recorded', `a batch was answered with ${states}`)
    }
    const shared = answers.filter(({ results }) => results[0]?.state === 'recorded').length
    demand(shared === 1, `${shared} callers recorded the event that is in all batches`)
    const events = await readEvents(bench.call)
    demand(events.length === 1 + 2 * answers.length, `${events.length} events of ${answers.length} batches`)
    const { transfers } = readJournal(await bench.journal())
    for (const [event, some] of Map.groupBy(transfers, ({ lane, event: number }) => `${lane} ${number}`)) {
      demand(new Set(some.map(({ block }) => block)).size === 1, `event ${event} is in more than one block`)
      const left = sum(some.map(({ debit, credit, units }) => (credit === 'received' ? units : 0n) - (debit === 'received' ? units : 0n)))
      demand(left === 0n, `event ${event} is there in part`)
    }
  }),

  defineCase({ name: 'same key, other content', says: 'a reference or a key that stands for one content takes no other, and says so' }, async (bench) => {
    await record(bench, 'sale', UNITS)
    const keyed = await post(bench.call, bench.event('keyed', UNITS), 'a-key')
    demand(keyed.status === 201, `the keyed event was answered with ${keyed.status}`)
    const before = await readBooks(bench.call)
    for (const answer of await atOnce(async (caller) => await post(bench.call, bench.event('sale', UNITS + 1n + BigInt(caller))))) {
      demand(answer.status === 409 && codeIn(answer) === 'reference_conflict', `other content was answered with ${answer.status}`)
    }
    const other = await post(bench.call, bench.event('another', UNITS), 'a-key')
    demand(other.status === 409 && codeIn(other) === 'idempotency_key_conflict', `another body under a key was answered with ${other.status}`)
    demand(JSON.stringify(await readBooks(bench.call)) === JSON.stringify(before), 'a conflict changed the books')
  }),

  defineCase({ name: 'key after a refusal', says: 'a refusal by state frees its key, one by content spends it', needs: ['tooEarly'] }, async (bench) => {
    const early = await post(bench.call, bench.tooEarly('early', UNITS), 'by-state')
    demand(early.status >= 400, `an event of tomorrow was answered with ${early.status}`)
    const later = await post(bench.call, bench.event('early', UNITS), 'by-state')
    demand(later.status === 201, `the same key after a refusal by state was answered with ${later.status}`)
    const bad = await post(bench.call, bench.event('bad', 0n), 'by-content')
    demand(bad.status === 422, `an event of nothing was answered with ${bad.status}`)
    const corrected = await post(bench.call, bench.event('bad', UNITS), 'by-content')
    demand(corrected.status === 409 && codeIn(corrected) === 'idempotency_key_conflict', `a spent key was answered with ${corrected.status}`)
    const again = await post(bench.call, bench.event('bad', 0n), 'by-content')
    demand(JSON.stringify(again) === JSON.stringify(bad), 'a spent key repeats another answer')
    const under = await post(bench.call, bench.event('bad', UNITS), 'another-key')
    demand(under.status === 201, `the corrected event under a new key was answered with ${under.status}`)
  }),

  defineCase({ name: 'reservation and release', says: 'what is on its way is reserved once, given back once when it cannot arrive, and gone once when it did', needs: ['pay'] }, async (bench) => {
    const { shares } = await record(bench, 'sale', 100_000_000_000n)
    const due = sum(shares.map(({ units }) => BigInt(units)))
    const standing = async () => {
      const balances = await readBalances(bench.call)
      return { payable: owedIn(balances, ['payable']), inFlight: owedIn(balances, ['in_flight']) }
    }
    const demandStanding = async (when: string, expected: { readonly payable: bigint; readonly inFlight: bigint }): Promise<void> => {
      const found = await standing()
      demand(found.payable === expected.payable && found.inFlight === expected.inFlight, `${when} ${found.payable} are payable and ${found.inFlight} in flight of ${due}`)
    }
    await demandStanding('before it is paid', { payable: due, inFlight: 0n })
    await bench.pay.reserve()
    await demandStanding('reserved,', { payable: 0n, inFlight: due })
    await bench.pay.release()
    await demandStanding('released,', { payable: due, inFlight: 0n })
    await bench.pay.settle()
    await demandStanding('paid,', { payable: 0n, inFlight: 0n })
    for (const { account } of shares) {
      const kinds = (await readHistory(bench.call, account)).map(({ kind }) => kind).join()
      demand(kinds === 'share,reserved,released,reserved', `${account} went through ${kinds}`)
    }
  }),

  defineCase({ name: 'read your write', says: 'what was answered is in every later answer, by whichever server', needs: ['elsewhere'] }, async (bench) => {
    await atOnce(async (caller) => {
      const made = await record(bench, `sale ${caller}`, UNITS + BigInt(caller))
      for (const call of [bench.call, bench.elsewhere]) await demandThere(call, made)
    })
    const [here, there] = [await readBlocks(bench.call), await readBlocks(bench.elsewhere)]
    demand(JSON.stringify(here) === JSON.stringify(there), 'two servers show two journals')
  }),
]

async function demandThere(call: Parameters<typeof readEvents>[0], made: EventDocument): Promise<void> {
  const path = `/events/${reference(made.reference)}`
  const answer = await call({ method: 'GET', path })
  demand(answer.status === 200 && JSON.stringify(eventIn(answer)) === JSON.stringify(made), `${made.reference} was recorded and is answered with ${answer.status}`)
  const listed = await call({ method: 'GET', path: '/events?limit=200' })
  demand(JSON.stringify(listed.body).includes(JSON.stringify(made.reference)), `${made.reference} was recorded and is not listed`)
  for (const { account, units } of made.shares.filter((share) => share.units !== '0')) {
    const entries = await readHistory(call, account)
    demand(entries.some((entry) => entry.reference === made.reference && entry.units === units), `${made.reference} was recorded and is not in the history of ${account}`)
  }
}
