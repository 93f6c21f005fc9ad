// Files of the journal: written beside their name and given it when they are whole, compressed when their name ends in .gz, with `-` for
// standard input and output.

import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { pipeline, type Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { Refusal } from '../core/refusal.ts'
import type { Given } from './command.ts'

/** Runs `work` with a way to write, and leaves a whole file or none. Refuses `field_malformed` for one that exists or cannot be made. */
export async function writeFile(path: string, standard: Writable, work: (write: (text: string) => Promise<void>) => Promise<void>): Promise<void> {
  if (path === '-') return await work(async (text) => await put(standard, text))
  if (existsSync(path)) throw new Refusal('field_malformed', `there is a file ${path} already: choose another name`, { field: 'file', value: path })
  const part = `${path}.part`
  const file = createWriteStream(part)
  await once(file, 'open').catch((error: unknown) => {
    throw new Refusal('field_malformed', `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`, { field: 'file', value: path })
  })
  const gzip = path.endsWith('.gz') ? createGzip() : null
  gzip?.pipe(file)
  const out = gzip ?? file
  // An error of either ends the writing of the other.
  const written = finished(file)
  gzip?.on('error', (error) => file.destroy(error))
  try {
    await Promise.race([work(async (text) => await put(out, text)), written])
    out.end()
    await written
    renameSync(part, path)
  } catch (error) {
    file.destroy()
    await written.catch(() => {})
    rmSync(part, { force: true })
    throw error
  }
}

async function put(stream: NodeJS.WritableStream, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain')
}

/** The lines of a file one by one, without their line feeds. Refuses `field_malformed` for one that cannot be read. */
export async function* readLines(path: string, input: Given['input']): AsyncGenerator<string, undefined> {
  let rest = ''
  try {
    for await (const text of textOf(path, input)) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } catch (error) {
    // What the reader of the lines throws is not caught here: a generator is not asked again after it.
    throw new Refusal('field_malformed', `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { field: 'file', value: path })
  }
  if (rest !== '') yield rest
}

function textOf(path: string, input: Given['input']): AsyncIterable<string> {
  if (path === '-') return input().setEncoding('utf8')
  const file = createReadStream(path, { highWaterMark: 1 << 18 })
  // An error of the file reaches whoever reads what is unpacked.
  return (path.endsWith('.gz') ? pipeline(file, createGunzip(), () => {}) : file).setEncoding('utf8')
}
