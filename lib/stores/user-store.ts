import { withDeadline } from '../deadline.js'
import type { User } from '../user.js'

/**
 * Where users come from. Any object with the first two methods is a user store; Knex is a convenience. A store returns null (or
 * undefined) for an unknown user and rejects if it fails. Ids and names arrive as canonical text and are compared again with the
 * row that is returned, so that a database which takes '1abc' for 1 or 'ADMIN' for 'admin' does not let anyone in.
 *
 * A row must have a `password`, null included, and the names of `User`. Its hash is hidden from JSON before the application gets the
 * row: a plain object is copied for that, an object of a class gets a `toJSON` that is not enumerable.
 */
export interface UserStore<U extends User = User> extends UsersById<U> {
  findByUsername(username: string, options?: { readonly signal?: AbortSignal }): Promise<U | null>
}

/** Users that are found by id only: all that guards need. Logins, and tokens that name a user by `username`, need a `UserStore`. */
export interface UsersById<U extends User = User> {
  findById(id: string, options?: { readonly signal?: AbortSignal }): Promise<U | null>
  findByUsername?(username: string, options?: { readonly signal?: AbortSignal }): Promise<U | null>
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
  /** Rejects with what is wrong with the table behind the store; for start-up. */
  check?(): Promise<void>
}

/** Every method of a user store, so that one which is added and not given its time limit does not compile. */
export type TimedUserStore<U extends User> = {
  readonly [M in keyof Required<UsersById<U>>]:
    Required<UsersById<U>>[M] | (undefined extends UsersById<U>[M] ? undefined : never)
}

/** A user store whose methods respond within `timeout` seconds or reject with `DeadlineExceeded`; it lacks what the store lacks. */
export function usersInTime<U extends User>(users: UsersById<U>, timeout: number): TimedUserStore<U> {
  return {
    findById: (id) => withDeadline(timeout, (call) => users.findById(id, call)),
    findByUsername:
      users.findByUsername &&
      ((name) => withDeadline(timeout, async (call) => (await users.findByUsername?.(name, call)) ?? null)),
    bumpEpoch: users.bumpEpoch && ((...call) => withDeadline(timeout, async () => users.bumpEpoch?.(...call))),
    appendEndedLogin:
      users.appendEndedLogin && ((...call) => withDeadline(timeout, async () => users.appendEndedLogin?.(...call))),
    dropEndedLogins:
      users.dropEndedLogins && ((...call) => withDeadline(timeout, async () => users.dropEndedLogins?.(...call))),
    check: users.check && (() => withDeadline(timeout, async () => users.check?.())),
  }
}
