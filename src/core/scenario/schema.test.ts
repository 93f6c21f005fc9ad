// The published schema of scenario files is the one they are read by.

import { join } from 'node:path'
import { expect, it } from 'vitest'
import { publishedSchema } from '../../../test/published-schema.ts'
import { scenarioFileSchema } from './form.ts'

it('stands in docs/reference as it is', async () => {
  const text = publishedSchema(scenarioFileSchema)
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, '../../../docs/reference/scenario.schema.json'))
})
