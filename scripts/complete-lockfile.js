// Run after each `npm install`: node scripts/complete-lockfile.js. Adds to package-lock.json the platform packages that npm
// leaves out when its registry lacks them, since `npm ci` then refuses the lockfile elsewhere. They carry no hash.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './install.js'

const SYSTEMS = ['aix', 'android', 'darwin', 'freebsd', 'linux', 'netbsd', 'openbsd', 'openharmony', 'sunos', 'win32']
const PROCESSORS = ['arm', 'arm64', 'ia32', 'loong64', 'mips64el', 'ppc64', 'riscv64', 's390x', 'wasm32', 'x64']
const LIBRARIES = { gnu: 'glibc', gnueabihf: 'glibc', musl: 'musl', musleabihf: 'musl' }
const EXACT = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/

const file = join(root, 'package-lock.json')
const lockfile = JSON.parse(readFileSync(file, 'utf8'))
const missing = Object.entries(lockfile.packages).flatMap(([path, entry]) =>
  Object.entries(entry.optionalDependencies ?? {})
    .filter(([name]) => !resolves(path, name))
    .map(([name, version]) => ({ name, version, dev: entry.dev === true })),
)
for (const { name, version, dev } of missing) {
  if (!EXACT.test(version)) throw new Error(`${name} is wanted as ${version}: only an exact version can be added`)
  lockfile.packages[`node_modules/${name}`] = { version, ...(dev && { dev }), optional: true, ...platformOf(name) }
}
if (missing.length > 0) {
  const sorted = Object.entries(lockfile.packages).sort(([a], [b]) => (a < b ? -1 : 1))
  writeFileSync(file, `${JSON.stringify({ ...lockfile, packages: Object.fromEntries(sorted) }, null, 2)}\n`)
}
process.stdout.write(`${missing.length} entries added\n`)

// As Node looks for it: beside the package that wants it, then in the folders above.
function resolves(path, name) {
  for (let folder = path; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('node_modules/') - 1))) {
    if (`${folder === '' ? '' : `${folder}/`}node_modules/${name}` in lockfile.packages) return true
    if (folder === '') return false
  }
}

// `…-linux-arm64-gnu` says where it runs; a part that it does not name is left open.
function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = words.map((word) => (word === 'windows' ? 'win32' : word)).filter((word) => SYSTEMS.includes(word))
  const cpu = words.filter((word) => PROCESSORS.includes(word))
  const libc = words.map((word) => LIBRARIES[word]).filter((word) => word !== undefined)
  return { ...(cpu.length > 0 && { cpu }), ...(os.length > 0 && { os }), ...(libc.length > 0 && { libc }) }
}
