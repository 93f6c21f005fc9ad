// The bootstrap on a small project of its own that installs without a network: what `npm start` does on a bare clone.

import { execFileSync, spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { until } from './effects.ts'

const repository = join(import.meta.dirname, '..')
const pinned = `node_modules/node-${process.platform}-${process.arch}/bin`

/** PATH as a newcomer has it: without what is installed here. */
const path = (process.env['PATH'] ?? '').split(delimiter).filter((entry) => !entry.includes('node_modules')).join(delimiter)
const environment = { ...process.env, PATH: path, npm_execpath: undefined, npm_node_execpath: undefined }

/** A Node older than the pinned one, if this machine has it. */
const oldNode = ((): string | undefined => {
  const { stdout } = spawnSync('node', ['-p', 'process.execPath + " " + parseInt(process.versions.node)'], { env: environment })
  const [file, major] = String(stdout).trim().split(' ')
  return file !== undefined && Number(major) < 26 ? file : undefined
})()

const PROGRAM = `// Tells what it was started with; with --stay, runs until it is told to end.
import { version } from 'marker'
const told: readonly unknown[] = [version, Number.parseInt(process.versions.node), ...process.argv.slice(2)]
if (told.includes('--stay')) {
  const timer = setInterval(() => {}, 1_000)
  process.on('SIGTERM', () => {
    console.log('stopped')
    clearInterval(timer)
  })
}
console.log(JSON.stringify(told))
if (told.includes('--fail')) process.exit(7)
`

/** The small project as it is cloned, when it is installed, and as a pull changes it: with another version of its only package. */
let bare: string
let installed: string
let pulled: string
let project: string
const folders: string[] = []

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'apportion-bootstrap-'))
  folders.push(folder)
  return folder
}

function makeBare(version: string): string {
  const folder = makeFolder()
  cpSync(join(repository, 'scripts'), join(folder, 'scripts'), { recursive: true })
  cpSync(join(repository, '.npmrc'), join(folder, '.npmrc'))
  writeFileSync(join(folder, 'program.ts'), PROGRAM)
  const marker = join(folder, 'marker')
  mkdirSync(marker)
  writeFileSync(join(marker, 'package.json'), JSON.stringify({ name: 'marker', version, type: 'module', exports: './index.js' }))
  writeFileSync(join(marker, 'index.js'), `export const version = '${version}'`)
  const npm = (...args: readonly string[]) => execFileSync('npm', args, { cwd: folder, env: environment, stdio: 'ignore' })
  npm('pack', './marker')
  const manifest = {
    ...{ name: 'small', version: '1.0.0', private: true, type: 'module' },
    scripts: { start: 'exec node scripts/run.js program.ts' },
    dependencies: { marker: `file:marker-${version}.tgz` },
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
  npm('install', '--offline', '--package-lock-only')
  lockForeign(folder, manifest)
  return folder
}

type Lockfile = { readonly packages: Readonly<Record<string, object>> }

// As every lockfile has: a package of a platform that is not this one, with what only that one asks for.
function lockForeign(folder: string, manifest: object): void {
  const optional = { optionalDependencies: { 'foreign-aix-s390x': '1.0.0' } }
  const file = join(folder, 'package-lock.json')
  const lockfile = JSON.parse(readFileSync(file, 'utf8')) as Lockfile
  const packages = {
    ...lockfile.packages,
    '': { ...lockfile.packages[''], ...optional },
    'node_modules/foreign-aix-s390x': { version: '1.0.0', optional: true, os: 'aix', cpu: ['s390x'], dependencies: { 'foreign-part': '1.0.0' } },
    'node_modules/foreign-part': { version: '1.0.0', optional: true },
  }
  writeFileSync(file, JSON.stringify({ ...lockfile, packages }))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, ...optional }))
}

beforeAll(async () => {
  bare = makeBare('1.0.0')
  pulled = makeBare('2.0.0')
  installed = copy(bare)
  project = installed
  await run(process.execPath).ended
})

function copy(from: string): string {
  const folder = makeFolder()
  cpSync(from, folder, { recursive: true })
  return folder
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
})

type Run = { readonly child: ChildProcess; readonly ended: Promise<{ code: number | null; out: string; err: string }>; readonly out: () => string }

function run(node: string, ...args: readonly string[]): Run {
  const child = spawn(node, ['scripts/run.js', 'program.ts', ...args], { cwd: project, env: environment })
  let [out, err] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, out, err }))
  return { child, ended, out: () => out }
}

const ran = (version: string, ...args: readonly string[]): string =>
  `${JSON.stringify([version, Number.parseInt(process.versions.node, 10), ...args])}\n`

describe('a bare clone', () => {
  beforeEach(() => {
    project = copy(bare)
  })

  it('installs, and says so on stderr only; the next start has nothing to do', async () => {
    const first = await run(process.execPath, 'a', '--json').ended
    expect(first).toMatchObject({ code: 0, out: ran('1.0.0', 'a', '--json') })
    expect(first.err).toContain('installing the packages')
    expect(await run(process.execPath).ended).toEqual({ code: 0, out: ran('1.0.0'), err: '' })
  })

  it('started twice at once is installed once', async () => {
    const runs = await Promise.all([run(process.execPath).ended, run(process.execPath).ended])
    expect(runs).toMatchObject([{ code: 0, out: ran('1.0.0') }, { code: 0, out: ran('1.0.0') }])
    expect(runs.filter(({ err }) => err.includes('installing'))).toHaveLength(1)
    expect(existsSync(join(project, '.apportion', 'install.lock'))).toBe(false)
  })

  it('whose install was killed is installed again', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    mkdirSync(join(project, '.apportion'))
    mkdirSync(join(project, 'node_modules'))
    writeFileSync(join(project, '.apportion', 'install.lock'), String(pid))
    expect(await run(process.execPath).ended).toMatchObject({ code: 0, out: ran('1.0.0') })
  })

  it('whose packages cannot be had ends with one reason and no lock', async () => {
    const file = join(project, 'package-lock.json')
    writeFileSync(file, readFileSync(file, 'utf8').replace(/"sha512-[^"]+"/, `"sha512-${'0'.repeat(86)}=="`))
    const { code, out, err } = await run(process.execPath).ended
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expect(err).toMatch(/apportion: npm ci failed; is the registry reachable\?\n$/)
    expect(existsSync(join(project, '.apportion', 'install.lock'))).toBe(false)
  })
})

describe('an installed clone', () => {
  beforeEach(() => {
    project = copy(installed)
  })

  it('whose lockfile a pull has changed is installed again', async () => {
    for (const file of ['package.json', 'package-lock.json', 'marker-2.0.0.tgz']) cpSync(join(pulled, file), join(project, file))
    const { out, err } = await run(process.execPath).ended
    expect(out).toBe(ran('2.0.0'))
    expect(err).toContain('installing the packages')
  })

  it('ends with the exit code of the program', async () => {
    expect(await run(process.execPath, '--fail').ended).toMatchObject({ code: 7 })
  })

  it.runIf(process.platform !== 'win32')('lets SIGTERM through npm to the program', async () => {
    pinNode()
    const child = spawn('npm', ['start', '--', '--stay'], { cwd: project, env: environment })
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
    await until('the program', () => out.includes('"--stay"]') || undefined)
    child.kill('SIGTERM')
    expect((await once(child, 'close'))[0]).toBe(0)
    expect(out).toContain('stopped')
  })
})

function pinNode(): void {
  mkdirSync(join(project, pinned), { recursive: true })
  symlinkSync(process.execPath, join(project, pinned, 'node'))
}

describe.runIf(oldNode !== undefined && process.platform !== 'win32')('on an older Node', () => {
  beforeEach(() => {
    project = copy(installed)
    pinNode()
  })

  it('a bare clone is installed', async () => {
    project = copy(bare)
    pinNode()
    const { err } = await run(oldNode!).ended
    expect(err).toContain('installing the packages')
    expect(existsSync(join(project, 'node_modules', 'marker', 'index.js'))).toBe(true)
  })

  it('the pinned one runs the program, and its exit code is handed on', async () => {
    expect(await run(oldNode!, 'a').ended).toEqual({ code: 0, out: ran('1.0.0', 'a'), err: '' })
    expect(await run(oldNode!, '--fail').ended).toMatchObject({ code: 7 })
  })

  it('SIGTERM is handed on', async () => {
    const asked = run(oldNode!, '--stay')
    await until('the program', () => asked.out() || undefined)
    asked.child.kill('SIGTERM')
    expect(await asked.ended).toMatchObject({ code: 0, out: `${ran('1.0.0', '--stay')}stopped\n` })
  })

  it('without the pinned one it says what to do', async () => {
    rmSync(join(project, pinned), { recursive: true })
    const { code, err } = await run(oldNode!).ended
    expect(code).toBe(1)
    expect(err).toMatch(/needs Node 26 or newer .*nodejs\.org/)
  })
})
