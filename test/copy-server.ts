// Copies the folder of a stopped server, with whom its files belong to. Where a system cannot, whoever asks makes a server anew.

import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'

/** The data folder and its password, as `database` and `database.password` in both. False when it was not copied. */
export function copyServer(from: string, to: string): boolean {
  if (process.platform === 'win32') return false
  const { status } = spawnSync('cp', ['-Rp', from, to], { stdio: 'ignore' })
  // Each server has a port and a lock of its own.
  for (const name of ['database/postmaster.opts', 'database.lock', 'database.log']) rmSync(join(to, name), { force: true })
  if (status !== 0) rmSync(to, { recursive: true, force: true })
  return status === 0
}
