// What a key may do, and the roles by which people are given it: names for bundles of rights, nothing more.

export const RIGHTS = ['read', 'record', 'backdate', 'propose', 'approve', 'administer'] as const

/**
 * `read` its ledger; `record` events and facts; `backdate`: record events of the past; `propose` plans; `approve` plans, settings and
 * payouts (such a key has a seal); `administer`: keys and settings.
 */
export type Right = (typeof RIGHTS)[number]

/** Roles as they are given to people. Which rights a key has is stored; the role is only what they are called together. */
export const ROLES = {
  viewer: ['read'],
  recorder: ['read', 'record'],
  operator: ['read', 'record', 'backdate', 'propose'],
  approver: ['read', 'approve'],
  admin: RIGHTS,
} as const satisfies Record<string, readonly Right[]>

export type RoleName = keyof typeof ROLES

export function isRight(text: string): text is Right {
  return (RIGHTS as readonly string[]).includes(text)
}

export function isRole(text: string): text is RoleName {
  return Object.hasOwn(ROLES, text)
}

/** The role whose rights are exactly these, or null. */
export function roleOf(rights: readonly string[]): RoleName | null {
  const names = Object.keys(ROLES) as RoleName[]
  return names.find((name) => ROLES[name].length === rights.length && ROLES[name].every((right) => rights.includes(right))) ?? null
}
