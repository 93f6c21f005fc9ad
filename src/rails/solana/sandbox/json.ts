// JSON with integers of any size, as Solana's RPC writes them: lamports are plain numbers there, also above 2^53.
// Never rounds: a whole number that a double cannot hold comes in and goes out as bigint.

const TEXT = Symbol('JSON text')

/** A value that is JSON already. */
type Written = { readonly [TEXT]: string }

export type Value = null | boolean | number | string | bigint | Written | readonly Value[] | { readonly [key: string]: Value | undefined }

// What the runtime has and the compiler's library does not declare yet (TC39 "JSON.parse source text access").
const json = JSON as unknown as {
  parse: (text: string, revive: (key: string, value: unknown, context: { readonly source?: string }) => unknown) => unknown
}

/** Puts text that `encodeJson` made into another value as it is. */
export function written(text: string): Value {
  return { [TEXT]: text }
}

/** As JSON.stringify writes it, which a replacer for the bigints would make three times as slow. */
export function encodeJson(value: Value): string {
  switch (typeof value) {
    case 'bigint':
      return value.toString()
    case 'object':
      return value === null ? 'null' : encodeObject(value)
    default:
      return JSON.stringify(value)
  }
}

function encodeObject(value: Exclude<Value, null | boolean | number | string | bigint>): string {
  if (TEXT in value) return value[TEXT]
  if (Array.isArray(value)) return `[${value.map(encodeJson).join(',')}]`
  const members = Object.entries(value as { readonly [key: string]: Value | undefined })
  return `{${members.flatMap(([name, part]) => (part === undefined ? [] : [`${JSON.stringify(name)}:${encodeJson(part)}`])).join(',')}}`
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
