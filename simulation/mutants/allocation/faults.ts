// Faults as changes of text: each comparison, each step of one, each rounding, each condition.

export type Fault = {
  readonly file: string
  readonly number: number
  readonly line: string
  readonly from: string
  readonly to: string
  /** The whole file with the fault in it. */
  readonly text: string
}

/** Signs stand between spaces in this code, so types and arrows are not taken for comparisons. */
const CHANGES: readonly (readonly [pattern: RegExp, to: string])[] = [
  [/ < /g, ' <= '],
  [/ <= /g, ' < '],
  [/ > /g, ' >= '],
  [/ >= /g, ' > '],
  [/ === /g, ' !== '],
  [/ !== /g, ' === '],
  [/ && /g, ' || '],
  [/ \|\| /g, ' && '],
  [/ \+ 1n?\b/g, ''],
  [/ - 1n?\b/g, ''],
  [/ \+ /g, ' - '],
  [/ % /g, ' / '],
  [/Math\.floor\(/g, 'Math.ceil('],
  [/Math\.min\(/g, 'Math.max('],
  [/Math\.max\(/g, 'Math.min('],
  // Bigints round down by themselves: up instead.
  [/ \/ total\b/g, ' / total + 1n'],
  [/ \/ FRACTION\b/g, ' / FRACTION + 1n'],
]

/** Every fault that one change can make in a file; comments, imports and words in quotes are left alone. */
export function faultsIn(file: string, text: string): readonly Fault[] {
  const lines = text.split('\n')
  return lines.flatMap((line, index) => {
    if (/^\s*(\/\/|\*|\/\*|import |export type|type |readonly )/.test(line)) return []
    const quoted = [...line.matchAll(/'[^']*'|`[^`]*`|\/\^.*\$\//g)].map((match) => [match.index, match.index + match[0].length] as const)
    return CHANGES.flatMap(([pattern, to]) =>
      [...line.matchAll(pattern)].flatMap((match) => {
        const [from] = match
        if (quoted.some(([start, end]) => match.index >= start && match.index < end)) return []
        const changed = line.slice(0, match.index) + to + line.slice(match.index + from.length)
        return [{ file, number: index + 1, line, from, to, text: lines.with(index, changed).join('\n') }]
      }),
    )
  })
}
