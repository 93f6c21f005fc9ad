// Ledgers that break the law on purpose: a door that tampers with what goes in and what comes out, and leaves the real ledger behind it as it
// is. For every case there is one under which it must fail: a case that cannot fail is no case.

import type { JsonObject } from '../../src/core/effects.ts'
import type { Answer, Door, LedgerBench, Sent } from './bench.ts'

export type Breakage = {
  /** The case that must fail. */
  readonly breaks: string
  /** What this ledger does. */
  readonly by: string
  /** What the case says then: it must fail for this reason, and for no other. */
  readonly why: RegExp
  readonly tamper: (bench: LedgerBench) => LedgerBench
}

/** Sees each request, and answers it by what the real door says. */
type Proxy = (sent: Sent, call: Door) => Promise<Answer>

function through(make: () => Proxy): Breakage['tamper'] {
  return (bench) => {
    const proxy = make()
    const { call } = bench
    return { ...bench, call: async (sent) => await proxy(sent, call) }
  }
}

type Document = { [field: string]: unknown }

const isEvent = ({ method, path }: Sent): boolean => method === 'POST' && path === '/events'
const referenceOf = ({ body }: Sent): string => (body as { readonly reference: string }).reference
const items = ({ body }: Answer): Document[] => (body as { items: Document[] }).items
const isPayable = ({ account }: Document): boolean => (account as string).startsWith('payable:')
const plus = (units: unknown, more: bigint): string => (BigInt(units as string) + more).toString()

function withItems(answer: Answer, change: (item: Document, index: number) => Document | null): Answer {
  const found = items(answer).map(change)
  return { ...answer, body: { ...(answer.body as Document), items: found.filter((item) => item !== null) } }
}

/** Tampers with the journal's text alone. */
function withJournal(change: (text: string) => string): Breakage['tamper'] {
  return (bench) => {
    const { journal } = bench
    return 'unable' in journal ? bench : { ...bench, journal: async () => change(await journal()) }
  }
}

function withBalances(path: string, change: (balance: Document) => Document): Breakage['tamper'] {
  return through(() => async (sent, call) => {
    const answer = await call(sent)
    return sent.path.startsWith(path) ? withItems(answer, change) : answer
  })
}

/** The document of an event as if it had been recorded, though nothing was. */
function madeUp(like: Answer, reference: string): Answer {
  return { status: 201, body: { ...(like.body as Document), reference } }
}

const isReversal = ({ path }: Sent): boolean => path.endsWith('/reversals')

export const BREAKAGES: readonly Breakage[] = [
  {
    breaks: 'balanced per currency',
    by: 'gives one unit more than came in',
    why: /brought 1000003 and gave 1000004/,
    tamper: through(() => async (sent, call) => {
      const answer = await call(sent)
      if (!isEvent(sent)) return answer
      const document = answer.body as { shares: Document[] }
      const shares = document.shares.map((share, index) => (index === 0 ? { ...share, units: plus(share['units'], 1n) } : share))
      return { ...answer, body: { ...document, shares } }
    }),
  },
  {
    breaks: 'balanced per currency',
    by: 'counts a debit twice',
    why: /debits and \d+ credits in/,
    tamper: withBalances('/balances', (balance) => {
      return balance['account'] === 'expected' ? { ...balance, debits: plus(balance['debits'], 7n) } : balance
    }),
  },
  {
    breaks: 'append-only',
    by: 'drops the oldest entry of a history when it is read again',
    why: /the history of .* is not what it was/,
    tamper: through(() => {
      const read = new Set<string>()
      return async (sent, call) => {
        const answer = await call(sent)
        if (!sent.path.startsWith('/accounts/') || !read.has(sent.path)) {
          read.add(sent.path)
          return answer
        }
        return withItems(answer, (item, index) => (index === 0 ? null : item))
      }
    }),
  },
  {
    breaks: 'append-only',
    by: 'lets an event be deleted',
    why: /DELETE of an event was answered with 204/,
    tamper: through(() => async (sent, call) => (sent.method === 'DELETE' ? { status: 204, body: null } : await call(sent))),
  },
  {
    breaks: 'chain intact',
    by: 'changed an amount in an old block',
    why: /block 1 of lane \d says .*, its lines /,
    tamper: withJournal((text) => text.replace(/^(T\t1\t.*\t)\d+$/m, '$19')),
  },
  {
    breaks: 'chain intact',
    by: 'shows another head than its journal',
    why: /the newest block of lane \d is c0ffee00/,
    tamper: withBalances('/blocks', (block) => ({ ...block, hash: 'c0ffee00'.repeat(8) })),
  },
  {
    breaks: 'a duplicate is a no-op',
    by: 'records what comes again as if it were new',
    why: /changed the books/,
    tamper: through(() => {
      const seen = new Map<string, Answer>()
      return async (sent, call) => {
        if (!isEvent(sent)) return await call(sent)
        const first = seen.get(referenceOf(sent))
        const answer = await call(first === undefined ? sent : { ...sent, body: { ...(sent.body as JsonObject), reference: `${referenceOf(sent)} again` } })
        seen.set(referenceOf(sent), answer)
        return first === undefined ? answer : { status: 200, body: first.body }
      }
    }),
  },
  {
    breaks: 'concurrent duplicates are one',
    by: 'looks for a duplicate first and records after',
    why: /4 of 30 were told that they recorded it/,
    tamper: through(() => {
      let at = 0
      return async (sent, call) => {
        if (!isEvent(sent)) return await call(sent)
        at += 1
        const answer = await call(at % 10 === 0 ? { ...sent, body: { ...(sent.body as JsonObject), reference: `${referenceOf(sent)} ${at}` } } : sent)
        return { ...answer, body: { ...(answer.body as Document), reference: referenceOf(sent) } }
      }
    }),
  },
  {
    breaks: 'no lost update on a hot account',
    by: 'overwrites every tenth update by another one',
    why: /holds \d+, it was given/,
    tamper: through(() => {
      let first: Promise<Answer> | null = null
      let count = 0
      return async (sent, call) => {
        if (!isEvent(sent)) return await call(sent)
        count += 1
        if (first !== null && count % 10 === 0) return madeUp(await first, referenceOf(sent))
        const answer = call(sent)
        first ??= answer
        return await answer
      }
    }),
  },
  {
    breaks: 'conserved under concurrency',
    by: 'says that it reversed and does not',
    why: /are owed, \d+ came in and stayed/,
    tamper: through(() => {
      let first: Promise<Answer> | null = null
      return async (sent, call) => {
        if (!isReversal(sent)) return await call(sent)
        if (first !== null) return madeUp(await first, referenceOf(sent))
        return await (first = call(sent))
      }
    }),
  },
  {
    breaks: 'balance = journal',
    by: 'keeps a balance beside the journal that is one off',
    why: /its entries/,
    tamper: withBalances('/balances?', (balance) => {
      return isPayable(balance) ? { ...balance, units: plus(balance['units'], 1n), credits: plus(balance['credits'], 1n) } : balance
    }),
  },
  {
    breaks: 'no overdraft under a drain',
    by: 'checks what is left before it takes the lock',
    why: /2310 were taken back of 1000/,
    tamper: through(() => async (sent, call) => {
      const answer = await call(sent)
      if (!isReversal(sent) || answer.status !== 422) return answer
      const reversed = await call({ method: 'GET', path: sent.path.replace('/reversals', '') })
      return madeUp({ ...reversed, body: { ...(reversed.body as Document), units: (sent.body as JsonObject)['units'] } }, referenceOf(sent))
    }),
  },
  {
    breaks: 'no drift',
    by: 'rounds amounts to ten units',
    why: /are owed after \d+ came in/,
    tamper: (bench) => ({ ...bench, event: (reference, units) => bench.event(reference, units < 10n ? units : (units / 10n) * 10n) }),
  },
  {
    breaks: 'currencies unmixed',
    by: 'takes an event in whatever currency it names',
    why: /an event in USDC.6 was answered with 201/,
    tamper: through(() => async (sent, call) => {
      if (!isEvent(sent)) return await call(sent)
      const { asset: _, ...body } = sent.body as JsonObject
      return await call({ ...sent, body })
    }),
  },
  {
    breaks: 'currencies unmixed',
    by: 'shows an entry in another currency',
    why: /shows SOL.9,USDC.6/,
    tamper: through(() => async (sent, call) => {
      const answer = await call(sent)
      return sent.path.startsWith('/accounts/') ? withItems(answer, (item, index) => (index === 0 ? { ...item, asset: 'USDC/6' } : item)) : answer
    }),
  },
  {
    breaks: 'a reversal compensates',
    by: 'deletes what it reverses',
    why: /the reversed event is not there as it was/,
    tamper: through(() => {
      const gone = new Set<string>()
      return async (sent, call) => {
        if (isReversal(sent)) gone.add(sent.path.replace('/reversals', ''))
        return gone.has(sent.path) ? { status: 404, body: {} } : await call(sent)
      }
    }),
  },
  {
    breaks: 'state rebuilds',
    by: 'leaves a transfer out of its journal',
    why: /, rebuilt /,
    tamper: withJournal((text) => text.replace(/^T\t4\t.*\n/m, '')),
  },
  {
    breaks: 'order per account',
    by: 'answers entries in the order in which it finds them',
    why: /transfer \d+ of lane \d comes after|an entry of .* comes after|the balances after its entries/,
    tamper: through(() => async (sent, call) => {
      const answer = await call(sent)
      if (!sent.path.startsWith('/accounts/')) return answer
      const [first, second, ...rest] = items(answer)
      return second === undefined ? answer : { ...answer, body: { ...(answer.body as Document), items: [second, first, ...rest] } }
    }),
  },
  {
    breaks: 'a duplicate of a refusal is not applied',
    by: 'takes what it has seen before for done',
    why: /what was refused is answered with 200/,
    tamper: through(() => {
      const seen = new Set<string>()
      return async (sent, call) => {
        const answer = await call(sent)
        if (!isEvent(sent) || answer.status === 201) return answer
        if (seen.has(referenceOf(sent))) return { status: 200, body: answer.body }
        seen.add(referenceOf(sent))
        return answer
      }
    }),
  },
  {
    breaks: 'atomic batch',
    by: 'refuses everything after a refused event',
    why: /a batch was answered with recorded,refused,refused,refused/,
    tamper: through(() => async (sent, call) => {
      const answer = await call(sent)
      if (!sent.path.endsWith('/batch')) return answer
      const { results, ...rest } = answer.body as { results: Document[] }
      const refused = results.findIndex(({ state }) => state === 'refused')
      return { ...answer, body: { ...rest, results: results.map((result, index) => (index > refused ? results[refused] : result)) } }
    }),
  },
  {
    breaks: 'atomic batch',
    by: 'wrote the end of an event into the next block',
    why: /is in more than one block/,
    tamper: withJournal((text) => text.replace(/^(T\t2\t.*\n)([^]*?^B\t.*\n)/m, '$2$1')),
  },
  {
    breaks: 'same key, other content',
    by: 'never compares content',
    why: /other content was answered with 200/,
    tamper: through(() => async (sent, call) => {
      const answer = await call(sent)
      return isEvent(sent) && answer.status === 409 ? { status: 200, body: answer.body } : answer
    }),
  },
  {
    breaks: 'key after a refusal',
    by: 'keeps no key of a refusal',
    why: /a spent key was answered with 201/,
    tamper: through(() => {
      const refused = new Set<string>()
      return async (sent, call) => {
        const { key, ...bare } = sent
        const answer = await call(key !== undefined && refused.has(key) ? bare : sent)
        if (key !== undefined && answer.status >= 400) refused.add(key)
        return answer
      }
    }),
  },
  {
    breaks: 'reservation and release',
    by: 'forgets to take what it reserves',
    why: /^reserved, 100000000000 are payable/,
    tamper: withBalances('/balances', (balance) => (isPayable(balance) ? { ...balance, units: balance['credits'] } : balance)),
  },
  {
    breaks: 'read your write',
    by: 'answers from a copy that is behind',
    why: /was recorded and is not listed/,
    tamper: through(() => {
      const list: Sent = { method: 'GET', path: '/events?limit=200' }
      let behind: Promise<Answer> | null = null
      return async (sent, call) => {
        if (sent.method === 'POST') await (behind ??= call(list))
        return sent.path === list.path && behind !== null ? await behind : await call(sent)
      }
    }),
  },
]
