// The list of mutants against the code as it is: a mutant that changes nothing any more would be noticed by nobody.

import { expect, it } from 'vitest'
import { LAW_MUTANTS } from './law.ts'
import { problemOf } from './tree.ts'

it('has at least thirty mutants of the law, each with a name of its own', () => {
  expect(LAW_MUTANTS.length).toBeGreaterThanOrEqual(30)
  expect(new Set(LAW_MUTANTS.map(({ name }) => name)).size).toBe(LAW_MUTANTS.length)
})

it.each(LAW_MUTANTS)('has a place in the code for a mutant that $name', (mutant) => {
  expect(problemOf(mutant)).toBeNull()
})
