/** A token as it is stored: only a digest of it, and times in seconds since 1970. */
export interface StoredToken {
  /** Given by the store, ascending; names the token on a "your devices" page. */
  readonly id: string
  readonly digest: string
  /** Which kind of token for which kind of user it is. */
  readonly purpose: string
  readonly userId: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly expiresAt: number
}

/** Whose tokens are meant: a user's, of one purpose. */
export type TokenOwner = Pick<StoredToken, 'purpose' | 'userId'>

/** A move of a token's end. */
export interface Slide {
  readonly expiresAt: number
  readonly lastUsedAt: number
  readonly unusedSince: number
  /** The absolute maximum, where the kind was given one; `expiresAt` is not beyond it. */
  readonly latest?: number
}

/** Where stored tokens are kept. Every method is one or two short statements; a store that fails rejects. */
export interface TokenStore {
  /** Keeps a new token and answers its id. */
  add(token: Omit<StoredToken, 'id'>): Promise<string>
  /** Keeps those of some tokens whose digests are not there yet; answers how many. */
  addMissing(tokens: readonly Omit<StoredToken, 'id'>[]): Promise<number>
  find(digest: string): Promise<StoredToken | null>
  /**
   * Moves the end of a token's life, and never back: nothing is written where the token is gone, was used after
   * `unusedSince`, or already lives longer. The one exception is an end beyond `latest`, which is moved as well.
   */
  slide(digest: string, to: Slide): Promise<void>
  /** Whether there was such a token. */
  remove(digest: string): Promise<boolean>
  /** Removes one of a user's tokens by its id; whether there was one. */
  removeOne(owner: TokenOwner, id: string): Promise<boolean>
  removeAll(owner: TokenOwner): Promise<void>
  /** Removes all of a user's tokens that live at `now` but the newest `keep`. */
  removeSurplus(owner: TokenOwner, keep: number, now: number): Promise<void>
  /** Removes up to `most` tokens that have expired at `now`, of one user or of a purpose; answers how many. */
  removeExpired(of: { readonly purpose: string; readonly userId?: string }, now: number, most: number): Promise<number>
  /** A user's tokens that live at `now`, newest first. */
  list(owner: TokenOwner, now: number): Promise<readonly StoredToken[]>
}

const METHODS = [
  'add',
  'addMissing',
  'find',
  'slide',
  'remove',
  'removeOne',
  'removeAll',
  'removeSurplus',
  'removeExpired',
  'list',
] as const satisfies readonly (keyof TokenStore)[]

/** The store of an option. @throws {TypeError} that names `store` and the method that it lacks. */
export function checkedTokenStore(store: TokenStore): TokenStore {
  for (const method of METHODS) {
    if (typeof store?.[method] !== 'function') {
      throw new TypeError(`store must be a token store, knexTokens(db) or memoryTokens(): it lacks ${method}`)
    }
  }
  return store
}
