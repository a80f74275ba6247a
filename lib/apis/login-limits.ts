import { type Limits, limitTexts, scopeList } from '../limits.js'

/** What a login asks for: the limits of its token, or what is wrong with one of its two fields. */
export type LoginLimits =
  { readonly ok: true; readonly limits: readonly Limits[] } | { readonly ok: false; readonly errors: string }

/** What is known of the kind that issues. */
export interface IssuingKind {
  readonly carries?: string
  readonly lifetime?: number
}

const SECONDS = /^[1-9][0-9]{0,14}$/

/**
 * Reads `scope` and `expires_in` of a login (RFC 6749 §3.3, §4.2.2), which narrow the token that it gets. More seconds than a token
 * lives anyway add no limit. Repeated, malformed, or of a kind that has no place for them: an error, before anything is hashed.
 */
export function readLoginLimits(scope: unknown, expiresIn: unknown, kind: IssuingKind, now: number): LoginLimits {
  const limits: Limits[] = []
  const { carries = '', lifetime = Infinity } = kind
  if (expiresIn !== undefined) {
    const text = typeof expiresIn === 'number' ? String(expiresIn) : expiresIn
    if (typeof text !== 'string' || !SECONDS.test(text) || !carries.includes('e'))
      return { ok: false, errors: "'expires_in' must be a whole number of seconds, 1 or more." }
    if (Number(text) < lifetime) limits.push({ expiresAt: now + Number(text) })
  }
  if (scope !== undefined) {
    const scopes = typeof scope === 'string' ? scopeList(scope) : null
    if (scopes === null || !canCarry([{ scopes }], carries))
      return { ok: false, errors: "'scope' must be scope tokens with one space between." }
    limits.push({ scopes })
  }
  return { ok: true, limits }
}

function canCarry(limits: readonly Limits[], carries: string): boolean {
  try {
    limitTexts(limits, carries)
    return true
  } catch {
    return false // it throws for limits that have no text form or no place, and for nothing else
  }
}
