import type { User } from '../user.js'

/**
 * Where users come from. Any object with the first two methods is a user store; Knex is a convenience. A store returns null (or
 * undefined) for an unknown user and rejects if it fails. Ids and names arrive as canonical text and are compared again with the
 * row that is returned, so that a database which takes '1abc' for 1 or 'ADMIN' for 'admin' does not let anyone in.
 *
 * A row must have a `password`, null included, and the names of `User`. Its hash is hidden from JSON before the application gets the
 * row: a plain object is copied for that, an object of a class gets a `toJSON` that is not enumerable.
 */
export interface UserStore<U extends User = User> {
  findById(id: string, options?: { readonly signal?: AbortSignal }): Promise<U | null>
  findByUsername(username: string, options?: { readonly signal?: AbortSignal }): Promise<U | null>
  /** Raises the user's `tokenEpoch` by one, in one statement; rejects for an unknown user. Needed for `revokeAll`. */
  bumpEpoch?(id: string): Promise<void>
  /**
   * Appends an entry to the user's `endedLogins`, with one space between entries; if the text would be longer than `most`
   * characters, raises `tokenEpoch` by one and empties the text instead. One atomic statement; rejects for an unknown user.
   * A store that has it returns `endedLogins` (null or text) with every row.
   */
  appendEndedLogin?(id: string, entry: string, most: number): Promise<void>
  /** Replaces the user's `endedLogins` by `to` if it still is `from`; otherwise does nothing. */
  dropEndedLogins?(id: string, from: string, to: string | null): Promise<void>
}
