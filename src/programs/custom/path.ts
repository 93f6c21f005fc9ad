// Paths into a source's own JSON: names with dots between them, or a JSON pointer (RFC 6901) where a name has a dot itself.

import { z } from 'zod'
import type { Json } from '../../core/effects.ts'

const FORM = /^(\/(?:[^~/]|~[01])+)+$|^[^./\s][^./]*(\.[^./]+)*$/

/** Names deeper than this nobody writes. */
const MAX_LENGTH = 200

export const pathSchema = z
  .string()
  .max(MAX_LENGTH)
  .regex(FORM, 'must be a path into the event, such as "order.total", or a JSON pointer such as "/order/total"')
  .meta({ description: 'A path into the event: "order.total", or a JSON pointer such as "/order/total"' })

/** The names on the way, outermost first. */
export function namesOf(path: string): readonly string[] {
  if (!path.startsWith('/')) return path.split('.')
  return path.slice(1).split('/').map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'))
}

/** What stands at a path; undefined for nothing, and for null, which most sources write for nothing. */
export function valueAt(body: Json, path: string): Json | undefined {
  let found: Json | undefined = body
  for (const name of namesOf(path)) {
    // Own names only: a list has `length` and an object `constructor` without anybody having sent it.
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, name)) return undefined
    if (Array.isArray(found) && !/^(0|[1-9][0-9]*)$/.test(name)) return undefined
    found = (found as Readonly<Record<string, Json>>)[name]
  }
  return found ?? undefined
}
