// What `npm test` does: types, lint, dead code, lockfile, tests, in this order. Stops at the first failure with its exit code.
// Arguments go to Vitest: npm test -- src/core.

import { spawnSync } from 'node:child_process'
import { npm, root, systemEnvironment } from './install.js'

const shell = process.platform === 'win32'
const inNpm = npm()

const CHECKS = [
  { name: 'types', command: 'tsc', args: ['-p', '.'] },
  { name: 'lint', command: 'oxlint', args: [] },
  { name: 'dead code', command: 'knip', args: [] },
  // npm ci refuses a lockfile that package.json has outgrown; a dry run changes nothing and asks no network.
  {
    name: 'lockfile in step',
    command: inNpm.command,
    args: [...inNpm.args, 'ci', '--dry-run', '--offline', '--include=dev'],
    stdio: ['ignore', 'ignore', 'inherit'],
    env: systemEnvironment(),
    shell: inNpm.shell,
    remedy: 'run `npm install`, then `node scripts/complete-lockfile.js`',
  },
  { name: 'tests', command: 'vitest', args: ['run', ...process.argv.slice(2)] },
]

const timings = []
for (const { name, command, args, remedy, ...options } of CHECKS) {
  const began = performance.now()
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell, ...options })
  timings.push(`${name} ${((performance.now() - began) / 1000).toFixed(1)} s`)
  if (status !== 0) {
    process.stderr.write(`${timings.join(', ')}\nfailed: ${name}${error ? ` (${error.message})` : ''}${remedy ? `; ${remedy}` : ''}\n`)
    process.exit(status ?? 1)
  }
}
process.stdout.write(`${timings.join(', ')}: all good\n`)
