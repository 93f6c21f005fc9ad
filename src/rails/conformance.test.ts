// Rails that break the law on purpose: for every case there is one that it must notice, and notice for the reason given. The rail behind them
// is a real one on its real sandbox.

import { describe, expect, it } from 'vitest'
import { conformanceCases, checkCase } from './conformance.ts'
import type { ConformanceBench } from './conformance-bench.ts'
import type { Look, Rail, RailAttempt } from './rail.ts'
import { solBench } from './solana/conformance-bench.ts'

type Broken = {
  readonly breaks: string
  /** A rail that … */
  readonly by: string
  readonly why: RegExp
  readonly rail?: (rail: Rail) => Rail
  readonly bench?: (bench: ConformanceBench) => ConformanceBench
}

const looked = (change: (look: Look, attempt: RailAttempt) => Look) => (rail: Rail): Rail => ({
  ...rail,
  look: async (inputs) => (await rail.look(inputs)).map((look, index) => change(look, (inputs[index] as { attempt: RailAttempt }).attempt)),
})
const instead = (from: Look['state'], to: Look): ((rail: Rail) => Rail) => looked((look) => (look.state === from ? to : look))

const NEVER: Look = { state: 'never', proof: { because: 'nothing was seen' } }
const FAILED: Look = { state: 'failed', reason: 'an error', member: null, hold: null, proof: { because: 'an error' }, costs: [] }
const SETTLED: Look = { state: 'settled', proof: { because: 'it was sent' }, costs: [] }

/** What a careless rail remembers of one attempt to the next. */
function remembering(): (rail: Rail) => Rail {
  const answers = new Map<string, string>()
  return (rail) => ({
    ...rail,
    submit: async (attempt) => {
      const submission = await rail.submit(attempt)
      answers.set(attempt.identity, submission.state)
      return submission
    },
    look: async (inputs) => {
      const looks = await rail.look(inputs)
      return looks.map((look, index) => {
        const answer = answers.get((inputs[index] as { attempt: RailAttempt }).attempt.identity)
        return answer === 'accepted' || answer === undefined || look.state === 'settled' ? look : FAILED
      })
    },
  })
}

/** Signs and sends the payouts anew whenever it is asked to send. */
function resigning(): NonNullable<Broken['bench']> {
  return (bench) => {
    const inputs = new Map<string, Parameters<Rail['prepare']>[0]>()
    const { rail } = bench
    const prepare: Rail['prepare'] = async (input) => {
      const prepared = await rail.prepare(input)
      if (prepared.state === 'prepared') inputs.set(prepared.attempt.identity, input)
      return prepared
    }
    const submit: Rail['submit'] = async (attempt) => {
      const input = inputs.get(attempt.identity)
      const again = input === undefined ? null : await rail.prepare({ ...input, attempt: bench.id() })
      return await rail.submit(again?.state === 'prepared' ? again.attempt : attempt)
    }
    return { ...bench, rail: { ...rail, prepare, submit } }
  }
}

const BROKEN: readonly Broken[] = [
  {
    breaks: 'pays each destination its units and settles with proof and costs',
    by: 'settles without proof',
    why: /a proof says something/,
    rail: looked((look) => (look.state === 'settled' ? { ...look, proof: {} } : look)),
  },
  {
    breaks: 'pays each destination its units and settles with proof and costs',
    by: 'forgets its costs',
    why: /what left the wallet/,
    rail: looked((look) => (look.state === 'settled' ? { ...look, costs: [] } : look)),
  },
  {
    breaks: 'pays amounts exactly, several to one destination too',
    by: 'rounds amounts',
    why: /units received at|payouts it were given/,
    bench: (bench) => ({ ...bench, received: async (destination) => ((await bench.received(destination)) / 10n) * 10n }),
  },
  {
    breaks: 'puts no more into a batch than its size',
    by: 'names a size that it does not keep',
    why: /payouts go in a batch of 2/,
    rail: (rail) => ({ ...rail, batchSize: () => 2, prepare: async (input) => await rail.prepare(input) }),
  },
  {
    breaks: 'holds the payouts of a wallet without money',
    by: 'names another reason',
    why: /held: .*rail_refused/,
    rail: (rail) => ({ ...rail, prepare: async (input) => blamed(await rail.prepare(input)) }),
  },
  {
    breaks: 'pays small payouts past a large one that the wallet cannot pay',
    by: 'holds all where one cannot go',
    why: /the small ones go, not nothing/,
    rail: (rail) => ({ ...rail, prepare: async (input) => allOrNone(input, await rail.prepare(input)) }),
  },
  {
    breaks: 'leaves what live attempts may still take',
    by: 'takes all that the network shows',
    why: /units go, though all but/,
    rail: (rail) => ({ ...rail, prepare: async (input) => await rail.prepare({ ...input, committed: new Map() }) }),
  },
  {
    breaks: 'names the payout that makes a batch fail, and pays the others without it',
    by: 'names nobody',
    why: /the payout to blame: nobody/,
    rail: looked((look) => (look.state === 'failed' ? { ...look, member: null } : look)),
  },
  {
    breaks: 'blames nobody when the wallet was emptied after the batch was signed',
    by: 'waits for ever',
    why: /has failed or can never pay, not pending/,
    rail: instead('never', { state: 'pending', detail: 'not seen yet' }),
  },
  {
    breaks: 'sends nothing while it prepares',
    by: 'sends what it prepares',
    why: /look says pending, not|units received at/,
    rail: (rail) => ({ ...rail, prepare: async (input) => await sent(rail, input) }),
  },
  {
    breaks: 'asks the signer once, for the payouts that go, and keeps what it signed',
    by: 'asks for all, and sorts out later',
    why: /what the signer was asked for/,
    rail: (rail) => ({ ...rail, prepare: async (input) => await askedTwice(rail, input) }),
  },
  {
    breaks: 'gives each attempt an identity of its own',
    by: 'makes the identity from the payouts',
    why: /two attempts have two identities/,
    rail: (rail) => ({ ...rail, prepare: async (input) => named(await rail.prepare(input)) }),
  },
  {
    breaks: 'leaves an attempt as it is, and goes on with it in another process',
    by: 'writes into the attempt what it was told',
    why: /the attempt after submit and look/,
    rail: (rail) => ({ ...rail, submit: async (attempt) => await noting(rail, attempt) }),
  },
  {
    breaks: 'pays once however often the same bytes are sent',
    by: 'signs anew when it sends again',
    why: /look says settled, not .*pending/,
    bench: resigning(),
  },
  {
    breaks: 'pays once when requests arrive twice',
    by: 'signs anew when it sends again',
    why: /look says settled, not .*pending/,
    bench: resigning(),
  },
  {
    breaks: 'pays once when every answer is lost',
    by: 'takes a timeout for a failure',
    why: /look says unknown, not .*failed/,
    rail: remembering(),
  },
  {
    breaks: 'pays once when the first request is lost and the same bytes are sent again',
    by: 'takes a timeout for a failure',
    why: /look says pending, not .*failed/,
    rail: remembering(),
  },
  {
    breaks: 'takes no answer of submit for an end',
    by: 'takes an error for a failure',
    why: /ends nothing, and look says failed/,
    rail: remembering(),
  },
  {
    breaks: 'takes silence for nothing',
    by: 'says never where nobody answers',
    why: /look says unknown, not .*never/,
    rail: instead('unknown', NEVER),
  },
  {
    breaks: 'takes a limit for nothing',
    by: 'takes being turned away for a failure',
    why: /look says unknown, not .*failed/,
    rail: remembering(),
  },
  {
    breaks: 'does not call settled what the network can still undo',
    by: 'settles what it has seen',
    why: /look says pending, not .*settled/,
    rail: looked((look) => (look.state === 'pending' && look.detail.startsWith('in slot') ? SETTLED : look)),
  },
  {
    breaks: 'settles the same way however often and by whomever it is looked at',
    by: 'puts the time into its proof',
    why: /the settlement/,
    rail: counting(),
  },
  {
    breaks: 'answers looks in the order in which they are asked',
    by: 'answers as the answers come',
    why: /looks: /,
    rail: (rail) => ({ ...rail, look: async (inputs) => (await rail.look(inputs)).toSorted((a, b) => a.state.localeCompare(b.state)) }),
  },
  {
    breaks: 'does not say never while an attempt can still land',
    by: 'says never of what it does not see',
    why: /look says pending, not .*never/,
    rail: instead('pending', NEVER),
  },
  {
    breaks: 'says never with proof when an attempt can land no more, and a new attempt pays once',
    by: 'says never without proof',
    why: /a proof says something/,
    rail: looked((look) => (look.state === 'never' ? { ...look, proof: {} } : look)),
  },
  {
    breaks: 'never takes a forgotten history for proof',
    by: 'takes a node without memory for proof',
    why: /look says unknown, not .*never/,
    rail: instead('unknown', NEVER),
  },
  {
    breaks: 'never takes nodes that are behind for proof',
    by: 'takes one that has not seen it for proof',
    why: /prove nothing, and look says never/,
    rail: looked((look) => (look.state === 'pending' && look.detail.startsWith('not seen') ? NEVER : look)),
  },
  {
    breaks: 'keeps a failed attempt failed, though its bytes are sent again',
    by: 'forgets the failure when it sends again',
    why: /look says failed, not .*pending/,
    rail: forgiving(),
  },
  {
    breaks: 'has proofs that fit what is stored, and nothing else',
    by: 'takes every proof',
    why: /does not fit, and is said to fit/,
    bench: (bench) => ({ ...bench, checkProof: async () => await Promise.resolve(null) }),
  },
  {
    breaks: 'shows each deposit once, and no payout of ours',
    by: 'shows its own payouts',
    why: /movements/,
    rail: (rail) => ({ ...rail, incoming: async (input) => await rail.incoming({ ...input, own: async () => await Promise.resolve(new Set()) }) }),
  },
  {
    breaks: 'loses no deposit when answers are lost',
    by: 'takes a lost answer for nothing new',
    why: /a lost answer is an error/,
    rail: (rail) => ({ ...rail, incoming: async (input) => await rail.incoming(input).catch(() => ({ movements: [], cursor: 'end', more: false })) }),
  },
]

type Prepared = Awaited<ReturnType<Rail['prepare']>>
type Input = Parameters<Rail['prepare']>[0]

function blamed(prepared: Prepared): Prepared {
  return prepared.state === 'nothing' ? { ...prepared, unpayable: prepared.unpayable.map((one) => ({ ...one, reason: 'rail_refused' })) } : prepared
}

function allOrNone({ payouts }: Input, prepared: Prepared): Prepared {
  const all = payouts.map(({ id }) => ({ payout: id, reason: 'no_funds' as const, detail: 'one of them cannot go' }))
  return prepared.state === 'prepared' && prepared.unpayable.length > 0 ? { state: 'nothing', unpayable: all } : prepared
}

async function sent(rail: Rail, input: Input): Promise<Prepared> {
  const prepared = await rail.prepare(input)
  if (prepared.state === 'prepared') await rail.submit(prepared.attempt)
  return prepared
}

async function askedTwice(rail: Rail, input: Input): Promise<Prepared> {
  const sign: Input['sign'] = async (payouts, draft) => {
    await input.sign(input.payouts.map(({ id }) => id), draft)
    return await input.sign(payouts, draft)
  }
  return await rail.prepare({ ...input, sign })
}

function named(prepared: Prepared): Prepared {
  return prepared.state === 'prepared' ? { ...prepared, attempt: { ...prepared.attempt, identity: prepared.attempt.payouts.join() } } : prepared
}

async function noting(rail: Rail, attempt: RailAttempt): ReturnType<Rail['submit']> {
  const submission = await rail.submit(attempt)
  Object.assign(attempt.data, { submitted: submission.state })
  return submission
}

function counting(): (rail: Rail) => Rail {
  let looks = 0
  return looked((look) => (look.state === 'settled' ? { ...look, proof: { ...look.proof, look: (looks += 1) } } : look))
}

function forgiving(): (rail: Rail) => Rail {
  let failures = 0
  return looked((look) => (look.state === 'failed' && (failures += 1) > 1 ? { state: 'pending', detail: 'sent again' } : look))
}

async function brokenBench({ rail, bench }: Broken): Promise<ConformanceBench> {
  const sound = await solBench()
  const broken = bench?.(sound) ?? sound
  return rail === undefined ? broken : { ...broken, rail: rail(broken.rail), reconnect: () => rail(broken.reconnect()) }
}

describe('a rail', () => {
  it.for(BROKEN)('that $by is noticed: $breaks', async (broken) => {
    const one = conformanceCases.find(({ name }) => name === broken.breaks)
    expect(one, `the case ${broken.breaks}`).toBeDefined()
    if (one !== undefined) await expect(checkCase(one, async () => await brokenBench(broken))).rejects.toThrow(broken.why)
  })

  it('is noticed by every case in some way', () => {
    const noticed = new Set(BROKEN.map(({ breaks }) => breaks))
    expect(conformanceCases.map(({ name }) => name).filter((name) => !noticed.has(name))).toEqual([])
  })
})

it('is not called conforming where its sandbox cannot express a case', async () => {
  const one = conformanceCases.find(({ needs }) => needs.includes('undo'))
  expect(one).toBeDefined()
  if (one === undefined) return
  expect(await checkCase(one, async () => ({ ...(await solBench()), undo: { unable: 'nothing is ever undone here' } }))).toBe('nothing is ever undone here')
})
