// Doubled keys of JSON texts: found at any depth and in any spelling, and never where there are none.

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { doubledKey } from './doubled-key.ts'

it.each([
  ['{"a":1,"a":2}', 'a'],
  ['{"a":1,"\\u0061":2}', 'a'],
  ['{"a":{"b":1,"b":1}}', 'b'],
  ['[{"a":1},{"a":1,"c":[],"a":1}]', 'a'],
  ['{"a":{"a":1},"b":"a","a":[]}', 'a'],
  ['{ "" : 1 , "" : 2 }', ''],
  ['{"a\\"":1,"a\\"":2}', 'a"'],
  ['{"x":[1,"y","y"],"x":null}', 'x'],
  ['{"__proto__":1,"__proto__":2}', '__proto__'],
])('finds in %s the key %j', (json, key) => {
  expect(doubledKey(json)).toBe(key)
})

it.each(['{"a":"a","b":"a"}', '["a","a"]', '{"a":{"a":{"a":1}}}', '[{"a":1},{"a":1}]', '{"a":"\\",\\"a\\":1"}', '"{\\"a\\":1,\\"a\\":2}"', 'null'])(
  'finds none in %s',
  (json) => {
    expect(doubledKey(json)).toBeNull()
  },
)

it('finds none in what was written from a value, and one wherever a key is written again', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string(), (value, key) => {
      const name = JSON.stringify(key)
      expect(doubledKey(JSON.stringify(value, null, 1))).toBeNull()
      expect(doubledKey(`[{${name}: ${JSON.stringify(value)}, "${key === 'x' ? 'y' : 'x'}": 0, ${name}: 1}]`)).toBe(key)
    }),
  )
})
