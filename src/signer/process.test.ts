// The signer as a process: started, asked, killed, started again; and what may be seen of it from outside never holds a secret.

import { execFile, fork } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify, inspect } from 'node:util'
import { getBase58Decoder } from '@solana/kit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { machine, until } from '../../test/effects.ts'
import { present } from '../core/assert.ts'
import type { JsonObject } from '../core/effects.ts'
import { rails } from '../rails/index.ts'
import { startSigner, type ForkedSigner } from './client.ts'
import {
  addLedger,
  addPayouts,
  addWallet,
  addWalletRow,
  checkSigned,
  newDraft,
  newMasterKey,
  RAIL,
  random,
  refusalOf,
  setLimit,
  signerDatabase,
  uuid,
} from './fixture.ts'
import { environmentOf, type SignerSettings } from './settings.ts'
import type { SignerExit, WalletRequest } from './signer.ts'

const folder = mkdtempSync(join(tmpdir(), 'apportion-signer-'))
let database: Awaited<ReturnType<typeof signerDatabase>>
beforeAll(async () => {
  database = await signerDatabase()
})

const running: ForkedSigner[] = []
afterEach(async () => {
  await Promise.all(running.splice(0).map((signer) => signer.stop()))
  await database.pool.query('delete from apportion.wallet_key')
})
afterAll(async () => {
  await database.drop()
  rmSync(folder, { recursive: true, force: true })
})

type Line = { readonly level: string; readonly message: string; readonly fields: JsonObject | undefined }

async function start(own: Partial<SignerSettings> & { readonly masterKeyFile?: string } = {}): Promise<ForkedSigner & { readonly lines: Line[] }> {
  const lines: Line[] = []
  const log = (level: string, message: string, fields?: JsonObject): void => void lines.push({ level, message, fields })
  const key = own.masterKeyFile === undefined ? { masterKey: newMasterKey().bytes.toHex() } : {}
  const signer = await startSigner({ sleep: machine.sleep, log }, { signerUrl: database.signerUrl, sandbox: false, ...key, ...own } as SignerSettings)
  running.push(signer)
  return { ...signer, lines }
}

const newRequest = (): WalletRequest => ({ ledger: uuid(), wallet: uuid(), label: 'main', rail: RAIL })

describe("the signer's process", () => {
  it('creates, imports and signs', async () => {
    const signer = await start()
    const home = await addLedger(database.pool)
    const wallet = await addWallet(database.pool, signer, home.ledger)
    const payouts = await addPayouts(database.pool, home, { wallet: wallet.wallet, units: [5n, 7n] })
    const ask = { lane: home.lane, wallet: wallet.wallet, payouts: payouts.map(({ id }) => id), draft: newDraft() }
    checkSigned(await signer.sign(ask), wallet.address, payouts)
    const { secret, address } = await present(rails[RAIL], RAIL).custody.create(random)
    expect(await signer.import({ ...newRequest(), key: getBase58Decoder().decode(secret) })).toEqual({ address })
  })

  it('answers each of many callers at once with their own', async () => {
    const signer = await start()
    const requests = Array.from({ length: 100 }, newRequest)
    const answers = await Promise.all(requests.map((request) => signer.create(request)))
    expect(new Set(answers.map(({ address }) => address)).size).toBe(100)
    expect(await Promise.all(requests.map((request) => signer.create(request)))).toEqual(answers)
  })

  it('hands refusals on with code, message and details', async () => {
    const signer = await start()
    const home = await addLedger(database.pool)
    const wallet = await addWallet(database.pool, signer, home.ledger)
    const payouts = await addPayouts(database.pool, home, { wallet: wallet.wallet, units: [5n] })
    await setLimit(database.pool, home, 4n)
    const ask = { lane: home.lane, wallet: wallet.wallet, payouts: payouts.map(({ id }) => id), draft: newDraft() }
    const refusal = await refusalOf(() => signer.sign(ask))
    expect(refusal.code).toBe('signing_limit_exceeded')
    expect(refusal.details).toMatchObject({ limit: '4', signed: '0', asked: '5', left: '4' })
    expect(refusal.message).toContain('the limit of the day is 4')
  })

  it('is started again after kill -9, tells of it, and has forgotten nothing', async () => {
    const signer = await start()
    const ends: SignerExit[] = []
    signer.onExit((end) => ends.push(end))
    const request = newRequest()
    const { address } = await signer.create(request)
    const first = present(signer.pid(), 'pid')
    // Calls that are under way when it dies are refused, or answered if they were quicker; none hangs.
    const calls = Array.from({ length: 50 }, () => signer.create(newRequest()).catch((error: unknown) => (error as { code: string }).code))
    process.kill(first, 'SIGKILL')
    const codes = (await Promise.all(calls)).filter((answer) => typeof answer === 'string')
    expect(codes.length).toBeGreaterThan(0)
    expect(new Set(codes)).toEqual(new Set(['rail_unavailable']))
    expect((await refusalOf(() => signer.create(request))).code).toBe('rail_unavailable')
    await until('another process', () => (signer.pid() === null || signer.pid() === first ? undefined : true))
    expect(ends).toEqual([{ code: null, signal: 'SIGKILL' }])
    expect(await signer.create(request)).toEqual({ address })
  })

  it('is started again and again until it can be', async () => {
    const masterKeyFile = join(folder, 'moved.key')
    const signer = await start({ masterKeyFile, sandbox: true })
    const request = newRequest()
    const { address } = await signer.create(request)
    const text = readFileSync(masterKeyFile, 'utf8')
    rmSync(masterKeyFile)
    process.kill(present(signer.pid(), 'pid'), 'SIGKILL')
    await until('a failed start', () => signer.lines.find(({ message }) => message.includes('could not be started again')))
    expect(existsSync(masterKeyFile)).toBe(false)
    writeFileSync(masterKeyFile, text)
    await until('a start', () => signer.pid() ?? undefined)
    expect(await signer.create(request)).toEqual({ address })
  })

  it('stops when told, and refuses from then on', async () => {
    const signer = await start()
    const pid = present(signer.pid(), 'pid')
    await signer.stop()
    await signer.stop()
    expect(() => process.kill(pid, 0)).toThrow('ESRCH')
    expect((await refusalOf(() => signer.create(newRequest()))).code).toBe('rail_unavailable')
  })

  it('can be stopped between an end and the next start', async () => {
    const signer = await start()
    process.kill(present(signer.pid(), 'pid'), 'SIGKILL')
    await until('its end', () => (signer.pid() === null ? true : undefined))
    await signer.stop()
    expect(signer.pid()).toBeNull()
  })

  it('outlives the signals of a terminal', async () => {
    const signer = await start()
    const pid = present(signer.pid(), 'pid')
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(pid, signal)
    await signer.create(newRequest())
    expect(signer.pid()).toBe(pid)
  })

  it('ends when its server is killed', async () => {
    const program = `
      import { startSigner } from ${JSON.stringify(join(import.meta.dirname, 'client.ts'))}
      const sleep = (ms, signal) => new Promise((resolve) => {
        const timer = setTimeout(resolve, ms)
        signal?.addEventListener('abort', () => resolve(clearTimeout(timer)))
      })
      const signer = await startSigner({ sleep, log: () => {} }, JSON.parse(process.env.SETTINGS))
      process.stdout.write(String(signer.pid()))
      process.kill(process.pid, 'SIGKILL')`
    const settings: SignerSettings = { signerUrl: database.signerUrl, masterKey: newMasterKey().bytes.toHex(), sandbox: false }
    const run = promisify(execFile)(process.execPath, ['--input-type=module-typescript', '-e', program], {
      env: { SETTINGS: JSON.stringify(settings), NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] },
    })
    const { stdout, signal } = (await run.catch((error: unknown) => error)) as { stdout: string; signal: string }
    expect(signal).toBe('SIGKILL')
    await until('the end of the signer', () => (isAlive(Number(stdout)) ? undefined : true))
  })
})

describe('the start of the signer', () => {
  it('makes a master key in the sandbox, and finds it again', async () => {
    const masterKeyFile = join(folder, 'sandbox', 'master.key')
    const request = newRequest()
    const first = await start({ masterKeyFile, sandbox: true })
    const made = await first.create(request)
    await first.stop()
    expect(await (await start({ masterKeyFile, sandbox: true })).create(request)).toEqual(made)
  })

  it('makes no master key outside the sandbox (configuration_invalid)', async () => {
    const masterKeyFile = join(folder, 'real.key')
    const refusal = await refusalOf(() => start({ masterKeyFile }))
    expect(refusal).toMatchObject({ code: 'configuration_invalid', details: { setting: 'APPORTION_MASTER_KEY_FILE', path: masterKeyFile } })
    expect(existsSync(masterKeyFile)).toBe(false)
  })

  it('makes no new master key where wallets are sealed under a lost one', async () => {
    await (await start()).create(newRequest())
    const masterKeyFile = join(folder, 'new.key')
    expect((await refusalOf(() => start({ masterKeyFile, sandbox: true }))).code).toBe('configuration_invalid')
    expect(existsSync(masterKeyFile)).toBe(false)
  })

  it('refuses another master key than that of the wallets, saying which (master_key_mismatch)', async () => {
    const [right, wrong] = [newMasterKey(), newMasterKey()]
    const first = await start({ masterKey: right.bytes.toBase64() })
    await first.create(newRequest())
    const refusal = await refusalOf(() => start({ masterKey: wrong.bytes.toHex() }))
    expect(refusal).toMatchObject({ code: 'master_key_mismatch', details: { needed: right.id, given: wrong.id, wallets: '1' } })
  })

  it('refuses a malformed master key without repeating it (configuration_invalid)', async () => {
    const refusal = await refusalOf(() => start({ masterKey: 'correct horse' }))
    expect(refusal).toMatchObject({ code: 'configuration_invalid', details: { setting: 'APPORTION_MASTER_KEY' } })
    expect(JSON.stringify(refusal) + refusal.message).not.toContain('horse')
  })

  it("refuses a role that the database does not let in, or that has no rights (database_role_forbidden)", async () => {
    const [stranger, app] = [new URL(database.signerUrl), database.appUrl]
    stranger.password = 'hush-hush'
    for (const signerUrl of [stranger.href, app]) {
      const refusal = await refusalOf(() => start({ signerUrl }))
      expect(refusal.code).toBe('database_role_forbidden')
      expect(JSON.stringify(refusal) + refusal.message).not.toContain('hush')
    }
  })

  it('refuses a database that is not there (database_unavailable), repeating no password', async () => {
    const refusal = await refusalOf(() => start({ signerUrl: 'postgresql://signer:hush-hush@127.0.0.1:9/none' }))
    expect(refusal.code).toBe('database_unavailable')
    expect(JSON.stringify(refusal) + refusal.message).not.toContain('hush')
  })
})

describe('what is seen of the signer from outside', () => {
  it('is given the settings it needs and nothing else of the server', () => {
    const own = { PATH: '/bin', HOME: '/root', NODE_OPTIONS: '--inspect', PGPASSWORD: 'x', APPORTION_MASTER_KEY: 'y', NODE_COMPILE_CACHE: 'c' }
    expect(environmentOf({ signerUrl: 'u', masterKeyFile: 'f', sandbox: true }, own)).toEqual({
      SIGNER_DATABASE_URL: 'u',
      APPORTION_MASTER_KEY_FILE: 'f',
      APPORTION_SANDBOX: '1',
      NODE_COMPILE_CACHE: 'c',
    })
  })

  it('holds no secret, whatever it is asked: no message, no output, no refusal', async () => {
    const custody = present(rails[RAIL], RAIL).custody
    const [master, key, other] = [newMasterKey(), await custody.create(random), await custody.create(random)]
    const home = await addLedger(database.pool)
    const [created, imported] = [
      { ledger: home.ledger, wallet: uuid(), label: 'created', rail: RAIL },
      { ledger: home.ledger, wallet: uuid(), label: 'imported', rail: RAIL },
    ]
    await addWalletRow(database.pool, imported, key.address)
    const payouts = await addPayouts(database.pool, home, { wallet: imported.wallet, units: [1n, 2n] })
    const ids = payouts.map(({ id }) => id)
    const text = getBase58Decoder().decode(key.secret)
    const sign = { type: 'sign', lane: String(home.lane), wallet: imported.wallet, payouts: ids, draft: newDraft() }
    const seen = await talk({ signerUrl: database.signerUrl, masterKey: master.bytes.toHex(), sandbox: false }, [
      { type: 'create', ...created },
      { type: 'import', ...imported, key: text },
      { type: 'import', ...imported, key: JSON.stringify([...key.secret]) },
      { type: 'import', ...imported, key: getBase58Decoder().decode(other.secret) },
      { type: 'import', ...created, key: text },
      { type: 'import', ...imported, wallet: uuid(), key: `${text}!` },
      { type: 'import', ...imported, wallet: uuid(), rail: text, key: text },
      { type: 'import', ...imported, wallet: text, key: text },
      { type: 'import', ...imported, key: text, [text]: text },
      { type: 'import', ...imported, label: '', key: [...key.secret] },
      sign,
      { ...sign, draft: { ...newDraft(), memo: 'x' } },
      { ...sign, wallet: created.wallet },
      { ...sign, payouts: [uuid()] },
      { type: 'export', wallet: imported.wallet },
      { type: 'read', wallet: imported.wallet },
      { type: 'sign', wallet: imported.wallet, bytes: 'AQAB' },
    ])
    expect(seen.answers.map(({ type, code }) => code ?? type)).toEqual([
      ...['address', 'address', 'address', 'wallet_conflict', 'wallet_conflict', 'key_malformed'],
      ...['field_malformed', 'field_malformed', 'field_malformed', 'field_malformed'],
      ...['signed', 'signing_refused', 'wallet_not_found', 'signing_refused'],
      ...['field_malformed', 'field_malformed', 'field_malformed'],
    ])
    const { rows } = await database.pool.query<{ row: string }>('select wallet_key::text as row from apportion.wallet_key')
    const visible = [...seen.texts, ...rows.map(({ row }) => row)].join('\n')
    for (const secret of [key.secret, key.secret.subarray(0, 32), other.secret, other.secret.subarray(0, 32), master.bytes]) {
      for (const form of formsOf(secret)) expect(visible.includes(form), `a secret as ${form.slice(0, 3)}…`).toBe(false)
    }
    // The search would find one that is there.
    expect(visible.includes(key.address)).toBe(true)
  })

  it('holds no secret when the database fails in the middle', async () => {
    const key = await present(rails[RAIL], RAIL).custody.create(random)
    const text = getBase58Decoder().decode(key.secret)
    await database.pool.query('alter table apportion.wallet_key rename to wallet_key_away')
    try {
      const seen = await talk({ signerUrl: database.signerUrl, masterKey: newMasterKey().bytes.toHex(), sandbox: false }, [], 1)
      expect(seen.texts.join('\n')).toContain('database_role_forbidden')
      await database.pool.query('alter table apportion.wallet_key_away rename to wallet_key')
      const talked = await talk({ signerUrl: database.signerUrl, masterKey: newMasterKey().bytes.toHex(), sandbox: false }, [
        { type: 'import', ...newRequest(), key: text },
      ])
      expect(talked.answers.map(({ type }) => type)).toEqual(['address'])
      for (const form of formsOf(key.secret)) expect([...seen.texts, ...talked.texts].join('\n').includes(form)).toBe(false)
    } finally {
      await database.pool.query('alter table if exists apportion.wallet_key_away rename to wallet_key')
    }
  })
})

type Heard = { readonly id?: number | null; readonly type: string; readonly code?: string }

/** Speaks to a bare process of its own: all its messages and all its output, as texts. It ends by the channel being closed. */
async function talk(settings: SignerSettings, requests: readonly object[], code = 0): Promise<{ answers: Heard[]; texts: string[] }> {
  const child = fork(join(import.meta.dirname, 'process.ts'), [], { env: environmentOf(settings, process.env), execArgv: [], silent: true })
  const texts: string[] = []
  const heard: Heard[] = []
  child.stdout?.on('data', (data) => texts.push(String(data)))
  child.stderr?.on('data', (data) => texts.push(String(data)))
  child.on('message', (message) => {
    texts.push(JSON.stringify(message), inspect(message, { depth: 9 }))
    heard.push(message as Heard)
  })
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  if (code !== 0) {
    expect(await ended).toBe(code)
    return { answers: [], texts }
  }
  await until('ready', () => heard.find(({ type }) => type === 'ready'))
  const answers: Heard[] = []
  for (const [place, request] of requests.entries()) {
    child.send({ id: place + 1, ...request })
    answers.push(await until(`answer ${place + 1}`, () => heard.find(({ id }) => id === place + 1)))
  }
  child.disconnect()
  expect(await ended).toBe(0)
  return { answers, texts }
}

/** A secret as somebody might print it. */
function formsOf(secret: Uint8Array): readonly string[] {
  return [
    secret.toHex(),
    secret.toHex().toUpperCase(),
    secret.toBase64({ omitPadding: true }).slice(0, -1),
    secret.toBase64({ alphabet: 'base64url', omitPadding: true }).slice(0, -1),
    getBase58Decoder().decode(secret),
    [...secret].join(','),
    [...secret].join(', '),
    Buffer.from(secret).toString('latin1'),
    inspect(Buffer.from(secret)).slice(8, -1).slice(0, 60),
  ]
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    // An orphan that ended may wait for somebody to read its end: state Z.
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
