// The virtual machine that executes transactions: a real Solana runtime in this process, reached through its binding
// that takes bytes. It knows no slots, blocks or history; network.ts does. Never receives bytes that `readWire` refused.
import { Account, Clock, FailedTransactionMetadata, LiteSvm, type TransactionMetadata } from 'litesvm/dist/internal.js'
import { base58Of, bytesOf, keyOf, textOf, type Key } from './bytes.ts'
import { transactionErrorJson, type TransactionErrorJson } from './transaction-error.ts'
import type { Wire } from './wire.ts'

/** An account's whole content. An account without lamports does not exist. */
export type AccountImage = {
  readonly lamports: bigint
  readonly owner: Key
  readonly executable: boolean
  readonly data: Uint8Array
}

export type InnerInstructions = {
  readonly index: number
  readonly instructions: readonly {
    readonly programIdIndex: number
    readonly accounts: readonly number[]
    readonly data: string
    readonly stackHeight: number
  }[]
}

/** What came of a transaction, in the shapes of Solana's JSON. */
export type Execution = {
  readonly err: TransactionErrorJson | null
  readonly logs: readonly string[]
  readonly unitsConsumed: bigint
  readonly innerInstructions: readonly InnerInstructions[]
  readonly returnData: { readonly programId: string; readonly data: readonly [string, 'base64'] } | null
}

export type Machine = {
  readonly svm: LiteSvm
  /**
   * Accounts as they were when the machine began; read from when one is first touched, so that a start costs the same
   * for any chain.
   */
  readonly source: (key: Key) => AccountImage | null
  /** The accounts that are in the machine; all others are still as the source has them. */
  readonly loaded: Set<Key>
}

export function createMachine(source: Machine['source']): Machine {
  return { svm: idle.pop() ?? newSvm(), source, loaded: new Set() }
}

/** Machines that nobody uses, as good as new: one takes 25 ms to make, which is for the simulator's networks as much as a history's blocks. */
const idle: LiteSvm[] = []
const MOST_IDLE = 4

/** Ends a machine: of what it was given and did nothing is left, and another network may have it. */
export function releaseMachine({ svm, loaded }: Machine): void {
  if (idle.length === MOST_IDLE) return
  for (const key of loaded) {
    const account = svm.getAccount(bytesOf(key))
    // Programs and sysvars are the machine's own, and no transaction changes them.
    if (account === null || account.executable() || BUILT_IN_OWNERS.has(textOf(keyOf(account.owner())))) continue
    svm.setAccount(bytesOf(key), noAccount())
  }
  svm.setClock(firstClock)
  idle.push(svm)
}

const BUILT_IN_OWNERS: ReadonlySet<string> = new Set(['Sysvar1111111111111111111111111111111111111', 'NativeLoader1111111111111111111111111111111'])
const firstClock = new Clock(0n, 0n, 0n, 0n, 0n)

function newSvm(): LiteSvm {
  const svm = new LiteSvm()
  svm.setClock(firstClock)
  // The machine accepts only its newest blockhash; the window of 150 blocks is network.ts's.
  svm.setBlockhashCheck(false)
  // Its history of signatures is off: it costs 5 kB a transaction for as long as the process lives and can't be rolled
  // back with a fork. The check for repeats is block.ts's: blockhash window and signatures, both durable and exact.
  svm.setTransactionHistory(0n)
  svm.setSigverify(true)
  return svm
}

/** Sets what programs see as slot and wall clock. */
export function setClock(machine: Machine, slot: number, unixSeconds: number): void {
  const seconds = BigInt(unixSeconds)
  machine.svm.setClock(new Clock(BigInt(slot), seconds, 0n, 0n, seconds))
}

export function readAccount(machine: Machine, key: Key): AccountImage | null {
  // What the source does not know may be built in: programs, sysvars.
  const image = machine.loaded.has(key) ? null : machine.source(key)
  return image ?? imageOf(machine.svm.getAccount(bytesOf(key)))
}

/** The balance in lamports, 0 for an account that does not exist. */
export function readBalance(machine: Machine, key: Key): bigint {
  const image = machine.loaded.has(key) ? null : machine.source(key)
  return image?.lamports ?? machine.svm.getBalance(bytesOf(key)) ?? 0n
}

// Brings the accounts of a transaction into the machine.
function load(machine: Machine, keys: readonly Key[]): void {
  for (const key of keys) {
    if (machine.loaded.has(key)) continue
    const image = machine.source(key)
    if (image === null) machine.loaded.add(key)
    else writeAccount(machine, key, image)
  }
}

function noAccount(): Account {
  return new Account(0n, new Uint8Array(0), new Uint8Array(32), false, 0n)
}

/** Overwrites an account; null removes it. */
export function writeAccount(machine: Machine, key: Key, image: AccountImage | null): void {
  const account = image === null
    ? noAccount()
    : new Account(image.lamports, image.data, bytesOf(image.owner), image.executable, 0n)
  machine.svm.setAccount(bytesOf(key), account)
  machine.loaded.add(key)
}

/** Executes and keeps the changes. */
export function execute(machine: Machine, wire: Wire): Execution {
  load(machine, wire.keys)
  const outcome = machine.svm.sendVersionedTransaction(wire.bytes)
  return outcome instanceof FailedTransactionMetadata
    ? execution(outcome.meta(), transactionErrorJson(outcome.err()))
    : execution(outcome, null)
}

export type Simulation = Execution & { readonly after: ReadonlyMap<Key, AccountImage> }

/** Executes and forgets. */
export function simulate(machine: Machine, wire: Wire, verifySignatures: boolean): Simulation {
  load(machine, wire.keys)
  machine.svm.setSigverify(verifySignatures)
  const outcome = machine.svm.simulateVersionedTransaction(wire.bytes)
  machine.svm.setSigverify(true)
  const after = new Map<Key, AccountImage>()
  if (outcome instanceof FailedTransactionMetadata) {
    return { ...execution(outcome.meta(), transactionErrorJson(outcome.err())), after }
  }
  for (const changed of outcome.postAccounts()) {
    const image = imageOf(changed.account())
    if (image !== null) after.set(keyOf(changed.address), image)
  }
  return { ...execution(outcome.meta(), null), after }
}

export function rentExemptMinimum(machine: Machine, dataBytes: number): bigint {
  return machine.svm.minimumBalanceForRentExemption(BigInt(dataBytes))
}

function imageOf(account: Account | null): AccountImage | null {
  if (account === null || account.lamports() === 0n) return null
  return { lamports: account.lamports(), owner: keyOf(account.owner()), executable: account.executable(), data: account.data() }
}

function execution(meta: TransactionMetadata, err: TransactionErrorJson | null): Execution {
  const returned = meta.returnData()
  const data = returned.data()
  return {
    err,
    logs: meta.logs(),
    unitsConsumed: meta.computeUnitsConsumed(),
    innerInstructions: innerInstructions(meta),
    returnData: data.length === 0
      ? null
      : { programId: textOf(keyOf(returned.programId())), data: [Buffer.from(data).toString('base64'), 'base64'] },
  }
}

function innerInstructions(meta: TransactionMetadata): readonly InnerInstructions[] {
  const groups: InnerInstructions[] = []
  for (const [index, inner] of meta.innerInstructions().entries()) {
    if (inner.length === 0) continue
    groups.push({
      index,
      instructions: inner.map((one) => {
        const instruction = one.instruction()
        return {
          programIdIndex: instruction.programIdIndex(),
          accounts: [...instruction.accounts()],
          data: base58Of(instruction.data()),
          stackHeight: one.stackHeight(),
        }
      }),
    })
  }
  return groups
}
