import { field } from '../crypto.js'
import { ContractViolation } from '../errors.js'
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

/** `revokeAll` of a kind that is bound to values of the user. @throws {ContractViolation} where a raised epoch would end nothing. */
export async function bumpBoundEpoch<U extends User>(
  user: U,
  boundTo: (user: U) => readonly unknown[],
  bumpEpoch: () => Promise<void>,
): Promise<void> {
  if (!dependsOnEpoch(user, boundTo))
    throw new ContractViolation('boundTo must include tokenEpoch for revokeAll to work')
  await bumpEpoch()
}

/** Whether a raised `tokenEpoch` changes what the user's tokens are bound to, found by trying. */
export function dependsOnEpoch<U extends User>(user: U, boundTo: (user: U) => readonly unknown[]): boolean {
  // The copy inherits instead of spreading, so that a `password` that is not enumerable is still there.
  const bumped = Object.create(user, { tokenEpoch: { value: (user.tokenEpoch ?? 0) + 1 } }) as U
  const [before, after] = [boundTo(user), boundTo(bumped)]
  return before.length !== after.length || before.some((value, at) => !Object.is(value, after[at]))
}
