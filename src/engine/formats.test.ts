// The pages on what `explain` and `verify` answer: their documents have the form the program gives them, and their sentences are those
// it makes of them.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { explanationSchema } from './explain-document.ts'
import { sentences } from './explain-sentences.ts'
import { verificationSchema, verificationSentences } from './verify.ts'
import { CHECKS } from './verify/findings.ts'

function blocksOf(page: string, language: string): string[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/reference', page), 'utf8')
  return [...text.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)\\n\`\`\`$`, 'gm'))].map((match) => match[1] ?? '')
}

it('shows an explanation as it is, in both forms', () => {
  const [document = '', paid = ''] = blocksOf('explain-format.md', 'json')
  const [text = '', sentence = ''] = blocksOf('explain-format.md', 'text')
  const explanation = explanationSchema.parse(JSON.parse(document))
  expect(sentences(explanation)).toEqual(text.split('\n'))
  const changed = { ...explanation, shares: explanation.shares.map((share) => (share.role === 'lucky' ? { ...share, ...(JSON.parse(paid) as object) } : share)) }
  expect(sentences(explanationSchema.parse(changed))).toContain(sentence)
})

it('shows a report as it is, in both forms', () => {
  const [document = ''] = blocksOf('verify-format.md', 'json')
  const [text = ''] = blocksOf('verify-format.md', 'text')
  expect(verificationSentences(verificationSchema.parse(JSON.parse(document))).slice(0, 2)).toEqual(text.split('\n'))
})

it('lists every check with its meaning', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/verify-format.md'), 'utf8')
  const listed = [...page.matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]+) \|$/gm)].map(([, check, meaning]) => [check, meaning])
  expect(listed).toEqual(Object.entries(CHECKS))
})
