// What a transaction offers for its inclusion, read from its compute-budget instructions. Layout:
// compute-budget-interface; 2 = limit of compute units (u32), 3 = price of a unit in micro-lamports (u64), little
// endian.
import { COMPUTE_BUDGET_PROGRAM_ADDRESS } from '@solana-program/compute-budget'
import { present } from '../../../core/assert.ts'
import { ADDRESS_BYTES, parseKey } from './bytes.ts'
import type { Wire } from './wire.ts'

const COMPUTE_BUDGET_PROGRAM = present(parseKey(COMPUTE_BUDGET_PROGRAM_ADDRESS, ADDRESS_BYTES), 'compute budget program')
const SET_UNIT_LIMIT = 2
const SET_UNIT_PRICE = 3

export const LAMPORTS_PER_SIGNATURE = 5_000n
const MICRO_LAMPORTS = 1_000_000n
// Without a limit a transaction is counted at 200,000 units an instruction that is no compute-budget one, up to
// 1,400,000.
const DEFAULT_UNITS = 200_000n
const MAX_UNITS = 1_400_000n

/** Micro-lamports offered per compute unit. */
export function priorityPriceOf(wire: Wire): bigint {
  return budgetValue(wire, SET_UNIT_PRICE, 8) ?? 0n
}

/** Lamports the transaction will be charged when it lands. */
export function feeOf(wire: Wire): bigint {
  const others = wire.instructions.filter((instruction) => wire.keys[instruction.program] !== COMPUTE_BUDGET_PROGRAM).length
  const asked = budgetValue(wire, SET_UNIT_LIMIT, 4) ?? DEFAULT_UNITS * BigInt(others)
  const units = asked > MAX_UNITS ? MAX_UNITS : asked
  const priority = (priorityPriceOf(wire) * units + MICRO_LAMPORTS - 1n) / MICRO_LAMPORTS
  return LAMPORTS_PER_SIGNATURE * BigInt(wire.requiredSignatures) + priority
}

function budgetValue(wire: Wire, kind: number, bytes: number): bigint | null {
  for (const { program, data } of wire.instructions) {
    if (wire.keys[program] !== COMPUTE_BUDGET_PROGRAM || data[0] !== kind || data.length < 1 + bytes) continue
    return data.subarray(1, 1 + bytes).reduceRight((value, byte) => value * 256n + BigInt(byte), 0n)
  }
  return null
}
