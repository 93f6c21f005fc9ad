#!/usr/bin/env node
// Verifies a journal exported by `apportion export`, by itself: plain JavaScript for Node 18 or newer, no package, nothing of the server.
// It recomputes every hash, number, sum and floor from the lines of the file and says the heads, or the first break with exit code 1.
//
//     node verify-journal.mjs journal.txt          gunzip -c journal.txt.gz | node verify-journal.mjs -
//     node verify-journal.mjs journal.txt <head>   also demands that this hash, kept from before, is one of the chain's
//
// The format is described in docs/reference/journal-format.md.

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'

/** What each kind of transfer debits and credits. */
export const KINDS = {
  received: [['expected'], ['received']],
  share: [['received', 'fund', 'carried', 'rounding'], ['payable', 'carried', 'fund', 'rounding', 'distributing']],
  distributed: [['distributing'], ['payable']],
  reversed: [['payable', 'owed_by', 'carried', 'fund', 'reversing'], ['received']],
  taken_back: [['payable', 'owed_by'], ['reversing']],
  restored: [['received'], ['carried', 'fund']],
  refunded: [['received'], ['expected']],
  recouped: [['payable'], ['owed_by']],
  reserved: [['payable'], ['in_flight']],
  released: [['in_flight'], ['payable']],
  settled: [['in_flight'], ['wallet']],
  fee: [['network'], ['wallet']],
  rent: [['network'], ['wallet']],
  funded: [['wallet'], ['expected']],
  withdrawn: [['owner'], ['wallet']],
}
/** Kinds that belong to an event; all others belong to a payout, an attempt or a movement. */
export const OF_EVENTS = ['received', 'share', 'reversed', 'restored', 'refunded']
/** Roles whose balance may not fall below zero: credits less debits. */
export const FLOORS = ['received', 'payable', 'carried', 'fund', 'rounding', 'in_flight', 'distributing', 'reversing', 'owed_by']
/** Of these, those whose balance is debits less credits. */
export const DEBIT_SIDE = ['reversing', 'owed_by']

const GENESIS = '0'.repeat(64)
const sha256 = (data) => createHash('sha256').update(data).digest('hex')

/** JSON with sorted keys and no white space, as digests are made of it. */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`
}

/** The first thing that does not hold; nothing after it is looked at. */
const broken = (message) => Object.assign(new Error(message), { broken: true })

const NUMBER = /^(0|[1-9][0-9]*)$/
const UNITS = /^[1-9][0-9]{0,38}$/
const INSTANT = /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z$/
const ACCOUNT = /^([a-z_]+)(:[A-Za-z0-9][A-Za-z0-9._-]{0,99})?$/
const ASSET = /^[A-Z][A-Z0-9]{0,15}\/[0-9]{1,2}$/
const HASH = /^[0-9a-f]{64}$/

/** What is known while the lines go by. Balances are kept; nothing else grows with the journal. */
function createState(known) {
  const counts = { plans: 0, blocks: 0, events: 0, transfers: 0 }
  return { counts, known, seen: known === null, lines: 0, header: null, plans: new Map(), heads: [], lane: null, block: null, event: null }
}

function fail({ lines, lane, block, event }, expected, found, at = '') {
  const where = [`line ${lines}`, lane && `lane ${lane.position}`, block && `block ${block.number}`, event && `event ${event.number}`]
  throw broken(`${where.filter(Boolean).join(', ')}${at}: expected ${expected}; found ${found}`)
}

function holds(state, condition, expected, found, at) {
  if (!condition) fail(state, expected, found, at)
}

/** The number that must follow the last one. */
function next(state, last, text, noun) {
  holds(state, NUMBER.test(text) && Number(text) === last + 1, `${noun} ${last + 1}`, `${noun} ${text}`)
  return last + 1
}

function parse(state, text) {
  try {
    return JSON.parse(text)
  } catch (error) {
    return fail(state, 'JSON', error.message)
  }
}

function accountOf(state, name, asset) {
  const { accounts } = state.lane
  const key = `${name}\t${asset}`
  const known = accounts.get(key)
  if (known !== undefined) return known
  const role = ACCOUNT.exec(name)?.[1] ?? fail(state, 'an account by name', name)
  const account = { name, role, floor: FLOORS.includes(role), sign: DEBIT_SIDE.includes(role) ? -1n : 1n, debits: 0n, credits: 0n }
  accounts.set(key, account)
  return account
}

/** An event's transfers must give out what came in, and both must be the event's own units. */
function closeEvent(state) {
  const { event, lane } = state
  if (event === null) return
  const { units, asset, received, shared, back, refunded, first } = event
  const expected = `${units} units of ${asset} received and ${units} shared`
  const at = `, transfers ${first} to ${lane.transfer}`
  // A reversal takes back and refunds its units instead.
  const sound = back === 0n && refunded === 0n ? received === units && shared === units : received === 0n && shared === 0n && back === units && refunded === units
  holds(state, sound, `${expected}, or as many taken back and refunded`, `${received} received, ${shared} shared, ${back} taken back and ${refunded} refunded`, at)
  event.done = true
  state.event = null
}

/** What each line must be, by its first field. */
const READERS = {
  /** A plan version: number, from when it is in force, when it was added, hash, content. */
  P: (state, [version, from, added, hash, content]) => {
    state.counts.plans = next(state, state.counts.plans, version, 'plan version')
    holds(state, (from === '' || INSTANT.test(from)) && INSTANT.test(added), 'instants', `${from}, ${added}`)
    holds(state, sha256(content) === hash, `content with the hash ${hash}`, `content with the hash ${sha256(content)}`)
    state.plans.set(version, hash)
  },
  /** Where a lane begins: the last numbers before, when that was recorded, and its hash. */
  L: (state, [position, block, event, transfer, recordedAt, hash]) => {
    const { span } = state.header
    holds(state, state.lane === null, 'the end of the lane before', 'another lane')
    if (!span) holds(state, Number(position) === state.heads.length, `lane ${state.heads.length}`, `lane ${position}`)
    const first = block === '0' && event === '0' && transfer === '0' && hash === GENESIS
    holds(state, first || span, 'the beginning of the journal', `what follows block ${block}`)
    state.lane = { position, block: Number(block), event: Number(event), transfer: Number(transfer), recordedAt, hash, accounts: new Map() }
  },
  /** A balance before the first block of a span. */
  A: (state, [name, asset, debits, credits]) => {
    const { header, block } = state
    holds(state, header.span && block === null && NUMBER.test(debits) && NUMBER.test(credits), 'balances at the beginning of a span', name)
    Object.assign(accountOf(state, name, asset), { debits: BigInt(debits), credits: BigInt(credits) })
  },
  B: (state, [format, number, recordedAt]) => {
    const { lane, counts } = state
    holds(state, state.block === null, 'the hash of the block before', 'another block')
    holds(state, format === '2', 'lines of the format 2', format)
    lane.block = next(state, lane.block, number, 'block')
    const chain = createHash('sha256').update(Buffer.from(lane.hash, 'hex'))
    state.block = { number, chain, events: new Map(), touched: new Set() }
    holds(state, INSTANT.test(recordedAt) && recordedAt >= lane.recordedAt, `an instant not before ${lane.recordedAt}`, recordedAt)
    lane.recordedAt = recordedAt
    counts.blocks += 1
  },
  E: (state, [number, digest, fingerprint, eventAt, asset, amount, plan, planHash, record]) => {
    const { lane, block, plans, counts } = state
    lane.event = next(state, lane.event, number, 'event')
    const said = `${eventAt}, ${asset}, ${amount}`
    holds(state, INSTANT.test(eventAt) && (amount === '0' || UNITS.test(amount)) && ASSET.test(asset), 'an instant, an asset and units', said)
    holds(state, plans.get(plan) === planHash, `plan version ${plan} with the hash ${plans.get(plan)}`, planHash)
    const units = BigInt(amount)
    block.events.set(number, { number, digest, fingerprint, asset, units, record, received: 0n, shared: 0n, back: 0n, refunded: 0n, first: '', done: amount === '0', told: false })
    counts.events += 1
  },
  /** What was recorded with an event, of which its line holds digests. */
  R: (state, [number, ...rest]) => {
    const event = state.block.events.get(number) ?? fail(state, 'the record of an event of this block', number)
    holds(state, !event.told, 'one record of an event', `another of event ${number}`)
    event.told = true
    const { reference, parties, facts, standing, reverses = null, reversed = null, ...recorded } = parse(state, rest.join('\t'))
    const at = `, event ${number} (${reference})`
    const digest = sha256(reference).slice(0, 32)
    holds(state, digest === event.digest.replaceAll('-', ''), `a reference with the digest ${event.digest}`, digest, at)
    const content = `${event.asset}\n${event.units}\n${canonical(parties)}\n`
    const undoes = (units) => sha256(`3\n${event.asset}\n${units}\n${canonical({ reverses: reversed })}\n`)
    const plain = sha256(facts === null ? `1\n${content}` : `2\n${content}${canonical(facts)}\n`)
    // A reversal was asked for by units, or as all that was left.
    const print = reverses === null ? plain : undoes('rest') === event.fingerprint ? event.fingerprint : undoes(event.units)
    holds(state, print === event.fingerprint, `asset, units, parties and facts with the fingerprint ${event.fingerprint}`, print, at)
    const record = sha256(`1\n${canonical(reverses !== null ? { ...recorded, reverses } : standing === null ? recorded : { ...recorded, standing })}\n`)
    holds(state, record === event.record, `a record with the digest ${event.record}`, record, at)
  },
  T: (state, [number, owner, kind, , subject, debit, credit, asset, units]) => {
    if (state.event !== null && state.event.number !== owner) closeEvent(state)
    const { lane, block, counts } = state
    lane.transfer = next(state, lane.transfer, number, 'transfer')
    const at = `, transfer ${number}`
    const said = `${kind} of ${units} units of ${asset} from ${debit} to ${credit}`
    holds(state, UNITS.test(units) && ASSET.test(asset), 'units above zero of an asset', said, at)
    const [from, to] = [accountOf(state, debit, asset), accountOf(state, credit, asset)]
    const roles = Object.hasOwn(KINDS, kind) ? KINDS[kind] : fail(state, `one of ${Object.keys(KINDS).join(', ')}`, said, at)
    holds(state, roles[0].includes(from.role) && roles[1].includes(to.role), `${kind} from ${roles[0].join(' or ')} to ${roles[1].join(' or ')}`, said, at)
    const itsOwn = OF_EVENTS.includes(kind) ? owner !== '' && subject === '' : owner === '' && subject !== ''
    holds(state, itsOwn, 'an event, or a payout, attempt or movement', `event ${owner || 'none'}, subject ${subject || 'none'}`, at)
    const amount = BigInt(units)
    from.debits += amount
    to.credits += amount
    block.touched.add(from).add(to)
    counts.transfers += 1
    if (owner === '') return
    state.event ??= block.events.get(owner) ?? fail(state, 'an event of the same block', `event ${owner}`, at)
    const { event } = state
    holds(state, !event.done && event.asset === asset, `a transfer of ${event.asset}, with the others of its event`, said, at)
    event.first ||= number
    // What moves between a plan's own accounts was given out before.
    if (kind === 'reversed' || kind === 'restored') event.back += kind === 'reversed' ? amount : -amount
    else if (kind === 'refunded') event.refunded += amount
    else if (kind === 'received' || debit === 'received') event[kind === 'received' ? 'received' : 'shared'] += amount
  },
  /** The hash of a block. */
  H: (state, [hash]) => {
    closeEvent(state)
    const { lane, block, header } = state
    for (const { number, done, told } of block.events.values()) {
      holds(state, done, 'transfers of each event', `none of event ${number}`)
      holds(state, told === header.records, 'the records that the header promises', `${told ? 'one' : 'none'} of event ${number}`)
    }
    for (const { name, debits, credits, floor, sign } of block.touched) {
      const balance = (credits - debits) * sign
      holds(state, !floor || balance >= 0n, 'a balance of zero or more', `${balance} units in ${name}`)
    }
    const made = block.chain.digest('hex')
    holds(state, made === hash, `the hash ${made} of these lines (transfers up to ${lane.transfer})`, `the hash ${hash}`)
    state.seen ||= hash === state.known
    lane.hash = hash
    state.block = null
  },
  /** The head of a lane. */
  Z: (state, [blocks, events, transfers, head]) => {
    const { lane } = state
    holds(state, state.block === null, 'the hash of the last block', 'the end of the lane')
    const [end, said] = [[lane.block, lane.event, lane.transfer, lane.hash].join(), [blocks, events, transfers, head].join()]
    holds(state, end === said, `the head ${end}`, `the head ${said}`)
    state.heads.push({ position: lane.position, blocks, events, transfers, head })
    state.lane = null
  },
}

/** A line without its line feed, and with it as bytes. */
function readLine(state, text, bytes) {
  state.lines += 1
  const [type, ...fields] = text.split('\t')
  if (state.header === null) {
    holds(state, type === 'apportion-journal' && fields[0] === '1', 'a journal file of the format 1', text.slice(0, 60))
    state.header = parse(state, fields[1])
    return
  }
  const reader = Object.hasOwn(READERS, type) ? READERS[type] : fail(state, 'a line of the format 1', text.slice(0, 60))
  holds(state, (type === 'P' && state.lane === null) || type === 'L' || (type !== 'P' && state.lane !== null), 'a line in its place', type)
  holds(state, !'ERTH'.includes(type) || state.block !== null, 'a block', type)
  reader(state, fields)
  if ('BET'.includes(type)) state.block.chain.update(bytes)
}

/** Verifies a stream of bytes; what is held of it is a chunk and the line that crosses its end. Answers what it saw, or throws. */
export async function verifyJournal(stream, known = null) {
  const state = createState(known)
  let rest = Buffer.alloc(0)
  for await (const chunk of stream) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      readLine(state, bytes.toString('utf8', start, end), bytes.subarray(start, end + 1))
      start = end + 1
    }
    rest = bytes.subarray(start)
  }
  const { header, heads, counts, lane, seen } = state
  holds(state, rest.length === 0 && header !== null && lane === null, 'the end of each lane', 'the end of the file, which was cut off')
  holds(state, header.span || heads.length === header.lanes, `${header.lanes} lanes`, `${heads.length}`)
  holds(state, seen, `a block with the hash ${known}`, 'none')
  return { ledger: header.ledger, ...counts, heads }
}

async function main([path, known = null]) {
  if (path === undefined || (known !== null && !HASH.test(known))) {
    process.stderr.write('usage: node verify-journal.mjs <file, or - for standard input> [a head kept from before]\n')
    return 2
  }
  const began = process.hrtime.bigint()
  try {
    const found = await verifyJournal(path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 }), known)
    const seconds = Number((process.hrtime.bigint() - began) / 1_000_000n) / 1000
    process.stdout.write(`sound: ${found.blocks} blocks, ${found.events} events, ${found.transfers} transfers of ${found.ledger} (${seconds} s)\n`)
    for (const { position, head } of found.heads) process.stdout.write(`head of lane ${position}: ${head}\n`)
    return 0
  } catch (error) {
    if (error.broken !== true && error.code === undefined) throw error
    if (error.broken === true) process.stdout.write(`broken: ${error.message}\n`)
    else process.stderr.write(`${path} cannot be read: ${error.message}\n`)
    return error.broken === true ? 1 : 2
  }
}

if (process.argv[1]?.endsWith('verify-journal.mjs')) process.exitCode = await main(process.argv.slice(2))
