import { InternalError } from '../errors.js'
import { type Limits, parseLimitsColumn } from '../limits.js'
import type { StoredToken } from '../stores/token-store.js'

/** The end of a token that has none: the latest second that a number can hold. */
export const NO_END: number = Number.MAX_SAFE_INTEGER

/** A stored token whose row was checked: its times are whole seconds, and its limits are known. */
export interface CheckedRow extends Omit<StoredToken, 'limits'> {
  readonly limits: readonly Limits[]
}

/**
 * Checks what a store returned. A property that a store leaves out must never count as "no end" or "no limits".
 *
 * @throws {InternalError} with the code ERR_SCHEMA that names the property: a time that is not a safe integer, or `loggedInAt`,
 *   `lastUsedAt`, `bound`, `name` or `limits` that is neither null nor what `add` was given.
 */
export function checkedRow(stored: StoredToken): CheckedRow {
  const { createdAt, expiresAt, lastUsedAt, loggedInAt, bound, name } = stored
  for (const [property, time] of Object.entries({ createdAt, expiresAt })) {
    if (!Number.isSafeInteger(time)) throw unreadable(property, 'whole seconds')
  }
  for (const [property, time] of Object.entries({ lastUsedAt, loggedInAt })) {
    if (time !== null && !Number.isSafeInteger(time)) throw unreadable(property, 'whole seconds or null')
  }
  for (const [property, text] of Object.entries({ bound, name })) {
    if (text !== null && typeof text !== 'string') throw unreadable(property, 'text or null')
  }
  return { ...stored, limits: parseLimitsColumn(stored.limits) }
}

function unreadable(name: string, expected: string): InternalError {
  return new InternalError(`the token store returned a token whose ${name} is not ${expected}`, 'ERR_SCHEMA')
}
