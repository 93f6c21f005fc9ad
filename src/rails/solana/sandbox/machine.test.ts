// Machines that were used before: whoever gets one finds nothing of what others did in it, and all that a machine has of its own.

import { expect, it } from 'vitest'
import { keyOf, parseKey } from './bytes.ts'
import { createMachine, readAccount, readBalance, releaseMachine, setClock, writeAccount, type Machine } from './machine.ts'
import { SYSTEM_PROGRAM } from './own-keys.ts'

const somebody = keyOf(new Uint8Array(32).fill(7))
const tokenProgram = parseKey('TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA', 32) ?? ''
const empty = (): Machine => createMachine(() => null)

it('has nothing of its last user, and its own programs', () => {
  const used = empty()
  const program = readAccount(used, tokenProgram)
  writeAccount(used, somebody, { lamports: 5n, owner: SYSTEM_PROGRAM, executable: false, data: new Uint8Array(0) })
  used.loaded.add(tokenProgram)
  setClock(used, 9, 99)
  expect(readBalance(used, somebody)).toBe(5n)
  releaseMachine(used)
  const again = empty()
  expect(again.svm).toBe(used.svm)
  expect(readAccount(again, somebody)).toBeNull()
  expect(readAccount(again, tokenProgram)).toEqual(program)
  expect(program?.executable).toBe(true)
  expect([again.svm.getClock().slot, again.svm.getClock().unixTimestamp]).toEqual([0n, 0n])
  expect(empty().svm).not.toBe(again.svm)
})
