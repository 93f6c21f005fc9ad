// Merkle trees as RFC 6962 makes them: leaves and nodes are hashed under different first bytes, so that no node can be shown as a leaf.
// Roots are worked out as a stream, and a proof from the leaves of one aligned group and the roots of all groups.

import { hash } from 'node:crypto'
import { assert, present } from './assert.ts'

export type Hash = Uint8Array<ArrayBuffer>

const sha256 = (bytes: Uint8Array): Hash => new Uint8Array(hash('sha256', bytes, 'buffer'))

/** The hash of a leaf: SHA-256 over a zero byte and its bytes (RFC 6962, section 2.1). */
export function leafHash(data: string | Uint8Array): Hash {
  return sha256(Buffer.concat([Uint8Array.of(0), typeof data === 'string' ? Buffer.from(data) : data]))
}

/** SHA-256 over a byte of one and both children. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Hash {
  return sha256(Buffer.concat([Uint8Array.of(1), left, right]))
}

/** The bytes of a share's leaf: recipient and units. */
export function shareLeaf({ recipient, units }: { readonly recipient: string; readonly units: bigint | string }): string {
  return `${recipient}\t${units}\n`
}

/** The hash over no leaves at all. */
const NO_LEAVES = sha256(new Uint8Array(0))

/** Where a list of so many is cut: at the largest power of two below. */
function cutOf(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1))
}

/**
 * The root over hashes of leaves; or over the roots of groups of leaves, where each group but the last has the same power of two of them:
 * the tree is the same.
 */
export function merkleRoot(hashes: readonly Uint8Array[]): Hash {
  // Whole subtrees wait in order of size, as the bits of the count so far; they are joined as soon as there are two of one size.
  const waiting: { readonly size: number; readonly root: Uint8Array }[] = []
  for (const each of hashes) {
    let [size, root] = [1, each]
    for (let last = waiting.at(-1); last?.size === size; last = waiting.at(-1)) {
      waiting.pop()
      root = nodeHash(last.root, root)
      size *= 2
    }
    waiting.push({ size, root })
  }
  const [last, ...others] = waiting.toReversed()
  if (last === undefined) return NO_LEAVES
  return new Uint8Array(others.reduce((right, { root }) => nodeHash(root, right), last.root))
}

/** The siblings of a place, from the leaf up. */
export function merklePath(hashes: readonly Uint8Array[], place: number): readonly Hash[] {
  assert(place >= 0 && place < hashes.length, `there is no place ${place} among ${hashes.length} hashes`)
  if (hashes.length === 1) return []
  const cut = cutOf(hashes.length)
  const [left, right] = [hashes.slice(0, cut), hashes.slice(cut)]
  return place < cut ? [...merklePath(left, place), merkleRoot(right)] : [...merklePath(right, place - cut), merkleRoot(left)]
}

export type MerkleProof = { readonly leaf: string; readonly place: number; readonly leaves: number; readonly path: readonly string[]; readonly root: string }

/** Whether a leaf stands at its place under a root: what an outsider runs. Hashes are hex. */
export function checkProof({ leaf, place, leaves, path, root }: MerkleProof): boolean {
  if (!Number.isSafeInteger(place) || !Number.isSafeInteger(leaves) || place < 0 || place >= leaves || leaves > 2 ** 31) return false
  if (![root, ...path].every((text) => /^[0-9a-f]{64}$/.test(text))) return false
  // From the root down: which side the place is on at each cut.
  const sides: ('left' | 'right')[] = []
  for (let [at, count] = [place, leaves]; count > 1; ) {
    const cut = cutOf(count)
    const isLeft = at < cut
    sides.push(isLeft ? 'left' : 'right')
    if (isLeft) count = cut
    else [at, count] = [at - cut, count - cut]
  }
  if (path.length !== sides.length) return false
  const reached = path.reduce<Hash>((own, text, level) => {
    const sibling = Uint8Array.fromHex(text)
    return present(sides.at(-1 - level), 'side') === 'left' ? nodeHash(own, sibling) : nodeHash(sibling, own)
  }, leafHash(leaf))
  return reached.toHex() === root
}
