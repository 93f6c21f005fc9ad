// What the processes of one server share: how much of the machine's memory they keep pages in, and files in the place of memory where the
// machine gives too little of the usual kind.

import { statfsSync } from 'node:fs'
import { totalmem } from 'node:os'

// Containers often have 64 MB of /dev/shm, on which a parallel query fails; with 1 MB not even initdb gets through.
const ENOUGH_BYTES = 256 * 1024 * 1024

/** Settings for initdb and the server. */
export function sharedMemorySettings(directory = '/dev/shm'): Readonly<Record<string, string>> {
  if (process.platform !== 'linux' || freeBytes(directory) >= ENOUGH_BYTES) return {}
  return { dynamic_shared_memory_type: 'mmap' }
}

const MEBIBYTE = 1024 * 1024
const BUFFERS_MIB = { least: 128, most: 2048 }

/**
 * The server's buffers: an eighth of the memory that this process may use, which is taken as pages are read, not at the start. What a long history
 * posts into has to fit: with 20 million transfers stored, the usual 128 MB made each event read and write one and a half pages more.
 */
export function bufferSettings(bytes = usableBytes()): Readonly<Record<string, string>> {
  const eighth = Math.floor(bytes / 8 / MEBIBYTE)
  return { shared_buffers: `${Math.min(Math.max(eighth, BUFFERS_MIB.least), BUFFERS_MIB.most)}MB` }
}

/** Of the machine, or of the container: without a limit the system tells none, or one beyond all memory. */
function usableBytes(): number {
  const limit = process.constrainedMemory()
  return limit > 0 ? Math.min(limit, totalmem()) : totalmem()
}

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    return 0
  }
}
