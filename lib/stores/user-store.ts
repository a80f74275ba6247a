import type { User } from '../user.js'

/**
 * Where users come from. Any object with the first two methods is one; Knex is a convenience. A store answers null (or
 * undefined) for nobody and rejects when it fails. Ids and names arrive as canonical text and are compared again with the
 * row that comes back, so that a database which takes '1abc' for 1 or 'ADMIN' for 'admin' opens nothing.
 */
export interface UserStore<U extends User = User> {
  findById(id: string, options?: { readonly signal?: AbortSignal }): Promise<U | null>
  findByUsername(username: string, options?: { readonly signal?: AbortSignal }): Promise<U | null>
  /** Raises the user's `tokenEpoch` by one, in one statement; rejects where there is no such user. Needed for `revokeAll`. */
  bumpEpoch?(id: string): Promise<void>
}
