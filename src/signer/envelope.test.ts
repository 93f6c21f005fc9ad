// The envelope: what was sealed comes back for its wallet and its master key alone.

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { masterKeyOf, open, seal, type Envelope } from './envelope.ts'
import { newMasterKey, random, refusalOf, uuid } from './fixture.ts'

const master = newMasterKey()
const wallet = uuid()
const contents = random(64)

describe('envelope', () => {
  it('gives back what was sealed, whatever it was', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.uuid(), (secret, id) => {
        expect(open(master, id, seal(master, id, secret, random))).toEqual(new Uint8Array(secret))
      }),
    )
  })

  it('never seals the same twice to the same bytes', () => {
    const [a, b] = [seal(master, wallet, contents, random), seal(master, wallet, contents, random)]
    expect(a.sealedKey.toHex()).not.toBe(b.sealedKey.toHex())
    expect(a.sealedDataKey.toHex()).not.toBe(b.sealedDataKey.toHex())
  })

  it('holds neither the contents nor the data key in the open', () => {
    const drawn: string[] = []
    const envelope = seal(master, wallet, contents, (bytes) => {
      const given = random(bytes)
      drawn.push(given.toHex())
      return given
    })
    const stored = envelope.sealedKey.toHex() + envelope.sealedDataKey.toHex()
    expect(stored).not.toContain(contents.toHex())
    expect(stored).not.toContain(drawn.find((hex) => hex.length === 64))
  })

  it('wipes the data key once it has sealed', () => {
    const drawn: Uint8Array[] = []
    seal(master, wallet, contents, (bytes) => {
      const given = random(bytes)
      drawn.push(given)
      return given
    })
    expect(drawn.find(({ length }) => length === 32)).toEqual(new Uint8Array(32))
  })

  it('does not open for another wallet', () => {
    expect(open(master, uuid(), seal(master, wallet, contents, random))).toBeNull()
  })

  it('does not open with the key of one envelope and the data key of another', () => {
    const [a, b] = [seal(master, wallet, contents, random), seal(master, wallet, contents, random)]
    expect(open(master, wallet, { ...a, sealedDataKey: b.sealedDataKey })).toBeNull()
  })

  it('does not open when any single bit of it was changed, or when it was cut', () => {
    const envelope = seal(master, wallet, contents, random)
    const parts = ['sealedKey', 'sealedDataKey'] as const
    fc.assert(
      fc.property(fc.constantFrom(...parts), fc.nat(), fc.nat(7), (part, place, bit) => {
        const bytes = new Uint8Array(envelope[part])
        const index = place % bytes.length
        bytes[index] = (bytes[index] as number) ^ (1 << bit)
        expect(open(master, wallet, { ...envelope, [part]: bytes })).toBeNull()
      }),
      { numRuns: 500 },
    )
    for (const part of parts) {
      for (let length = 0; length < envelope[part].length; length += 1) {
        expect(open(master, wallet, { ...envelope, [part]: envelope[part].subarray(0, length) })).toBeNull()
      }
    }
  })

  it('refuses another master key by both ids, and says nothing of either key', async () => {
    const other = newMasterKey()
    const envelope = seal(master, wallet, contents, random)
    const refusal = await refusalOf(() => open(other, wallet, envelope))
    expect(refusal.code).toBe('master_key_mismatch')
    expect(refusal.details).toEqual({ wallet, needed: master.id, given: other.id })
    expect(JSON.stringify(refusal) + refusal.stack).not.toContain(other.bytes.toHex())
  })

  it('does not open with another master key that passes itself off as the right one', () => {
    const envelope: Envelope = seal(master, wallet, contents, random)
    expect(open({ ...newMasterKey(), id: master.id }, wallet, envelope)).toBeNull()
  })

  it('names a master key by the start of its hash', () => {
    expect(masterKeyOf(new Uint8Array(32)).id).toBe('66687aadf862bd77')
  })
})
