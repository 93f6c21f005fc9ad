// JSON of any size of integers: written as JSON.stringify writes it, read back as it was.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeJson, encodeJson, written, type Value } from './json.ts'

it('is written as JSON.stringify writes it, where that can', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(encodeJson(value as Value)).toBe(JSON.stringify(value))
      expect(encodeJson({ part: written(encodeJson(value as Value)), left: undefined })).toBe(JSON.stringify({ part: value }))
    }),
  )
})

it('holds integers of any size, in and out', () => {
  fc.assert(
    fc.property(fc.bigInt(), (value) => {
      const read = decodeJson(encodeJson({ value: [value] })) as { value: [number | bigint] }
      expect(BigInt(read.value[0])).toBe(value)
    }),
  )
})
