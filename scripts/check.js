// What `npm test` does: types, lint, dead code, lockfile, tests, in this order. Stops at the first failure with its exit code.
// Arguments go to Vitest: npm test -- src/core.

import { spawn } from 'node:child_process'
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

// Not spawnSync, in which a signal would end us and leave the check running.
let running
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => running?.kill(signal))
// The terminal sends Ctrl-C to the check too.
process.on('SIGINT', () => {})

function run({ command, args, ...options }) {
  return new Promise((resolve) => {
    running = spawn(command, args, { cwd: root, stdio: 'inherit', shell, ...options })
    running.on('error', (error) => resolve({ code: 1, reason: error.message }))
    running.on('exit', (code, signal) => resolve({ code: code ?? 1, reason: signal }))
  })
}

const timings = []
for (const { name, remedy, ...check } of CHECKS) {
  const began = performance.now()
  const { code, reason } = await run(check)
  timings.push(`${name} ${((performance.now() - began) / 1000).toFixed(1)} s`)
  if (code !== 0) {
    const said = [name, reason && `(${reason})`, remedy && `: ${remedy}`].filter(Boolean).join(' ')
    process.stderr.write(`${timings.join(', ')}\nfailed: ${said}\n`)
    process.exit(code)
  }
}
process.stdout.write(`${timings.join(', ')}: all good\n`)
