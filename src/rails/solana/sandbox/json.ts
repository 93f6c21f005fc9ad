// JSON with integers of any size, as Solana's RPC writes them: lamports are plain numbers there, also above 2^53.
// Never rounds: a whole number that a double cannot hold comes in and goes out as bigint.

export type Value = null | boolean | number | string | bigint | readonly Value[] | { readonly [key: string]: Value | undefined }

// What the runtime has and the compiler's library does not declare yet (TC39 "JSON.parse source text access").
const json = JSON as unknown as {
  stringify: (value: Value, replace: (key: string, value: unknown) => unknown) => string
  parse: (text: string, revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown) => unknown
  rawJSON: (text: string) => unknown
}

export function encodeJson(value: Value): string {
  return json.stringify(value, (_key, part) => (typeof part === 'bigint' ? json.rawJSON(String(part)) : part))
}

const WHOLE = /^-?\d+$/
// Sixteen digits in a row may be a number above 2^53; anything shorter needs no second look.
const MAY_BE_LARGE = /\d{16}/

/** Parses JSON; whole numbers that no double holds become bigint. Throws SyntaxError. */
export function decodeJson(text: string): unknown {
  if (!MAY_BE_LARGE.test(text)) return JSON.parse(text)
  return json.parse(text, (_key, value, { source }) => {
    const rounded = typeof value === 'number' && !Number.isSafeInteger(value)
    return rounded && source !== undefined && WHOLE.test(source) ? BigInt(source) : value
  })
}
