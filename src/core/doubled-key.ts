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
          const written = json.slice(at + 1, end)
          const key = written.includes('\\') ? (JSON.parse(`"${written}"`) as string) : written
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
  let at = json.indexOf('"', start + 1)
  while (at !== -1 && isEscaped(json, at)) at = json.indexOf('"', at + 1)
  return at === -1 ? json.length : at
}

/** Whether an odd number of backslashes stands before. Each is counted once: a quote ends the row of those before it. */
function isEscaped(json: string, at: number): boolean {
  let first = at
  while (json[first - 1] === '\\') first -= 1
  return (at - first) % 2 === 1
}
