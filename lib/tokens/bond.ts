import { equalTexts, field } from '../crypto.js'
import { ContractViolation, InternalError } from '../errors.js'
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

/**
 * `revokeAll` of a kind whose tokens are bound to values of the user.
 *
 * @param bumpEpoch Raises the user's `tokenEpoch` and returns the user as read again.
 * @throws {ContractViolation} before anything is written, if it can be seen that `boundTo` does not include the epoch;
 *   {@link InternalError} with `ERR_REVOKE_NO_EFFECT` unless what the tokens are bound to has changed afterwards: rows do not show
 *   the epoch, a cache or a replica returned the old row, or the column has no room for a larger number.
 */
export async function bumpBoundEpoch<U extends User>(
  user: U,
  boundTo: BoundTo<U>,
  bumpEpoch: () => Promise<U>,
): Promise<void> {
  if (isPlain(user) && !dependsOnEpoch(user, boundTo))
    throw new ContractViolation('boundTo must include tokenEpoch for revokeAll to work')
  // Before the epoch is raised, since a store may return one object for a user every time.
  const before = boundText(boundTo(user))
  const after = boundText(boundTo(await bumpEpoch()))
  if (after !== null && after === before)
    throw new InternalError(
      'revokeAll: the values of boundTo have not changed: they must include tokenEpoch, and rows read from the primary must show it',
      'ERR_REVOKE_NO_EFFECT',
    )
}

/** Whether a user is plain data, so that a changed copy can be made: an instance of a class may have private fields. */
function isPlain(user: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(user)
  return prototype === Object.prototype || prototype === null
}

/** Whether a raised `tokenEpoch` changes what the user's tokens are bound to, found by trying. */
function dependsOnEpoch<U extends User>(user: U, boundTo: BoundTo<U>): boolean {
  // The copy inherits instead of spreading, so that a `password` that is not enumerable is still there.
  const bumped = Object.create(user, { tokenEpoch: { value: BigInt(user.tokenEpoch ?? 0) + 1n } }) as U
  const [before, after] = [boundTo(user), boundTo(bumped)]
  return before.length !== after.length || before.some((value, at) => !Object.is(value, after[at]))
}
