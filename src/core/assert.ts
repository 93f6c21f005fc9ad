// Assertions for what cannot happen. They stay on in production: a broken law must stop the work, never be paid out.

/**
 * Throws when `condition` does not hold. `message` says which law was broken, with the figures. On the path of every event it is a function:
 * to print figures that nobody reads costs more than most checks.
 */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${typeof message === 'string' ? message : message()}`)
}

/** Narrows away null and undefined; throws when the value is missing. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === null || value === undefined) throw new Error(`assertion failed: ${what} is missing`)
  return value
}

/** Marks a branch that the types say cannot be reached. */
export function unreachable(value: never): never {
  // Units are bigints, which JSON does not take.
  const text = JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? part.toString() : part))
  throw new Error(`assertion failed: unexpected ${text}`)
}
