// Merkle roots and proofs against the definition of RFC 6962, word by word.

import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { checkProof, leafHash, merklePath, merkleRoot, nodeHash, shareLeaf } from './merkle.ts'

/** The definition of RFC 6962, section 2.1, word by word. */
function byDefinition(leaves: readonly string[]): Uint8Array {
  if (leaves.length === 1) return leafHash(leaves[0] as string)
  let cut = 1
  while (cut * 2 < leaves.length) cut *= 2
  return nodeHash(byDefinition(leaves.slice(0, cut)), byDefinition(leaves.slice(cut)))
}

it('hashes known values as others do', () => {
  expect(merkleRoot([]).toHex()).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  expect(leafHash('').toHex()).toBe('6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
})

it('makes the root of the definition, whether as leaves or as groups of them, and proves every place', () => {
  const sizes = fc.record({ count: fc.integer({ min: 1, max: 70 }), group: fc.constantFrom(1, 2, 4, 8, 16), seed: fc.nat() })
  fc.assert(
    fc.property(sizes, ({ count, group, seed }) => {
      const leaves = Array.from({ length: count }, (_, place) => shareLeaf({ recipient: `r${place}`, units: BigInt(seed + place) }))
      const hashes = leaves.map(leafHash)
      const root = merkleRoot(hashes).toHex()
      expect(root).toBe(byDefinition(leaves).toHex())
      const groups = Array.from({ length: Math.ceil(count / group) }, (_, index) => hashes.slice(index * group, (index + 1) * group))
      const roots = groups.map(merkleRoot)
      expect(merkleRoot(roots).toHex()).toBe(root)
      const place = seed % count
      const own = Math.floor(place / group)
      const path = [...merklePath(groups[own] as Uint8Array[], place % group), ...merklePath(roots, own)].map((one) => one.toHex())
      const proof = { leaf: leaves[place] as string, place, leaves: count, path, root }
      expect(checkProof(proof)).toBe(true)
      expect(checkProof({ ...proof, leaf: `${proof.leaf}x` })).toBe(false)
      expect(checkProof({ ...proof, path: [...path, root] })).toBe(false)
      expect(checkProof({ ...proof, leaves: 0 })).toBe(false)
      if (count > 1) expect(checkProof({ ...proof, place: (place + 1) % count })).toBe(false)
    }),
    { numRuns: 200 },
  )
})

it('takes no node for a leaf', () => {
  const [a, b] = [leafHash('a'), leafHash('b')]
  expect(leafHash(Buffer.concat([a, b])).toHex()).not.toBe(nodeHash(a, b).toHex())
})

it('is what its page says', () => {
  const page = readFileSync(new URL('../../docs/reference/merkle.md', import.meta.url), 'utf8')
  const [, example = ''] = /```json\n(.*?)```/s.exec(page) ?? []
  const proof = JSON.parse(example) as Parameters<typeof checkProof>[0]
  const hashes = ['ana\t3\n', 'bo\t2\n', 'cy\t0\n'].map(leafHash)
  expect(proof).toEqual({ leaf: 'bo\t2\n', place: 1, leaves: 3, path: merklePath(hashes, 1).map((hash) => hash.toHex()), root: merkleRoot(hashes).toHex() })
  expect(checkProof(proof)).toBe(true)
})
