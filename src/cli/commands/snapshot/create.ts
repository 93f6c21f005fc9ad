// `snapshot create`: freezes the weights of many recipients, from a file or standard input; all of it, or nothing.

import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { readLines } from '../../../core/read-lines.ts'
import { Refusal } from '../../../core/refusal.ts'
import { createSnapshot, MAX_LINE_BYTES, SNAPSHOT_FORMATS, type SnapshotFormat } from '../../../engine/create-snapshot.ts'
import { snapshotDocument } from '../../../engine/read-snapshots.ts'
import { ledgerOf, maybeText, text, type Given, type Run } from '../../command.ts'

export const run: Run = async (desk, { words, options, input }, output) => {
  const [name, file] = [text(words[0]), text(options['file'])]
  const { state, snapshot } = await createSnapshot(desk, await ledgerOf(desk, options), {
    ...{ name, recordAt: maybeText(options['recordAt']), format: formatOf(file, maybeText(options['format'])) },
    ...{ source: file === '-' ? 'standard input' : file, lines: readLines(bytesOf(file, input), MAX_LINE_BYTES) },
  })
  output.result(snapshotDocument(snapshot), () => {
    output.line(`The snapshot ${name} ${state === 'created' ? 'is kept' : 'was kept before, the same'}: ${snapshot.recipients} recipients, weights of ${snapshot.weights} together, as of ${snapshot.record_at.toString()}.`)
    output.line(`Its hash, by which events name it: ${snapshot.hash}`)
  })
}

function formatOf(file: string, given: string | null): SnapshotFormat {
  const ending = file.replace(/\.gz$/, '').endsWith('.csv') ? 'csv' : 'jsonl'
  const format = given === null ? ending : SNAPSHOT_FORMATS.find((one) => one === given)
  if (format === undefined) throw new Refusal('field_malformed', `--format is ${SNAPSHOT_FORMATS.join(' or ')}, not ${String(given)}`, { field: 'format' })
  return format
}

async function* bytesOf(file: string, input: Given['input']): AsyncGenerator<Buffer, undefined> {
  const read = file === '-' ? input() : createReadStream(file, { highWaterMark: 1 << 18 })
  const bytes: AsyncIterable<Buffer> = file.endsWith('.gz') ? pipeline(read, createGunzip(), () => {}) : read
  try {
    for await (const chunk of bytes) yield chunk
  } catch (error) {
    throw new Refusal('field_malformed', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, { field: 'file', value: file })
  }
  return undefined
}
