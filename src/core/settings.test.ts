// Settings: what tightens counts at once, what loosens only with sealed approvals of others; whoever can only write rows loosens nothing.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { approvalStatement, personsApproving, settingsHash, type Approval, type Approver } from './approval.ts'
import { sealOf, type Seal } from './seal.ts'
import { foldSettings, isLoosening, parseSettings, strictest, type Settings, type SettingsChange } from './settings.ts'

const LEDGER = '01940000-0000-7000-8000-000000000001'
const NOW = Temporal.Instant.from('2026-06-01T12:00:00Z')
const seals = [1, 2, 3].map((byte) => sealOf(new Uint8Array(32).fill(byte)))
const keys = ['a', 'b', 'c'].map((letter) => `01940000-0000-7000-8000-00000000000${letter}`)
const approvers: readonly Approver[] = seals.map(({ publicKey }, place) => ({ key: keys[place] ?? '', publicKey, revokedAt: null }))

const loose: Settings = { plan_approvals: 0, plan_notice_seconds: 0, payout_approval_above: {}, recoup_percent: 0, fact_notice_seconds: {} }
const tight: Settings = { plan_approvals: 1, plan_notice_seconds: 600, payout_approval_above: { 'USDC/6': '1000' }, recoup_percent: 50, fact_notice_seconds: { percent: 86_400 } }

const arbitrary: fc.Arbitrary<Settings> = fc.record({
  plan_approvals: fc.integer({ min: 0, max: 3 }),
  plan_notice_seconds: fc.integer({ min: 0, max: 1000 }),
  payout_approval_above: fc.dictionary(fc.constantFrom('USDC/6', 'SOL/9'), fc.bigInt({ min: 0n, max: 100n }).map(String), { noNullPrototype: true }),
  recoup_percent: fc.integer({ min: 0, max: 100 }),
  fact_notice_seconds: fc.dictionary(fc.constantFrom('percent', 'tier'), fc.integer({ min: 0, max: 100 }), { noNullPrototype: true }),
})

const id = (number: number): string => `01940000-0000-7000-9000-${number.toString().padStart(12, '0')}`

function changesOf(contents: readonly unknown[], proposedBy: string | null = keys[0] ?? null): SettingsChange[] {
  return contents.map((content, place) => ({ change: id(place + 1), number: place + 1, content, proposedBy, at: NOW.add({ seconds: place }) }))
}

function approve(seal: Seal, key: string, change: SettingsChange, own: Partial<Approval> = {}): Approval {
  const hash = settingsHash({ ledger: LEDGER, number: change.number, settings: change.content as Settings, proposedBy: change.proposedBy })
  const of = { ledger: LEDGER, kind: 'settings' as const, subject: change.change, hash, preview: null, at: change.at.add({ seconds: 1 }) }
  return { ...of, key, signature: seal.sign(approvalStatement(of)), recordedAt: of.at, ...own }
}

const fold = (changes: readonly SettingsChange[], approvals: readonly Approval[], who = approvers) =>
  foldSettings({ ledger: LEDGER, sandbox: true, changes, approvals, approvers: who }, NOW.add({ hours: 1 }))

describe('changes nobody approved', () => {
  it('only ever ask for more, whatever is written', () => {
    fc.assert(
      fc.property(fc.array(arbitrary, { minLength: 1, maxLength: 6 }), (contents) => {
        // Once something is protected, no row alone takes it back.
        const all = changesOf([tight, ...contents])
        for (let count = 1; count <= contents.length; count += 1) {
          const [before, after] = [fold(all.slice(0, count), []).settings, fold(all.slice(0, count + 1), []).settings]
          expect(isLoosening(before, after)).toBe(false)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('are merged part by part: the strictest is a bound of both, and of itself', () => {
    fc.assert(
      fc.property(arbitrary, arbitrary, (one, other) => {
        const both = strictest(one, other)
        expect(isLoosening(one, both) || isLoosening(other, both)).toBe(false)
        expect(strictest(both, one)).toEqual(both)
        expect(isLoosening(one, one)).toBe(false)
      }),
      { numRuns: 200 },
    )
  })
})

describe('a change that asks for less', () => {
  const [, change] = changesOf([tight, loose]) as [SettingsChange, SettingsChange]
  const both = changesOf([tight, loose])
  const [first, second, third] = seals as [Seal, Seal, Seal]
  const [a, b, c] = keys as [string, string, string]

  it('waits, and is in force once another person approved it', () => {
    expect(fold(both, [])).toMatchObject({ settings: tight, pending: { needed: 1, given: [], wanted: loose } })
    expect(fold(both, [approve(second, b, change)])).toMatchObject({ settings: loose, pending: null })
  })

  it.each([
    ['its proposer’s', [approve(first, a, change)], approvers],
    ['one with somebody else’s seal', [approve(third, b, change)], approvers],
    ['one whose signature was changed', [approve(second, b, change, { signature: new Uint8Array(64) })], approvers],
    ['one of another change', [{ ...approve(second, b, { ...change, number: 7 }) }], approvers],
    ['one moved to another change', [approve(second, b, { ...change, change: id(9) }, { subject: change.change })], approvers],
    ['one of a person who is none', [approve(second, b, change)], approvers.filter(({ key }) => key !== b)],
    ['one dated after the key was revoked', [approve(second, b, change)], approvers.map((one) => ({ ...one, revokedAt: one.key === b ? NOW : null }))],
    ['one dated in the future', [approve(second, b, { ...change, at: NOW.add({ hours: 3 }) }, { recordedAt: NOW })], approvers],
  ] as const)('is not approved by %s', (_, approvals, who) => {
    expect(fold(both, approvals, who)).toMatchObject({ settings: tight, pending: { given: [] } })
  })

  it('stays approved when the person leaves later', () => {
    const left = approvers.map((one) => ({ ...one, revokedAt: one.key === b ? NOW.add({ minutes: 1 }) : null }))
    expect(fold(both, [approve(second, b, change)], left).settings).toEqual(loose)
  })

  it('takes as many persons as a plan, each counted once', () => {
    const two = changesOf([{ ...tight, plan_approvals: 2 }, loose])
    const [, last] = two as [SettingsChange, SettingsChange]
    const twice = [approve(second, b, last), approve(second, b, last, { at: last.at.add({ seconds: 1 }) })]
    expect(fold(two, twice).pending).toMatchObject({ needed: 2, given: [b] })
    expect(fold(two, [approve(second, b, last), approve(third, c, last)]).settings).toEqual(loose)
  })
})

it('counts a person’s approval once, for the very thing', () => {
  const of = { ledger: LEDGER, kind: 'payout', subject: id(1), hash: 'h' } as const
  const at = NOW
  const [seal] = seals as [Seal]
  const [key] = keys as [string]
  const given = { ...of, preview: null, at, key, recordedAt: at, signature: seal.sign(approvalStatement({ ...of, preview: null, at })) }
  const count = (approval: Approval, asked: object = {}) => personsApproving([approval], approvers, { of: { ...of, ...asked }, except: new Set(), until: NOW }).size
  expect(count(given)).toBe(1)
  for (const other of [{ hash: 'i' }, { subject: id(2) }, { kind: 'plan' as const }, { ledger: id(3) }]) {
    expect(count(given, other)).toBe(0)
    // Nor when the row is made to say so.
    expect(count({ ...given, ...other }, other)).toBe(0)
  }
})

it.each([
  ['a field that is none', { ...tight, colour: 1 }, 'colour'],
  ['part of them', { plan_approvals: 1 }, 'plan_notice_seconds'],
  ['minus one approval', { ...tight, plan_approvals: -1 }, 'plan_approvals'],
  ['more persons than get together', { ...tight, plan_approvals: 10 }, 'plan_approvals'],
  ['half a unit', { ...tight, payout_approval_above: { 'USDC/6': '0.5' } }, 'payout_approval_above'],
  ['a number of units', { ...tight, payout_approval_above: { 'USDC/6': 5 } }, 'payout_approval_above'],
  ['an asset that is none', { ...tight, payout_approval_above: { usdc: '5' } }, 'payout_approval_above'],
  ['less than ten minutes of real money', { ...tight, plan_notice_seconds: 599 }, 'plan_notice_seconds'],
  ['nothing', null, ''],
])('refuses %s', (_, content, field) => {
  try {
    parseSettings(content, { sandbox: false })
    expect.unreachable()
  } catch (error) {
    expect(error).toMatchObject({ code: 'settings_invalid' })
    expect((error as Error).message).toContain(field)
  }
})
