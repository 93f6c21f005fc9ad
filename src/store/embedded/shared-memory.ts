// How the processes of one server share memory: through files where the machine gives too little of the usual kind.

import { statfsSync } from 'node:fs'

// Containers often have 64 MB of /dev/shm, on which a parallel query fails; with 1 MB not even initdb gets through.
const ENOUGH_BYTES = 256 * 1024 * 1024

/** Settings for initdb and the server. */
export function sharedMemorySettings(directory = '/dev/shm'): Readonly<Record<string, string>> {
  if (process.platform !== 'linux' || freeBytes(directory) >= ENOUGH_BYTES) return {}
  return { dynamic_shared_memory_type: 'mmap' }
}

function freeBytes(directory: string): number {
  try {
    const { bavail, bsize } = statfsSync(directory)
    return bavail * bsize
  } catch {
    return 0
  }
}
