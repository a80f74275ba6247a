import type { FindUser, User } from '../user.js'
import type { TokenReason, Verdict } from '../verdict.js'

/** What is known of a token: seconds since 1970, an id where it is stored or named, claims where it carries them. */
export interface TokenFacts {
  issuedAt?: number
  /** The first second at which the token is over. */
  expiresAt: number
  id?: string
  claims?: object
}

/** A new token and its facts. */
export type Issued<T extends TokenFacts = TokenFacts> = { token: string } & T

/** What a request offered: a token, and the user it is said to belong to, where the carrier names one. */
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
 * The port that every kind of token fills. A bad token is a `Verdict`; an exception is a fault of ours (a store that is
 * down, a user that no token can be bound to). Until a token is proven genuine, a refusal from `find` is passed on as
 * `invalid`; afterwards unchanged.
 */
export interface TokenKind<in U extends User = User, out T extends TokenFacts = TokenFacts> {
  issue(user: U): Promise<Issued<T>>
  verify<V extends U>(offered: Offered, find: FindUser<V>): Promise<Verdict<Verified<V, T>, TokenReason>>
  /** Takes back a token that was just issued and given to nobody; for kinds whose tokens are stored. */
  withdraw?(issued: { readonly token: string }): Promise<void>
  /**
   * Ends all of a user's tokens of this kind, or rejects; a kind that cannot honour it leaves it out. `bumpEpoch` raises
   * the user's `tokenEpoch` in the store, for kinds that are bound to it.
   */
  revokeAll?(user: U, bumpEpoch: () => Promise<void>): Promise<void>
}
