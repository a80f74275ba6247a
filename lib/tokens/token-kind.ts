import type { Limits } from '../limits.js'
import type { FindUser, User } from '../user.js'
import type { TokenReason, Verdict } from '../verdict.js'

/** What is known of a token. Times are seconds since 1970. */
export interface TokenFacts {
  issuedAt?: number
  /** The first second at which the token has expired. */
  expiresAt: number
  /** When the password was typed; absent if that is not known. */
  loggedInAt?: number
  /** Names a stored token, or the login that a token belongs to. */
  id?: string
  /** What the token may be used for, in the order in which it was narrowed: all of these hold together. Absent or empty: everything. */
  limits?: readonly Limits[]
  claims?: object
}

/** A new token and its facts. */
export type Issued<T extends TokenFacts = TokenFacts> = { token: string } & T

/** What a new token says. A kind that has no place for `loggedInAt` or `id` ignores them. */
export interface IssueOptions {
  /** What the token may be used for; everything by default. */
  readonly limits?: readonly Limits[]
  /** Seconds since 1970 at which the password was typed; 0 if that is not known. By default now. */
  readonly loggedInAt?: number
  /** Which login the token belongs to: 10 of [0-9a-z]. */
  readonly id?: string
}

/** What a request offers: a token, and the user it is said to belong to, if its credentials name one. */
export interface Offered {
  user?: string
  token: string
}

/** Who was verified, and by which token. */
export interface Verified<U extends User, T extends TokenFacts = TokenFacts> {
  user: U
  token: T
}

/**
 * The port that every kind of token fills. A bad token is a `Verdict`; an exception is an internal error (a store that is
 * down, a user that no token can be bound to).
 *
 * Until a token is proven genuine, a refusal from `find` is passed on as `invalid`. Afterwards it is passed on unchanged, and
 * this and every other refusal for what the user's row says is marked `genuine: true`. A kind that cannot prove a token
 * without the row never sets it.
 */
export interface TokenKind<in U extends User = User, out T extends TokenFacts = TokenFacts> {
  /** @throws {TypeError} for limits that have no text form, or that the kind has no place for (see `carries`). */
  issue(user: U, options?: IssueOptions): Promise<Issued<T>>
  /** Which limits a token has a place for, by their letters: of "esmp" (end, scopes, methods, path). None by default. */
  readonly carries?: string
  /** Seconds after which each of its tokens has expired, however it is used; absent if there is no such time or it depends on the user. */
  readonly lifetime?: number
  /** Whether its tokens keep the `loggedInAt` that they were issued with. Those of other kinds cannot be renewed. */
  readonly keepsLoginTime?: true
  /** Whether its tokens mean nothing without the user that they are offered with. */
  readonly needsUser?: true
  verify<V extends U>(offered: Offered, find: FindUser<V>): Promise<Verdict<Verified<V, T>, TokenReason>>
  /** Takes back a token that was just issued and not given to a client; for kinds whose tokens are stored. */
  withdraw?(issued: { readonly token: string }): Promise<void>
  /**
   * Ends all of a user's tokens of this kind, or rejects; a kind that cannot honour it leaves it out. `bumpEpoch`, for kinds that
   * are bound to it, raises the user's `tokenEpoch` in the store and returns the user as read again.
   */
  revokeAll?(user: U, bumpEpoch: () => Promise<U>): Promise<void>
  /**
   * Ends all tokens of an id without the user's row, which may be deleted, and returns whether there were any; for kinds whose
   * tokens are stored. Tokens that outlive their user would open the next user with that id.
   */
  revokeAllById?(id: string): Promise<boolean>
}
