// Nothing secret is ever shown: neither in an answer nor in a line of a log nor in a backup. A key that was just made is shown once, to
// whoever made it.

import type { Offer } from '../history.ts'
import type { Findings } from './findings.ts'

export type Secrets = { readonly scan: (where: string, text: string) => void; readonly hear: (offer: Offer) => void }

const HEX = /^(?:[0-9a-f]{2}){16,}$/i

/** A secret may be written otherwise than it was handed over. */
function formsOf(secret: string): readonly string[] {
  if (!HEX.test(secret)) return [secret]
  const bytes = Buffer.from(secret, 'hex')
  return [secret.toLowerCase(), secret.toUpperCase(), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')]
}

/** Shorter ones would be found by chance. */
const SHORTEST = 12

export function createSecrets(given: readonly string[], findings: Findings): Secrets {
  const forms = new Set(given.flatMap(formsOf).filter(({ length }) => length >= SHORTEST))
  const scan = (where: string, text: string): void => {
    for (const form of forms) findings.expect('I11', !text.includes(form), () => `${where} shows a secret that begins with ${form.slice(0, 4)}`)
  }
  return {
    scan,
    hear: ({ request: { method, path }, answer }) => {
      if (answer === null || answer.body === null || answer.body === undefined) return
      const body = answer.body as Readonly<Record<string, unknown>>
      const { key, ...rest } = body
      const isNew = method === 'POST' && path.endsWith('/keys') && typeof key === 'string'
      scan(`the answer to ${method} ${path}`, JSON.stringify(isNew ? rest : body))
      if (isNew && key.length >= SHORTEST) forms.add(key)
    },
  }
}
