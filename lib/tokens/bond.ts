import { field } from '../crypto.js'
import type { User } from '../user.js'

/** The values a token is bound to, as one text; null where a value cannot end a token by changing, or there is none. */
export function boundText(values: unknown): string | null {
  if (!Array.isArray(values) || values.length === 0) return null
  let text = ''
  for (const value of values as readonly unknown[]) {
    if (!isBindable(value)) return null
    text += field(String(value))
  }
  return text
}

function isBindable(value: unknown): value is string | number | bigint | boolean {
  if (typeof value === 'string') return value !== '' && value.isWellFormed()
  return Number.isSafeInteger(value) || typeof value === 'bigint' || typeof value === 'boolean'
}

/** Whether a raised `tokenEpoch` changes what the user's tokens are bound to, found by trying. */
export function dependsOnEpoch<U extends User>(user: U, boundTo: (user: U) => readonly unknown[]): boolean {
  // The copy inherits instead of spreading, so that a `password` that is not enumerable is still there.
  const bumped = Object.create(user, { tokenEpoch: { value: (user.tokenEpoch ?? 0) + 1 } }) as U
  const [before, after] = [boundTo(user), boundTo(bumped)]
  return before.length !== after.length || before.some((value, at) => !Object.is(value, after[at]))
}
