import { ContractViolation } from './errors.js'
import type { Verdict } from './verdict.js'

/** What the library needs to know of a user. Stores may return rows that carry more. */
export interface User {
  id: string | number | bigint
  username: string
  /** The stored hash, in any format that a hasher reads; null if no password logs in. */
  password: string | null
  /** Absent or null counts as active (a user model without the flag); otherwise only `true` and `1` do. */
  isActive?: boolean | 0 | 1 | null
  /** Raised by one to end all of a user's tokens. Absent or null counts as 0. */
  tokenEpoch?: number | null
  /** Which of the user's logins were ended one by one, in the store's text form. Absent or null: none. */
  endedLogins?: string | null
}

/**
 * Finds the active user for one request and remembers the result: `invalid` if there is no such user, `inactive` if the account
 * is disabled. It rejects if the store fails.
 */
export type FindUser<U extends User> = (
  by: { id: string } | { username: string },
) => Promise<Verdict<U, 'invalid' | 'inactive'>>

/** Whether a user may act. A database's `0`, `'0'`, `''` and `false` all mean no. */
export function isActive(user: User): boolean {
  const flag: unknown = user.isActive
  return flag === undefined || flag === null || flag === true || flag === 1
}

/** A control character: in no id, no user name, no name of an audience. */
export const CONTROL_CHARACTER = /\p{Cc}/u
// U+2800 is a braille pattern without dots: it looks like a blank.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u2800]/u

/** An id as text, or null for a value that is not one: undefined, a list, a number that was rounded. */
export function idText(id: unknown): string | null {
  if (typeof id === 'string') return id
  return typeof id === 'bigint' || Number.isSafeInteger(id) ? String(id) : null
}

/** Whether a text can be a user's id at all. Whether it is in the range of a column is checked by the store. */
export function isUserId(text: string): boolean {
  return text !== '' && text.length <= 255 && text.isWellFormed() && !CONTROL_CHARACTER.test(text)
}

/**
 * The id of a user as text: what tokens are issued for and what they are revoked by.
 *
 * @throws {ContractViolation} that names `user.id`, for anything that could not be looked up again.
 */
export function userIdText(user: { readonly id: unknown }): string {
  const id = idText(user?.id) // callers without types may pass no user at all
  if (id !== null && isUserId(id)) return id
  throw new ContractViolation(
    'user.id must be a safe integer, a bigint or well-formed text of 1 to 255 characters without control characters',
  )
}

/**
 * The one form in which a user name is looked up, compared and counted: NFKC, as Django stores them. Null for a text
 * that cannot be a user name: empty, over 254 characters, with lone surrogates or control characters.
 */
export function canonicalUsername(text: string): string | null {
  if (text === '' || text.length > 254 || !text.isWellFormed()) return null
  const name = text.normalize('NFKC')
  return name.length > 254 || CONTROL_CHARACTER.test(name) ? null : name
}

/**
 * The user name to store for a new account: its canonical form.
 *
 * @throws {TypeError} for a name that could not log in (no text, empty, over 254 characters, control characters), or whose
 *   display is misleading: zero-width and direction marks, blanks at either end.
 */
export function newUsername(text: string): string {
  const name = typeof text === 'string' ? canonicalUsername(text) : null // a caller without types may pass a missing field
  if (name === null || UNPRINTABLE.test(name) || name.trim() !== name) {
    throw new TypeError('username must be 1 to 254 printable characters, without blanks at either end')
  }
  return name
}
