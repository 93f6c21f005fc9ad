// `allocate` as people run it: without a database, one case by options or many from standard input.

import { afterAll, expect, it } from 'vitest'
import { endAll, run } from '../boot/fixture.ts'
import { runHere, type Ended } from './fixture.ts'

// A folder that cannot be made: whoever opened a database would fail.
const OFFLINE = { APPORTION_DATA: '/dev/null/none' }

const allocate = async (words: readonly string[], input: string | Buffer = ''): Promise<Ended> => await runHere(['allocate', ...words], OFFLINE, input)

afterAll(endAll)

it('divides one case, for programs and for people', async () => {
  const [json, table, kept] = await Promise.all([
    allocate(['--pool', '100', '--weights', '3,3,3', '--rounding', 'largest-remainder', '--json']),
    allocate(['--pool', '3', '--weights', '75, 25', '--rounding', 'residual-to:b', '--recipients', 'a,b']),
    allocate(['--pool', '1', '--weights', '1/3,1/3,1/3', '--rounding', 'cumulative', '--json']),
  ])
  expect([json.code, JSON.parse(json.out), json.err]).toEqual([0, { shares: ['34', '33', '33'] }, ''])
  expect([table.code, table.err]).toEqual([0, ''])
  expect(table.out).toMatch(/^b +1\/4 +3\/4 +0 +1 +1 +its floor and everything that the others left over$/m)
  const third = `${'3'.repeat(37)}4`
  expect(JSON.parse(kept.out)).toEqual({ shares: ['0', '0', '0'], remainder: '1', state: { fractions: [third, third, third], standing: '1' } })
})

it('answers each line by a line, and a bad one holds up none after it', async () => {
  const lines: readonly (readonly [line: string, answer: object])[] = [
    ['{"id":"one","pool":"100","weights":["3","3","3"],"rounding":"largest-remainder"}', { id: 'one', shares: ['34', '33', '33'] }],
    ['no JSON', { id: null, line: 2, refusal: { code: 'body_malformed' } }],
    ['{"id":"twice","pool":"1","pool":"2","weights":["1"]}', { id: null, line: 3, refusal: { code: 'body_malformed' } }],
    ['{"id":"number","pool":1,"weights":["1"]}', { id: 'number', refusal: { code: 'field_malformed' } }],
    ['{"id":"negative","pool":"-1","weights":["1"]}', { id: 'negative', refusal: { code: 'pool_malformed' } }],
    [`{"id":"large","pool":"${10n ** 38n + 1n}","weights":["1"]}`, { id: 'large', refusal: { code: 'pool_exceeded', details: { max: `${10n ** 38n}` } } }],
    ['{"id":"word","pool":"1","weights":["1","many"]}', { id: 'word', refusal: { code: 'weight_malformed', details: { place: 2 } } }],
    [`{"id":"long","pool":"1","weights":["${'9'.repeat(40)}"]}`, { id: 'long', refusal: { code: 'weight_exceeded' } }],
    ['{"id":"zero","pool":"1","weights":["0","0"]}', { id: 'zero', refusal: { code: 'weights_missing' } }],
    [`{"id":"many","pool":"1","weights":[${'"1",'.repeat(999_999)}"1"]}`, { id: 'many', refusal: { code: 'weights_exceeded', details: { weights: 1_000_000, max: 100_000 } } }],
    [`{"id":"endless","pool":"1","weights":["${'1'.repeat(9_000_000)}"]}`, { id: null, line: 11, refusal: { code: 'body_exceeded' } }],
    ['{"id":"policy","pool":"1","weights":["1"],"rounding":"bankers"}', { id: 'policy', refusal: { code: 'rounding_not_found' } }],
    ['{"id":"nobody","pool":"1","weights":["1"],"rounding":{"residual-to":"x"}}', { id: 'nobody', refusal: { code: 'residual_not_found' } }],
    ['{"id":"stranger","pool":"1","weights":["1"],"state":{"next":0}}', { id: 'stranger', refusal: { code: 'rounding_state_mismatch' } }],
    ['{"id":"turn","pool":"4","weights":["1","1","1"],"rounding":"rotate","state":{"next":2}}', { id: 'turn', shares: ['1', '1', '2'], state: { next: 0 } }],
    ['{"id":9,"pool":"3","weights":["12.5","1/3"],"rounding":"prefix"}', { id: 9, shares: ['2', '1'] }],
  ]
  const { code, out, err } = await allocate(['--json'], `${lines.map(([line]) => line).join('\n')}\n\n`)
  expect([code, err]).toEqual([1, ''])
  const answers = out.trimEnd().split('\n').map((line) => JSON.parse(line) as unknown)
  expect(answers).toMatchObject(lines.map(([, answer]) => answer))
})

it('refuses what is not UTF-8, and what options say wrong, with a code', async () => {
  const command = run('src/cli/main.ts', ['allocate'], OFFLINE)
  command.child.stdin?.write(Buffer.from([0xff, 0x0a]))
  command.child.stdin?.end('{"id":"last","pool":"1","weights":["1"]}')
  expect(await command.ended).toBe(1)
  expect(command.out()).toBe('refused on line 1 (body_malformed): line 1 is not UTF-8\nlast: 1\n')
  const [negative, state, alone] = await Promise.all([
    allocate(['--pool', '100', '--weights', '-1,2']),
    allocate(['--pool', '1', '--weights', '1', '--state', '{']),
    allocate(['--state', '{}']),
  ])
  expect(negative).toMatchObject({ code: 1, out: '', err: expect.stringContaining('weight 1, "-1", is negative') })
  expect(state).toMatchObject({ code: 1, err: expect.stringContaining('(rounding_state_mismatch)') })
  expect(alone).toMatchObject({ code: 1, err: expect.stringContaining('--state needs --pool and --weights') })
})

it('ends when nobody reads its answers any more, though cases go on', async () => {
  const command = run('src/cli/main.ts', ['allocate'], OFFLINE)
  const line = '{"pool":"1","weights":["1"]}\n'
  command.child.stdout?.once('data', () => command.child.stdout?.destroy())
  const write = (): void => void command.child.stdin?.write(line.repeat(100), (error) => error ?? setImmediate(write))
  write()
  expect([await command.ended, command.err()]).toEqual([0, ''])
})
