// The fifteen invariants that the public ledger-conformance-kit states of any ledger, each as a case of its own words against our requests.
// A finding is measured against what the ledger said it applied, never against what was sent.

import { defineCase, type LedgerCase } from './bench.ts'
import {
  atOnce, CALLERS, codeIn, demand, eventIn, owedIn, post, readBalances, readBlocks, readBooks, readEvents, readHistory, readJournal, record, reference,
  reverse, roleOf, sum, type Entry,
} from './books.ts'

/** Odd amounts, so that every division leaves a remainder. */
const odd = (index: number): bigint => 1_000_003n + BigInt(index) * 7_919n

export const kitCases: readonly LedgerCase[] = [
  defineCase({ name: 'balanced per currency', says: 'what an event brings in is what it gives out, and debits equal credits, in each currency' }, async (bench) => {
    const events = await atOnce(async (caller) => await record(bench, `sale ${caller}`, odd(caller)))
    demand((await reverse(bench.call, 'sale 0', { by: 'sale 0/back', units: 333n })).status === 201, 'a reversal is taken')
    for (const { reference: name, units, shares } of events) {
      const given = sum(shares.filter(({ asset }) => asset === bench.currency).map((share) => BigInt(share.units)))
      demand(given === BigInt(units), `${name} brought ${units} and gave ${given}`)
    }
    const balances = await readBalances(bench.call)
    for (const [asset, some] of Map.groupBy(balances, (balance) => balance.asset)) {
      const [debits, credits] = [sum(some.map((one) => BigInt(one.debits))), sum(some.map((one) => BigInt(one.credits)))]
      demand(debits === credits, `${debits} debits and ${credits} credits in ${asset}`)
    }
    for (const [event, entries] of Map.groupBy(await readHistory(bench.call, 'received'), (entry) => `${entry.lane} ${entry.event}`)) {
      const left = sum(entries.map(({ side, units }) => (side === 'credit' ? BigInt(units) : -BigInt(units))))
      demand(left === 0n, `event ${event} leaves ${left} with nobody`)
    }
  }),

  defineCase({ name: 'append-only', says: 'what was once in the books stays there as it was, whatever is asked for' }, async (bench) => {
    for (let index = 0; index < 5; index += 1) await record(bench, `sale ${index}`, odd(index))
    const before = await readBooks(bench.call)
    for (const method of ['PUT', 'PATCH', 'DELETE']) {
      const answer = await bench.call({ method, path: `/events/${reference('sale 0')}`, body: bench.event('sale 0', 1n) })
      demand(answer.status >= 400, `${method} of an event was answered with ${answer.status}`)
    }
    await post(bench.call, bench.event('sale 1', 5n))
    demand((await reverse(bench.call, 'sale 2', { by: 'sale 2/back' })).status === 201, 'a reversal is taken')
    await record(bench, 'sale 5', odd(5))
    const after = await readBooks(bench.call)
    for (const [account, entries] of before.histories) demand(isPrefix(entries, after.histories.get(account) ?? []), `the history of ${account} is not what it was`)
    demand(isPrefix(before.blocks.toReversed(), after.blocks.toReversed()), 'the blocks are not what they were')
  }),

  defineCase({ name: 'chain intact', says: 'every block hashes what it holds and the block before it, up to the head that is shown', needs: ['journal'] }, async (bench) => {
    for (let index = 0; index < 5; index += 1) await record(bench, `sale ${index}`, odd(index))
    demand((await reverse(bench.call, 'sale 2', { by: 'sale 2/back' })).status === 201, 'a reversal is taken')
    const { broken, heads } = readJournal(await bench.journal())
    demand(broken.length === 0, broken[0] ?? '')
    const blocks = Map.groupBy(await readBlocks(bench.call), ({ lane }) => lane)
    for (const [lane, [newest]] of blocks) {
      demand(newest?.hash === heads.get(lane), `the newest block of lane ${lane} is ${newest?.hash}, the journal ends with ${heads.get(lane)}`)
    }
    demand(blocks.size > 0, 'there are blocks')
  }),

  defineCase({ name: 'a duplicate is a no-op', says: 'the same event again gives the same answer and changes nothing' }, async (bench) => {
    const first = await record(bench, 'sale', odd(1))
    const before = await readBooks(bench.call)
    const again = await post(bench.call, bench.event('sale', odd(1)))
    demand(again.status === 200, `the duplicate was answered with ${again.status}`)
    demand(isSame(eventIn(again), first), 'the duplicate has another answer')
    demand(isSame(await readBooks(bench.call), before), 'the duplicate changed the books')
  }),

  defineCase({ name: 'concurrent duplicates are one', says: 'thirty callers with one event record it once' }, async (bench) => {
    const answers = await atOnce(async () => await post(bench.call, bench.event('sale', odd(1))))
    const applied = answers.filter(({ status }) => status === 201).length
    demand(applied === 1, `${applied} of ${CALLERS} were told that they recorded it`)
    demand(answers.every(({ status }) => status === 200 || status === 201), 'all are answered')
    demand(new Set(answers.map((answer) => JSON.stringify(eventIn(answer)))).size === 1, 'they were told different things')
    demand((await readEvents(bench.call)).length === 1, 'there is one event')
    const owed = owedIn(await readBalances(bench.call))
    demand(owed === odd(1), `${owed} are owed for one event of ${odd(1)}`)
  }),

  defineCase({ name: 'no lost update on a hot account', says: 'what thirty callers add to the same accounts at once is all there' }, async (bench) => {
    const events = (await atOnce(async (caller) => [await record(bench, `sale ${caller} a`, odd(caller)), await record(bench, `sale ${caller} b`, 1n)])).flat()
    const expected = new Map<string, bigint>()
    for (const { account, units } of events.flatMap(({ shares }) => shares)) expected.set(account, (expected.get(account) ?? 0n) + BigInt(units))
    const balances = new Map((await readBalances(bench.call)).map(({ account, units }) => [account, BigInt(units)]))
    for (const [account, units] of expected) demand((balances.get(account) ?? 0n) === units, `${account} holds ${balances.get(account)}, it was given ${units}`)
  }),

  defineCase({ name: 'conserved under concurrency', says: 'what comes in and goes back by thirty callers at once adds up to what is owed' }, async (bench) => {
    const base = await record(bench, 'base', 1_000_000_007n)
    const applied = await atOnce(async (caller) => {
      const made = BigInt((await record(bench, `sale ${caller}`, odd(caller))).units)
      const back = await reverse(bench.call, 'base', { by: `base/back ${caller}`, units: 1_000n + BigInt(caller) })
      return back.status === 201 ? made - BigInt(eventIn(back).units) : made
    })
    const due = BigInt(base.units) + sum(applied)
    const balances = await readBalances(bench.call)
    demand(owedIn(balances) === due, `${owedIn(balances)} are owed, ${due} came in and stayed`)
    const all = sum(balances.map(({ debits, credits }) => BigInt(debits) - BigInt(credits)))
    demand(all === 0n, `all accounts together hold ${all}`)
  }),

  defineCase({ name: 'balance = journal', says: 'a balance is the sum of its entries, and each entry says the balance after it' }, async (bench) => {
    await atOnce(async (caller) => await record(bench, `sale ${caller}`, odd(caller)))
    demand((await reverse(bench.call, 'sale 3', { by: 'sale 3/back', units: 77n })).status === 201, 'a reversal is taken')
    const { balances, histories } = await readBooks(bench.call)
    for (const { account, asset, debits, credits, units } of balances) {
      const entries = (histories.get(account) ?? []).filter((entry) => entry.asset === asset)
      const of = (side: Entry['side']): bigint => sum(entries.filter((entry) => entry.side === side).map((entry) => BigInt(entry.units)))
      demand(of('debit') === BigInt(debits) && of('credit') === BigInt(credits), `${account} says ${debits} debits and ${credits} credits, its entries ${of('debit')} and ${of('credit')}`)
      const last = entries.at(-1)?.balance.units ?? '0'
      demand(last === units, `${account} holds ${units}, its last entry says ${last}`)
    }
  }),

  defineCase({ name: 'no overdraft under a drain', says: 'thirty callers who take back more than there is get what there is and no more' }, async (bench) => {
    const units = 1_000n
    await record(bench, 'sale', units)
    const answers = await atOnce(async (caller) => await reverse(bench.call, 'sale', { by: `sale/back ${caller}`, units: 77n }))
    const taken = sum(answers.filter(({ status }) => status === 201).map((answer) => BigInt(eventIn(answer).units)))
    demand(taken <= units, `${taken} were taken back of ${units}`)
    demand(taken === 77n * (units / 77n), `only ${taken} could be taken back of ${units}`)
    for (const answer of answers.filter(({ status }) => status !== 201)) demand(codeIn(answer) === 'reversal_exceeded', `one was refused with ${codeIn(answer)}`)
    const balances = await readBalances(bench.call)
    for (const balance of balances.filter(({ account }) => roleOf(account) === 'payable')) demand(BigInt(balance.units) >= 0n, `${balance.account} holds ${balance.units}`)
    demand(owedIn(balances) === units - taken, `${owedIn(balances)} are owed of ${units} less ${taken}`)
  }),

  defineCase({ name: 'no drift', says: 'a thousand small movements add up to the last unit' }, async (bench) => {
    const small = Array.from({ length: 1_000 }, (_, index) => bench.event(`dust ${index}`, BigInt((index % 13) + 1)))
    const answer = await bench.call({ method: 'POST', path: '/events/batch', body: { events: small } })
    demand(answer.status === 200, `the batch was answered with ${answer.status}`)
    for (let index = 0; index < 10; index += 1) await record(bench, `tenth ${index}`, 100_000_000n)
    const due = sum(small.map((_, index) => BigInt((index % 13) + 1))) + 1_000_000_000n
    const balances = await readBalances(bench.call)
    demand(owedIn(balances) === due, `${owedIn(balances)} are owed after ${due} came in`)
    const expected = balances.find(({ account }) => account === 'expected')
    demand(expected !== undefined && BigInt(expected.units) === due, `${expected?.units} are expected for ${due}`)
  }),

  defineCase({ name: 'currencies unmixed', says: 'no event, entry or balance joins two currencies, and a ledger takes only its own', needs: ['foreign'] }, async (bench) => {
    const foreign = await bench.foreign()
    await record(foreign, 'only there', 7n)
    await atOnce(async (caller) => await Promise.all([record(bench, `sale ${caller}`, odd(caller)), record(foreign, `sale ${caller}`, odd(caller))]))
    const named = await post(bench.call, { ...bench.event('named', 5n), asset: foreign.currency })
    demand(named.status >= 400, `an event in ${foreign.currency} was answered with ${named.status}`)
    demand((await reverse(bench.call, 'only there', { by: 'only there/back' })).status === 404, 'an event of another ledger cannot be reversed')
    for (const [call, currency] of [[bench.call, bench.currency], [foreign.call, foreign.currency]] as const) {
      const { balances, histories } = await readBooks(call)
      const assets = new Set([...balances, ...[...histories.values()].flat(), ...(await readEvents(call)).flatMap(({ shares }) => shares)].map(({ asset }) => asset))
      demand(assets.size === 1 && assets.has(currency), `the ledger in ${currency} shows ${[...assets].join()}`)
      const owed = owedIn(balances)
      const due = sum(Array.from({ length: CALLERS }, (_, caller) => odd(caller))) + (call === foreign.call ? 7n : 0n)
      demand(owed === due, `${owed} are owed in ${currency}, ${due} came in`)
    }
  }),

  defineCase({ name: 'a reversal compensates', says: 'a reversal adds what undoes an event, which stays to be read' }, async (bench) => {
    await record(bench, 'other', odd(2))
    const before = await readBalances(bench.call)
    const sale = await record(bench, 'sale', odd(1))
    const books = await readBooks(bench.call)
    const answer = await reverse(bench.call, 'sale', { by: 'sale/back' })
    demand(answer.status === 201, `the reversal was answered with ${answer.status}`)
    demand(eventIn(answer).reverses === sale.event && eventIn(answer).units === sale.units, 'the reversal names what it reverses, and all of it')
    const found = await bench.call({ method: 'GET', path: `/events/${reference('sale')}` })
    demand(found.status === 200 && isSame(eventIn(found), sale), 'the reversed event is not there as it was')
    const after = await readBooks(bench.call)
    for (const [account, entries] of books.histories) demand(isPrefix(entries, after.histories.get(account) ?? []), `the history of ${account} lost something`)
    const held = (balances: typeof before): ReadonlyMap<string, string> => new Map(balances.map(({ account, units }) => [account, units]))
    for (const [account, units] of held(before)) demand(held(after.balances).get(account) === units, `${account} held ${units} before and holds ${held(after.balances).get(account)} after all was undone`)
    demand(owedIn(after.balances) === odd(2), 'what was reversed is owed to nobody')
  }),

  defineCase({ name: 'state rebuilds', says: 'the journal alone gives every balance, to the unit', needs: ['journal'] }, async (bench) => {
    await atOnce(async (caller) => await record(bench, `sale ${caller}`, odd(caller)))
    demand((await reverse(bench.call, 'sale 5', { by: 'sale 5/back', units: 12_345n })).status === 201, 'a reversal is taken')
    const rebuilt = new Map<string, { debits: bigint; credits: bigint }>()
    const account = (name: string) => rebuilt.getOrInsertComputed(name, () => ({ debits: 0n, credits: 0n }))
    for (const { debit, credit, asset, units } of readJournal(await bench.journal()).transfers) {
      account(`${debit} ${asset}`).debits += units
      account(`${credit} ${asset}`).credits += units
    }
    const live = (await readBalances(bench.call)).filter(({ debits, credits }) => debits !== '0' || credits !== '0')
    demand(live.length === rebuilt.size, `${live.length} accounts have moved, ${rebuilt.size} by the journal`)
    for (const { account: name, asset, debits, credits } of live) {
      const one = rebuilt.get(`${name} ${asset}`)
      demand(one?.debits === BigInt(debits) && one.credits === BigInt(credits), `${name} has ${debits} debits and ${credits} credits, rebuilt ${one?.debits} and ${one?.credits}`)
    }
  }),

  defineCase({ name: 'order per account', says: 'the entries of an account have one order, without a gap in its balance, read from either end' }, async (bench) => {
    await atOnce(async (caller) => await record(bench, `sale ${caller}`, odd(caller)))
    const { histories } = await readBooks(bench.call)
    for (const [account, entries] of histories) {
      for (const [lane, some] of Map.groupBy(entries, (entry) => entry.lane)) {
        for (const [index, entry] of some.entries()) {
          const before = some[index - 1]
          if (before === undefined) continue
          demand(BigInt(entry.transfer) > BigInt(before.transfer), `${account}: transfer ${entry.transfer} of lane ${lane} comes after ${before.transfer}`)
          demand(entry.recorded_at >= before.recorded_at, `${account}: an entry of ${entry.recorded_at} comes after one of ${before.recorded_at}`)
        }
      }
      demand(hasSteps(entries), `${account}: the balances after its entries leave something out`)
    }
    const newest = await readHistory(bench.call, 'received', 'newest')
    demand(isSame(newest.toReversed(), histories.get('received')), 'a history is another one from its other end')
  }),

  defineCase({ name: 'a duplicate of a refusal is not applied', says: 'what was refused is refused again, never reported as done, and its reference is still free' }, async (bench) => {
    const bad = { ...bench.event('sale', 0n) }
    for (const key of [undefined, 'refused', 'refused']) {
      for (const answer of await atOnce(async () => await post(bench.call, bad, key))) {
        demand(answer.status === 422 && codeIn(answer) === 'amount_not_positive', `what was refused is answered with ${answer.status}`)
      }
    }
    demand((await readEvents(bench.call)).length === 0 && (await readBlocks(bench.call)).length === 0, 'a refusal left something in the books')
    await record(bench, 'sale', odd(1))
  }),
]

const isSame = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

function isPrefix(before: readonly unknown[], after: readonly unknown[]): boolean {
  return before.length <= after.length && before.every((entry, index) => isSame(entry, after[index]))
}

/** Each balance is the one before it and the entry, on the side that carries it. */
function hasSteps(entries: readonly Entry[]): boolean {
  const [first] = entries
  if (first === undefined) return true
  const carries = BigInt(first.balance.units) > 0n ? first.side : first.side === 'debit' ? 'credit' : 'debit'
  let balance = 0n
  return entries.every((entry) => {
    balance += entry.side === carries ? BigInt(entry.units) : -BigInt(entry.units)
    return BigInt(entry.balance.units) === balance
  })
}
