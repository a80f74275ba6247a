/** A token as it is stored: only a digest of it, and times in whole seconds since 1970. */
export interface StoredToken {
  /** Assigned by the store, ascending; names the token on a "your devices" page. */
  readonly id: string
  readonly digest: string
  /** Which kind of token for which kind of user it is. */
  readonly purpose: string
  readonly userId: string
  readonly createdAt: number
  readonly lastUsedAt: number | null
  readonly expiresAt: number
  /** When the password was typed; null if none was, for an API key for example. */
  readonly loggedInAt: number | null
  /** A digest of the values of the user that the token ends with, at most 64 characters; null if it is bound to nothing. */
  readonly bound: string | null
  /** The text form of the token's limits, at most 1024 characters; null for a token without limits. */
  readonly limits: string | null
  /** What the holder calls the token, at most 200 characters; null if it has none. */
  readonly name: string | null
}

/** The properties of a token that not every kind has. */
type Optional = 'loggedInAt' | 'bound' | 'limits' | 'name'

/** A token to store. An optional property that is left out is stored as null. */
export type NewStoredToken = Omit<StoredToken, 'id' | Optional> & Partial<Pick<StoredToken, Optional>>

/** Whose tokens are meant: a user's, of one purpose. */
export type TokenOwner = Pick<StoredToken, 'purpose' | 'userId'>

/** A move of a token's end. */
export interface Slide {
  readonly expiresAt: number
  readonly lastUsedAt: number
  readonly unusedSince: number
  /** The absolute maximum, if the kind has one; `expiresAt` is not beyond it. */
  readonly latest?: number
}

/** Where stored tokens are kept. Every method is one or two short statements; a store that fails rejects. */
export interface TokenStore {
  /** Stores a new token and returns its id. */
  add(token: NewStoredToken): Promise<string>
  /** Stores those tokens whose digests are not there yet and returns how many they were. */
  addMissing(tokens: readonly NewStoredToken[]): Promise<number>
  find(digest: string): Promise<StoredToken | null>
  /**
   * Moves the end of a token's life, and never back: nothing is written if the token is gone, was used after
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
  /** Removes up to `most` tokens that have expired at `now`, of one user or of a purpose; returns how many. */
  removeExpired(of: { readonly purpose: string; readonly userId?: string }, now: number, most: number): Promise<number>
  /** A user's tokens that have not expired at `now`, newest first, at most `most` of them; 1000 by default. */
  list(owner: TokenOwner, now: number, most?: number): Promise<readonly StoredToken[]>
}

/** How many tokens `list` returns at most by default. */
export const LISTED = 1000

/** A token with each property that a store keeps; those that were left out are null. */
export function complete(token: NewStoredToken): Omit<StoredToken, 'id'> {
  const { loggedInAt = null, bound = null, limits = null, name = null } = token
  return { ...token, loggedInAt, bound, limits, name }
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
