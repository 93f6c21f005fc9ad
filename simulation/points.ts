// The places at which a crash tells most, as data: what a process asks of the database or of a network there, and why its end at just that
// moment matters. One table for the simulated processes and for the real ones; nothing here ends anything.

export type Point = {
  readonly name: string
  /** Whose statement it is. */
  readonly process: 'server' | 'signer'
  readonly effect: 'sql' | 'fetch'
  /** sql: a statement's name, or some words that its text holds. fetch: a method of the network's RPC. */
  readonly match: string
  /** Only in a transaction in which this (of the same form) was asked before, or in the same piece. */
  readonly within?: string
  /** Only where a value of the statement, or of the one of `within`, lists this word. */
  readonly listing?: string
  /** `before`: it never left. `after`: it was carried out, and nobody does anything with the answer. */
  readonly moment: 'before' | 'after'
  readonly says: string
}

const sql = { process: 'server', effect: 'sql' } as const
const signer = { process: 'signer', effect: 'sql' } as const
const network = { process: 'server', effect: 'fetch' } as const
const before = { moment: 'before' } as const
const after = { moment: 'after' } as const

export const POINTS = [
  { name: 'inbox row taken', ...sql, ...after, match: 'update apportion.inbox set taken_until', says: 'a row is taken by somebody who is gone: its lease must run out' },
  { name: 'inbox row recorded', ...sql, ...before, match: 'delete from apportion.inbox where ledger', says: 'the event is there and its row is still queued: it is taken again and must stay one event' },
  { name: 'inbox row judged', ...sql, ...before, match: 'update apportion.inbox set state = row.state', says: 'a refusal was decided and not written: the row must be judged again' },

  { name: 'lane locked', ...sql, ...after, match: 'lock-head', says: 'the head is held by a session that ends' },
  { name: 'references read', ...sql, ...after, match: 'read-references', says: 'it is known who is new, and nothing is decided' },
  { name: 'event decided', ...sql, ...before, match: 'copy-event', says: 'the batch was decided and never left' },
  { name: 'event committed', ...sql, ...after, match: 'copy-event', says: 'the batch is there and nobody was told' },
  { name: 'event committed under the lock', ...sql, ...after, match: 'copy-event', within: 'lock-head', says: 'as before, where others waited for the lane' },
  { name: 'reversal decided', ...sql, ...before, match: 'insert into apportion.deduction', says: 'what each share gives back was decided and never left' },
  { name: 'reversal committed', ...sql, ...after, match: 'insert into apportion.deduction', says: 'payouts are smaller and nobody was told: sent again, it must take nothing twice' },

  { name: 'idempotency key claimed', ...sql, ...after, match: 'claim-idempotency', says: 'a claim without an owner: the same content may take it over' },
  { name: 'answer not kept', ...sql, ...before, match: 'keep-idempotency', says: 'the work is done and its answer is not kept' },
  { name: 'answer kept', ...sql, ...after, match: 'keep-idempotency', says: 'the answer is kept and was not given' },

  { name: 'payouts not committed', ...sql, ...before, match: 'commit', within: 'insert into apportion.payout (', says: 'cursor and payouts stand in a transaction that never commits' },
  { name: 'payouts made', ...sql, ...after, match: 'commit', within: 'insert into apportion.payout (', says: 'payouts are there and their maker does not know' },

  { name: 'signing read', ...signer, ...after, match: 'signer-read-batch', says: 'the signer has looked and counted nothing' },
  { name: 'signing counted', ...signer, ...after, match: 'commit', within: 'signer-count-payouts', says: 'the limit is used for a signature that nobody gets: it must not be used twice' },
  { name: 'signed', ...sql, ...before, match: 'reserve-payouts', says: 'a signature exists and nothing is stored of it: it must never leave' },
  { name: 'live attempt set', ...sql, ...after, match: 'reserve-payouts', says: 'attempt and reservation stand in an open transaction' },
  { name: 'attempt not committed', ...sql, ...before, match: 'commit', within: 'reserve-payouts', says: 'attempt, reservation and transfers were decided and never left' },
  { name: 'attempt committed', ...sql, ...after, match: 'commit', within: 'reserve-payouts', says: 'the attempt is there and no byte has left: somebody else must send these very bytes' },

  { name: 'not submitted', ...network, ...before, match: 'sendTransaction', says: 'the request was made and never left' },
  { name: 'submitted', ...network, ...after, match: 'sendTransaction', says: 'the network may have it and nothing says so: only a look may decide' },
  { name: 'answer of submit not recorded', ...sql, ...before, match: 'submits = submits + 1', says: 'the network said something and nobody wrote it down' },
  { name: 'answer of submit recorded', ...sql, ...after, match: 'submits = submits + 1', says: 'it is written down and nobody looks' },
  { name: 'not looked', ...network, ...before, match: 'getSignatureStatuses', says: 'the question never left' },
  { name: 'looked', ...network, ...after, match: 'getSignatureStatuses', says: 'the network told the proof to somebody who is gone' },
  { name: 'look recorded', ...sql, ...after, match: 'submit_at = case when row.expired', says: 'a look that proved nothing was kept' },

  { name: 'settlement written', ...sql, ...after, match: 'end-attempts', listing: 'settled', says: 'settlement and states stand in an open transaction' },
  { name: 'settlement not committed', ...sql, ...before, match: 'commit', within: 'end-attempts', listing: 'settled', says: 'its transfers were decided and never left' },
  { name: 'settlement posted', ...sql, ...after, match: 'commit', within: 'end-attempts', listing: 'settled', says: 'it is settled and nobody knows: it must not be settled again' },
  { name: 'release not committed', ...sql, ...before, match: 'commit', within: 'end-attempts', listing: 'never', says: 'the old attempt stays live: there must be no new one' },
  { name: 'released', ...sql, ...after, match: 'commit', within: 'end-attempts', listing: 'never', says: 'the payouts are queued again: one new attempt, by whoever comes' },
  { name: 'neighbours not woken', ...sql, ...before, match: 'with destination as materialized ( select distinct wallet', says: 'the destination exists now and who waited for that was not told' },

  { name: 'payout held', ...sql, ...after, match: 'batch = null, tries = tries + 1, changed_at', says: 'it waits, and who held it is gone' },
  { name: 'held rechecked', ...sql, ...after, match: 'coalesce(small.place = 1, keeper.payout is null) as goes', says: 'what is due was queued and nobody prepares it' },
  { name: 'unfunded not woken', ...sql, ...before, match: 'set due_at = to_timestamp(0)', says: 'money was seen and who waited for it was not told' },

  { name: 'approval awaited', ...sql, ...after, match: "set state = 'awaiting_approval'", says: 'it waits for a person, and the batch it was taken from is gone' },
  { name: 'approval not committed', ...sql, ...before, match: 'commit', within: 'insert into apportion.approval', says: 'a person sealed it and it never left' },
  { name: 'approval written', ...sql, ...after, match: 'commit', within: 'insert into apportion.approval', says: 'it is approved and the person was not told' },
  { name: 'plan not committed', ...sql, ...before, match: 'commit', within: 'insert into apportion.plan_version', says: 'draft, approval and version stand in a transaction that never commits' },
  { name: 'plan approved', ...sql, ...after, match: 'commit', within: 'insert into apportion.plan_version', says: 'the version is in force and its process never learned it' },
  { name: 'destination not committed', ...sql, ...before, match: 'commit', within: 'insert into apportion.destination', says: 'the address was checked and never left' },
  { name: 'destination set', ...sql, ...after, match: 'commit', within: 'insert into apportion.destination', says: 'the address counts and its person was not told' },

  { name: 'snapshot not committed', ...sql, ...before, match: 'commit', within: 'insert into apportion.snapshot (', says: 'all of it was read and nothing of it may be left' },
  { name: 'snapshot made', ...sql, ...after, match: 'commit', within: 'insert into apportion.snapshot (', says: 'it is there and who sent it was not told: sent again, it is the same one' },
  { name: 'chunk decided', ...sql, ...before, match: 'insert-chunk', says: 'shares were worked out and never left' },
  { name: 'chunk posted', ...sql, ...after, match: 'insert-chunk', says: 'shares and place are there: the next process goes on from that place' },
  { name: 'distribution complete', ...sql, ...before, match: 'insert into apportion.distribution_root', says: 'all of it counts and its tree has still to grow' },

  { name: 'movement written', ...sql, ...after, match: 'record-movements', says: 'a movement and the cursor stand in an open transaction' },
  { name: 'movement not committed', ...sql, ...before, match: 'commit', within: 'record-movements', says: 'its transfer was decided and never left' },
  { name: 'movement seen', ...sql, ...after, match: 'commit', within: 'record-movements', says: 'it is posted and nobody knows: read again, it must be posted once' },
] as const satisfies readonly Point[]

export type PointName = (typeof POINTS)[number]['name']

/** What was given to a connection at once: a statement, or several in one piece. */
export type Asked = { readonly labels: readonly string[]; readonly values: readonly unknown[] }

export type PointWatch<Watched extends Point> = {
  /** The points that a statement is at, of both moments. `session`: whatever stands for the connection; statements come in their order. */
  readonly sql: (session: object, asked: Asked) => readonly Watched[]
  /** The points that a request is at, by its body. */
  readonly fetch: (body: unknown) => readonly Watched[]
}

/** Follows the statements of each session, so that a commit can be told from another one. */
export function watchPoints<Watched extends Point>(points: readonly Watched[]): PointWatch<Watched> {
  const [statements, requests] = [points.filter(({ effect }) => effect === 'sql'), points.filter(({ effect }) => effect === 'fetch')]
  /** What was asked in the transaction that is open on a session. */
  const open = new WeakMap<object, Asked[]>()
  return {
    sql: (session, asked) => {
      if (asked.labels[0]?.startsWith('begin') === true) open.set(session, [])
      const transaction = [...(open.get(session) ?? []), asked]
      if (asked.labels.some((label) => label === 'commit' || label === 'rollback')) open.delete(session)
      else open.get(session)?.push(asked)
      return statements.filter((point) => isAt(point, asked, transaction))
    },
    fetch: (body) => {
      const methods = typeof body === 'string' ? new Set(Array.from(body.matchAll(/"method":"(\w+)"/g), ([, method = '']) => method)) : new Set<string>()
      return requests.filter(({ match }) => methods.has(match))
    },
  }
}

/** A statement as `pg` is given it: a text, a text with its name and values, or a piece whose text names its statements. */
export function askedOf(given: unknown): Asked {
  const { name, text, values, submit } = typeof given === 'string' ? { text: given } : (given as { name?: unknown; text?: unknown; values?: unknown; submit?: unknown })
  const whole = typeof name === 'string' && name !== '' ? name : typeof text === 'string' ? text : ''
  return { labels: labelsOf(whole, typeof submit === 'function'), values: Array.isArray(values) ? values : [] }
}

/** A program asks a few hundred texts again and again, some of them pages long. Those with names of their own in them would be ever more. */
const known = new Map<string, readonly string[]>()
const MOST_KNOWN = 2_000

function labelsOf(whole: string, isPiece: boolean): readonly string[] {
  const key = isPiece ? `\0${whole}` : whole
  const found = known.get(key)
  if (found !== undefined) return found
  const labels = (isPiece ? whole.split('; ') : [whole]).map((part) => part.replaceAll(/\s+/g, ' ').trim())
  if (known.size === MOST_KNOWN) known.clear()
  known.set(key, labels)
  return labels
}

function isAt({ match, within, listing }: Point, asked: Asked, transaction: readonly Asked[]): boolean {
  if (!holds(asked, match)) return false
  const about = within === undefined ? asked : transaction.find((earlier) => holds(earlier, within))
  return about !== undefined && (listing === undefined || lists(about, listing))
}

/** One word is a name, or the whole of a text; several are part of a text. */
function holds({ labels }: Asked, match: string): boolean {
  return labels.some((label) => label === match || (match.includes(' ') && label.includes(match)))
}

function lists({ values }: Asked, word: string): boolean {
  return values.some((value) => typeof value === 'string' && value.startsWith('{') && value.slice(1, -1).split(',').includes(word))
}
