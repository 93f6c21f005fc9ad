// The import law as data: which room a file belongs to, and what each room may import.

export type Room = {
  readonly name: string
  /** Which files; the first room that matches holds a file. */
  readonly files: RegExp
  /** Names of rooms; a room may always import itself. */
  readonly imports: readonly string[]
  /** Packages and Node's modules; without it any. */
  readonly packages?: readonly string[]
}

/** Tests, what they share, and simulated people: whatever they need. */
export const TESTS = 'tests'

/** The core and what adapters are written against. */
const INTERFACES = ['core', 'rail interface', 'registries']

export const ROOMS: readonly Room[] = [
  { name: TESTS, files: /\.test\.tsx?$|^test\/|^src\/.*\/(fixture|testbed|conformance)(-[a-z-]+)?\.ts$|^[a-z]+\.config\.ts$/, imports: ['*'] },
  { name: 'simulation', files: /^simulation\//, imports: ['*'] },
  { name: 'bench', files: /^bench\//, imports: ['*'] },
  { name: 'scripts', files: /^scripts\//, imports: [] },
  { name: 'core', files: /^src\/core\//, imports: [], packages: ['zod', 'node:crypto'] },
  { name: 'rail interface', files: /^src\/rails\/rail\.ts$/, imports: ['core'] },
  { name: 'registries', files: /^src\/(rails|programs)\/index\.ts$/, imports: ['core', 'rail interface', 'rails/*', 'programs/*'] },
  { name: 'rails/*', files: /^src\/rails\/[^/]+\//, imports: ['core', 'rail interface'] },
  { name: 'programs/*', files: /^src\/programs\/[^/]+\//, imports: ['core'] },
  { name: 'store', files: /^src\/store\//, imports: ['core'] },
  { name: 'engine', files: /^src\/engine\//, imports: [...INTERFACES, 'store', 'signer interface'] },
  { name: 'signer interface', files: /^src\/signer\/signer\.ts$/, imports: ['core', 'rail interface', 'signer'] },
  { name: 'signer', files: /^src\/signer\//, imports: [...INTERFACES, 'store', 'signer interface'] },
  { name: 'worker', files: /^src\/worker\//, imports: ['core', 'engine'] },
  { name: 'http', files: /^src\/http\//, imports: ['core', 'engine', 'config', 'package'] },
  { name: 'config', files: /^src\/config\.ts$/, imports: ['core'] },
  { name: 'world', files: /^src\/world\.ts$/, imports: ['core'] },
  // Puts the rooms together for main and for commands, which both need a database, a signer and networks.
  {
    name: 'boot',
    files: /^src\/boot\//,
    imports: [...INTERFACES, 'store', 'engine', 'signer', 'signer interface', 'worker', 'http', 'config', 'world'],
  },
  { name: 'cli', files: /^src\/cli\//, imports: ['core', 'engine', 'config', 'boot', 'package'] },
  { name: 'main', files: /^src\/main\.ts$/, imports: ['*'] },
  { name: 'package', files: /^package\.json$/, imports: [] },
]

/** Where the machine's clock, timers and randomness may be read: where a process begins. */
export const PROCESS_ENTRIES = /^src\/(main|world)\.ts$|^src\/rails\/[^/]+\/sandbox\/process\.ts$|^src\/signer\/process\.ts$/

/** What Node, npm and Vitest start: nobody imports it. */
export const ENTRIES = /^src\/(cli\/)?main\.ts$|^bench\/(main|journal)\.ts$|^simulation\/(conformance|control|crash|deciders|measure-database|minimise|mutants|once|simulate|mutants\/allocation)\.ts$|^scripts\/|^test\/global-setup\.ts$|\.config\.ts$/

/** Registries may hand things on; nothing else is a barrel. */
export const BARRELS = /^src\/(core\/rules|rails|programs)\/index\.ts$/

/** Words by which a rail or a program gives itself away; each folder of either has an entry. */
export const OWN_WORDS: Readonly<Record<string, RegExp>> = {
  'src/rails/solana/': /solana|lamport/i,
  'src/programs/custom/': /\bdeals?\b|mapped-?event/i,
  'src/programs/sale-split/': /sale[-_]?split|profit_events/i,
}

/** Where no rail and no program may be named: the shared rooms. */
export const SHARED = /^src\/(core|store|engine|signer|worker|http)\/|^src\/rails\/rail\.ts$/

export const LIMITS = { fileLines: 400, functionLines: 70 } as const
