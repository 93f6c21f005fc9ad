// Finds a key that an object of a JSON text has twice. `JSON.parse` keeps the last value and says nothing, and other readers keep the
// first: what was checked and what was meant could differ. It checks no grammar: the text is valid JSON already.

/** The first key that stands twice in one object of a valid JSON text, as it is once its escapes are read; null when none does. */
export function doubledKey(json: string): string | null {
  // The keys of each open object, innermost last; a list has none.
  const open: (Set<string> | null)[] = []
  let keyExpected = false
  // Signs that stand in no string open, close and part; numbers, words and space change nothing.
  for (let at = 0; at < json.length; at += 1) {
    switch (json.charAt(at)) {
      case '{':
        open.push(new Set())
        keyExpected = true
        break
      case '[':
        open.push(null)
        keyExpected = false
        break
      case '}':
      case ']':
        open.pop()
        keyExpected = false
        break
      case ',':
        keyExpected = (open.at(-1) ?? null) !== null
        break
      case '"': {
        const end = endOfString(json, at)
        const keys = open.at(-1) ?? null
        if (keyExpected && keys !== null) {
          const key = JSON.parse(json.slice(at, end + 1)) as string
          if (keys.has(key)) return key
          keys.add(key)
        }
        keyExpected = false
        at = end
      }
    }
  }
  return null
}

/** Where the string that begins here has its last quote. No pattern does this: one over megabytes could run out of stack. */
function endOfString(json: string, start: number): number {
  let at = start + 1
  while (json[at] !== '"' && at < json.length) at += json[at] === '\\' ? 2 : 1
  return at
}
