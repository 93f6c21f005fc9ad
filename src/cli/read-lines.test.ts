// Input without end: lines however the bytes come, memory that is bounded on the way in, and waiting on the way out.

import { Writable } from 'node:stream'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { flowTo } from './output.ts'
import { readLines, type Line } from '../core/read-lines.ts'

async function* inParts(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Buffer> {
  for (let start = 0, index = 0; start < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] as number
    yield bytes.subarray(start, start + size)
    start += size
  }
}

const linesOf = async (bytes: Buffer, sizes: readonly number[], max: number): Promise<readonly Line[]> => await Array.fromAsync(readLines(inParts(bytes, sizes), max))

it('tells the same lines however the bytes come, and only says of a long one that it is', async () => {
  const line = fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 12 }).map((text) => text.replaceAll('\n', ' ').toWellFormed()))
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1 }), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 }), async (texts, sizes) => {
      // An empty end is no line: it is what follows the last line's end.
      const expected = texts.at(-1) === '' ? texts.slice(0, -1) : texts
      expect(await linesOf(Buffer.from(texts.join('\n')), sizes, 10)).toEqual(
        expected.map((text, index) => (Buffer.byteLength(text) > 10 ? { number: index + 1, problem: 'too long' } : { number: index + 1, text: text.replace(/^\uFEFF/, '') })),
      )
    }),
  )
})

it('goes on after bytes that are no text', async () => {
  expect(await linesOf(Buffer.from([0xc3, 0x28, 0x0a, 0x61]), [1], 10)).toEqual([{ number: 1, problem: 'not UTF-8' }, { number: 2, text: 'a' }])
})

it('waits with more output until the reader has taken what there is, or has gone away', async () => {
  let take = (): void => {}
  const slow = new Writable({
    highWaterMark: 1,
    write: (_text, _encoding, done) => {
      take = done
    },
  })
  let isTaken = false
  const flowing = flowTo(slow, 'much').then(() => (isTaken = true))
  await new Promise(setImmediate)
  expect(isTaken).toBe(false)
  take()
  await flowing
  const left = flowTo(slow, 'more')
  slow.destroy()
  await left
  await flowTo(slow, 'after the end').catch((error: Error) => expect(error.message).toContain('destroyed'))
  expect([slow.listenerCount('drain'), slow.listenerCount('close')]).toEqual([0, 0])
})
