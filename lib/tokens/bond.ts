import { equalTexts, field } from '../crypto.js'
import { ContractViolation } from '../errors.js'
import type { User } from '../user.js'

/** The values of a user that end the user's tokens when one of them changes: the option `boundTo` of a kind. */
export type BoundTo<U extends User = User> = (user: U) => readonly unknown[]

/** The MAC (or digest) of a kind over the text of the bound values. It must cover all else that the bond belongs to. */
export type BondMac = (bound: string) => string

/** The option `boundTo`, checked. @throws {TypeError} unless it is a function. */
export function boundToOption<F>(boundTo: F): F {
  if (typeof boundTo !== 'function') throw new TypeError('boundTo must be a function of the user')
  return boundTo
}

/** The bond of a new token. @throws {ContractViolation} that names `boundTo`, if no token can be bound to what it returns. */
export function issueBond<U extends User>(user: U, boundTo: BoundTo<U>, mac: BondMac): string {
  const bound = boundText(boundTo(user))
  if (bound === null)
    throw new ContractViolation('boundTo returned a value that no token can be bound to, or no value at all')
  return mac(bound)
}

/** Whether a token's bond covers what its user's tokens are bound to now. False if no token can be bound to that. */
export function verifyBond<U extends User>(bond: unknown, user: U, boundTo: BoundTo<U>, mac: BondMac): boolean {
  const bound = boundText(boundTo(user))
  return bound !== null && typeof bond === 'string' && equalTexts(mac(bound), bond)
}

/** The bound values as one text, in which no two lists look alike. Null if there is no value, or one that no token can be bound to. */
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

/** `revokeAll` of a kind that is bound to values of the user. @throws {ContractViolation} if a raised epoch would end no token. */
export async function bumpBoundEpoch<U extends User>(
  user: U,
  boundTo: BoundTo<U>,
  bumpEpoch: () => Promise<void>,
): Promise<void> {
  if (!dependsOnEpoch(user, boundTo))
    throw new ContractViolation('boundTo must include tokenEpoch for revokeAll to work')
  await bumpEpoch()
}

/**
 * Whether a raised `tokenEpoch` may change what the user's tokens are bound to, found by trying. True as well where that cannot
 * be tried: then only the row that is read after the bump shows it.
 */
export function dependsOnEpoch<U extends User>(user: U, boundTo: BoundTo<U>): boolean {
  const epoch: unknown = user.tokenEpoch ?? 0 // some drivers return bigints
  const raised = typeof epoch === 'bigint' ? epoch + 1n : Number(epoch) + 1
  // The copy inherits instead of spreading, so that a `password` that is not enumerable is still there.
  const bumped = Object.create(user, { tokenEpoch: { value: raised } }) as U
  const before = boundTo(user)
  let after: readonly unknown[]
  try {
    after = boundTo(bumped)
  } catch {
    return true // an object that inherits from the user has none of its private fields (`#password`)
  }
  return before.length !== after.length || before.some((value, at) => !Object.is(value, after[at]))
}
