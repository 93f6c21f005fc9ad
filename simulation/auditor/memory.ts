// What the model's rules remember between the events of one lane, for one step and asset, with what each event changed of its counts.

/** A count before and after an event. */
export type Change = { readonly key: string; readonly before: bigint; after: bigint }

export type Memory = {
  readonly counts: Map<string, bigint>
  readonly texts: Map<string, string>
  /** Whatever else a rule keeps, by its own keys. It is replaced, never changed. */
  readonly things: Map<string, unknown>
  /** Of the event at hand. */
  changes: Change[]
}

export function createMemory(): Memory {
  return { counts: new Map(), texts: new Map(), things: new Map(), changes: [] }
}

export function put(memory: Memory, key: string, value: bigint): void {
  const before = memory.counts.get(key) ?? 0n
  if (before === value) return
  memory.counts.set(key, value)
  const known = memory.changes.find((change) => change.key === key)
  if (known === undefined) memory.changes.push({ key, before, after: value })
  else known.after = value
}
