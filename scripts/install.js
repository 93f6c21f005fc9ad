// Installs what package-lock.json names, when node_modules differs from it. Runs on the system's own Node (18 or newer)
// with nothing installed, so it imports nothing but Node; it writes to stderr only, since stdout belongs to the program.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const own = join(root, '.apportion')
// Outside node_modules, which `npm ci` deletes.
const lock = join(own, 'install.lock')
const binaries = join(root, 'node_modules', '.bin')

/** Returns when node_modules is what the lockfile says; development packages may be left out unless they are needed. */
export async function ensureInstalled({ development }) {
  if (isInstalled({ development })) return
  await withLock(() => {
    if (isInstalled({ development })) return
    warnOfServer()
    process.stderr.write('apportion: installing the packages of package-lock.json …\n')
    install({ development })
  })
}

/** The npm that called us, run by the Node that runs it: never the Node inside the node_modules it is about to delete. */
export function npm() {
  const { npm_node_execpath: node, npm_execpath: file } = process.env
  // Under npx it names npx; under other package managers, them.
  const cli = file && /^np[mx]-cli\.c?js$/.test(basename(file)) ? join(dirname(file), 'npm-cli.js') : undefined
  if (node && cli && existsSync(node) && existsSync(cli)) return { command: node, args: [cli], shell: false }
  return { command: 'npm', args: [], shell: process.platform === 'win32' }
}

/** The environment without the installed programs in PATH. */
export function systemEnvironment() {
  const path = (process.env.PATH ?? '').split(delimiter).filter((entry) => entry !== binaries)
  return { ...process.env, PATH: path.join(delimiter) }
}

// Compared entry by entry with the list that npm writes last: an install that was killed half-way has none.
function isInstalled({ development }) {
  const wanted = readPackages(join(root, 'package-lock.json'))
  const found = readPackages(join(root, 'node_modules', '.package-lock.json'))
  if (wanted === undefined) throw new Error(`${root} has no package-lock.json`)
  if (found === undefined) return false
  const entries = Object.entries(wanted).filter(([path]) => path !== '')
  const omitted = !development && !entries.some(([path, { dev }]) => dev === true && path in found)
  // What only packages of other platforms ask for is absent with them.
  const asked = new Set(
    Object.entries(wanted)
      .filter(([path]) => path === '' || path in found)
      .flatMap(([, entry]) => Object.keys({ ...entry.dependencies, ...entry.optionalDependencies })),
  )
  return entries.every(([path, entry]) => {
    const there = found[path]
    if (there !== undefined) return there.version === entry.version && sameHash(there.integrity, entry.integrity)
    if (entry.dev === true && omitted) return true
    return entry.optional === true && !(isForThisMachine(entry) && asked.has(path.slice(path.lastIndexOf('node_modules/') + 13)))
  })
}

// Entries that were added for other platforms have no hash.
function sameHash(found, wanted) {
  return wanted === undefined || found === wanted
}

function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages
  } catch (error) {
    if (error.code === 'ENOENT' || error instanceof SyntaxError) return undefined
    throw error
  }
}

function isForThisMachine({ os, cpu, libc }) {
  return allows(os, process.platform) && allows(cpu, process.arch) && (libc === undefined || allows(libc, machineLibc()))
}

// As in package.json: a name, a list of them, or a list of `!name`.
function allows(given, value) {
  if (given === undefined) return true
  const list = [given].flat()
  if (list.includes(`!${value}`)) return false
  return list.includes(value) || list.every((name) => name.startsWith('!'))
}

function machineLibc() {
  if (process.platform !== 'linux') return undefined
  return readdirSync('/lib').some((name) => name.startsWith('ld-musl-')) ? 'musl' : 'glibc'
}

function install({ development }) {
  const { command, args, shell } = npm()
  // npm's usual retries take 78 s to find out that there is no network; one takes 21 s.
  const options = ['ci', '--prefer-offline', '--fetch-retries=1', ...(development ? ['--include=dev'] : [])]
  const { status, error } = spawnSync(command, [...args, ...options], {
    cwd: root,
    env: systemEnvironment(),
    shell,
    stdio: ['ignore', process.stderr, process.stderr],
  })
  if (status === 0) return
  process.stderr.write(`apportion: npm ci failed${error ? ` (${error.message})` : ''}; is the registry reachable?\n`)
  process.exit(1)
}

function warnOfServer() {
  if (!existsSync(own)) return
  for (const name of readdirSync(own)) {
    const file = join(own, name, 'postmaster.pid')
    if (existsSync(file) && isAlive(Number.parseInt(readFileSync(file, 'utf8'), 10))) {
      process.stderr.write('apportion: a server is running and loses its PostgreSQL libraries; restart it afterwards\n')
    }
  }
}

const WAIT_MS = 100
const EMPTY_LOCK_MS = 5000

async function withLock(work) {
  mkdirSync(own, { recursive: true })
  let told = false
  while (!acquire()) {
    const holder = readHolder()
    if (holder === 'dead') {
      takeAway()
      continue
    }
    if (!told && holder !== 'gone') process.stderr.write(`apportion: waiting for the install of process ${holder} (${lock})\n`)
    told ||= holder !== 'gone'
    await new Promise((resolve) => {
      setTimeout(resolve, WAIT_MS)
    })
  }
  // Also when the install fails and ends the process.
  const release = () => rmSync(lock, { force: true })
  process.once('exit', release)
  work()
  process.removeListener('exit', release)
  release()
}

function acquire() {
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function readHolder() {
  try {
    const pid = Number.parseInt(readFileSync(lock, 'utf8'), 10)
    // In the moment between its making and its filling it is empty.
    if (Number.isNaN(pid)) return Date.now() - statSync(lock).mtimeMs > EMPTY_LOCK_MS ? 'dead' : 'gone'
    return pid !== process.pid && isAlive(pid) ? pid : 'dead'
  } catch (error) {
    if (error.code === 'ENOENT') return 'gone'
    throw error
  }
}

// Renamed before it is judged again: of two who saw the dead one's lock, one could otherwise delete the other's new lock.
function takeAway() {
  const aside = `${lock}.${process.pid}`
  try {
    renameSync(lock, aside)
  } catch (error) {
    if (error.code === 'ENOENT') return
    throw error
  }
  const pid = Number.parseInt(readFileSync(aside, 'utf8'), 10)
  if (pid !== process.pid && isAlive(pid)) renameSync(aside, lock)
  else rmSync(aside)
}

function isAlive(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
