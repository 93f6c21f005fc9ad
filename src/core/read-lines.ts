// Lines of a stream, one at a time, in bounded memory: what is too long or no text is told as such and does not end the reading.

export type Line = { readonly number: number; readonly text: string } | { readonly number: number; readonly problem: 'too long' | 'not UTF-8' }

const NEWLINE = 0x0a
const strict = new TextDecoder('utf-8', { fatal: true })

/** The lines of a stream, numbered from 1, each at most `maxBytes` long. */
export async function* readLines(stream: AsyncIterable<Buffer>, maxBytes: number): AsyncGenerator<Line> {
  let number = 1
  let parts: Buffer[] = []
  let length = 0
  const add = (part: Buffer): void => {
    length += part.length
    if (length <= maxBytes) parts.push(part)
    else parts = []
  }
  const take = (): Line => {
    const line = length > maxBytes ? ({ number, problem: 'too long' } as const) : decode(number, Buffer.concat(parts))
    number += 1
    parts = []
    length = 0
    return line
  }
  for await (const chunk of stream) {
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      add(chunk.subarray(start, end))
      yield take()
      start = end + 1
    }
    add(chunk.subarray(start))
  }
  if (length > 0) yield take()
}

function decode(number: number, bytes: Buffer): Line {
  try {
    return { number, text: strict.decode(bytes) }
  } catch {
    return { number, problem: 'not UTF-8' }
  }
}
