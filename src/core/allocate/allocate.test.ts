// The properties of every allocation, held by the core. The same are run against copies with a fault each by `simulation/mutants/allocation.ts`.

import { expect, it } from 'vitest'
import { CASES } from '../../../test/allocation/cases.ts'
import { MORE_PROPERTIES } from '../../../test/allocation/kept.ts'
import { PROPERTIES, type Subject } from '../../../test/allocation/properties.ts'
import { allocate } from '../allocate.ts'
import { idOf, parseCase } from './case.ts'
import { createDivision } from './division.ts'
import { explainAllocation } from './explain.ts'
import { POLICIES } from './rounding.ts'
import { formatFraction } from './state.ts'
import { sumOf } from './words.ts'

const core: Subject = { allocate, createDivision, explainAllocation, parseCase, idOf, formatFraction, sumOf, POLICIES }

it.each([...PROPERTIES, ...MORE_PROPERTIES, CASES])('$name', ({ check }) => {
  expect(() => check(core, 100)).not.toThrow()
})
