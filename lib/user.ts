import type { Verdict } from './verdict.js'

/** What the library needs to know of a user. Stores may return rows that carry more. */
export interface User {
  id: string | number | bigint
  username: string
  /** The stored hash, in Django's format; null where no password logs in. */
  password: string | null
  /** Absent or null counts as active (a user model without the flag); otherwise only `true` and `1` do. */
  isActive?: boolean | 0 | 1 | null
  /** Raised by one to end all of a user's tokens. Absent or null counts as 0. */
  tokenEpoch?: number | null
}

/**
 * Finds the active user for one request and remembers its answer: nobody is `invalid`, a disabled account is `inactive`,
 * a store that fails is a rejection.
 */
export type FindUser<U extends User> = (
  by: { id: string } | { username: string },
) => Promise<Verdict<U, 'invalid' | 'inactive'>>

/** Whether a user may act. A database's `0`, `'0'`, `''` and `false` all say no. */
export function isActive(user: User): boolean {
  const flag: unknown = user.isActive
  return flag === undefined || flag === null || flag === true || flag === 1
}

const CONTROL = /\p{Cc}/u
// U+2800 is a braille pattern without dots: a blank by another name.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Default_Ignorable_Code_Point}\u2800]/u

/** A user's id as text, or null for what is no id: undefined, a list, a number that was rounded. */
export function idText(id: unknown): string | null {
  if (typeof id === 'string') return id
  return typeof id === 'bigint' || Number.isSafeInteger(id) ? String(id) : null
}

/** Whether a text can be a user's id at all; whether it is in a column's range is for the store to say. */
export function isUserId(text: string): boolean {
  return text !== '' && text.length <= 255 && text.isWellFormed() && !CONTROL.test(text)
}

/**
 * The one form in which a user name is looked up, compared and counted: NFKC, as Django stores them. Null for a text that
 * can name nobody: empty, over 254 characters, with lone surrogates or control characters.
 */
export function canonicalUsername(text: string): string | null {
  if (text === '' || text.length > 254 || !text.isWellFormed()) return null
  const name = text.normalize('NFKC')
  return name.length > 254 || CONTROL.test(name) ? null : name
}

/**
 * The user name to store for a new account: its canonical form.
 *
 * @throws {TypeError} for a name that could not log in, or that does not show what it is: line breaks, zero-width and
 *   direction marks, blanks at either end.
 */
export function newUsername(text: string): string {
  const name = canonicalUsername(text)
  if (name === null || UNPRINTABLE.test(name) || name.trim() !== name) {
    throw new TypeError('username must be 1 to 254 printable characters, without blanks at either end')
  }
  return name
}
