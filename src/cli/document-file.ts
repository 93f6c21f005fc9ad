// JSON files that people write, read whole: their faults are shown by file and line.

import { readFileSync } from 'node:fs'
import { readJsonDocument, type JsonDocument } from '../core/json-document.ts'
import { Refusal } from '../core/refusal.ts'
import { whyUnreadable } from './read-input.ts'

/** Largest file: some ten thousand scenarios. */
const MAX_BYTES = 16 * 1024 * 1024

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/** Refuses `file_not_found`, and `file_malformed` for what is no JSON in UTF-8. */
export function readDocumentFile(file: string): JsonDocument {
  return readJsonDocument(readTextFile(file), file)
}

/** The text of a file. Refuses `file_not_found`, and `file_malformed` for what is too large or no UTF-8. */
export function readTextFile(file: string): string {
  const bytes = read(file)
  if (bytes.length > MAX_BYTES) throw new Refusal('file_malformed', `${file} has ${bytes.length} bytes, the largest is ${MAX_BYTES}: divide it into several`, { file, max: MAX_BYTES })
  try {
    return strict.decode(bytes)
  } catch {
    throw new Refusal('file_malformed', `${file} is not UTF-8`, { file })
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Refusal('file_not_found', `${file} cannot be read: ${whyUnreadable(error)}`, { file })
  }
}
