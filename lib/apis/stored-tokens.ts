import { timeoutOption, withDeadline } from '../deadline.js'
import type { Reporter } from '../event.js'
import { checkedTokenStore, type TokenStore } from '../stores/token-store.js'
import type { ListedToken, StoredTokenKind } from '../tokens/opaque.js'
import type { User } from '../user.js'

/** What an API with stored tokens offers beside its guards: the tokens can be listed, and ended one by one. */
export interface StoredTokens<U extends User> {
  /** Ends one token, for example at a logout; whether it was there. */
  revoke(token: string): Promise<boolean>
  /** Ends one of a user's tokens by the id that `listTokens` returns; whether it was there. */
  revokeOne(user: U, id: string): Promise<boolean>
  /** A user's valid tokens, newest first, 1000 at most, for a "your devices" page: never the token itself, only its facts. */
  listTokens(user: U): Promise<readonly ListedToken[]>
  /** Deletes expired tokens in batches and returns how many they were. For a job that runs now and then. */
  pruneTokens(): Promise<number>
}

/** The management of what a kind has stored; internal errors are reported. */
export function storedTokens<U extends User>(
  tokens: Pick<StoredTokenKind<U>, 'revoke' | 'revokeOne' | 'list' | 'prune'>,
  report: Reporter,
): StoredTokens<U> {
  return {
    revoke: (token) => report.errorsOf(tokens.revoke(token)),
    revokeOne: (user, id) => report.errorsOf(tokens.revokeOne(user, id)),
    listTokens: (user) => report.errorsOf(tokens.list(user)),
    pruneTokens: () => report.errorsOf(tokens.prune()),
  }
}

/** The store of an API's options, which responds within the time limit or rejects. @throws {TypeError} that names `store` or `timeout`. */
export function storeInTime(options: { readonly store: TokenStore; readonly timeout?: number }): TokenStore {
  const store = checkedTokenStore(options.store)
  const timeout = timeoutOption(options)
  return {
    add: (token) => withDeadline(timeout, () => store.add(token)),
    addMissing: (tokens) => withDeadline(timeout, () => store.addMissing(tokens)),
    find: (digest) => withDeadline(timeout, () => store.find(digest)),
    slide: (digest, to) => withDeadline(timeout, () => store.slide(digest, to)),
    remove: (digest) => withDeadline(timeout, () => store.remove(digest)),
    removeOne: (owner, id) => withDeadline(timeout, () => store.removeOne(owner, id)),
    removeAll: (owner) => withDeadline(timeout, () => store.removeAll(owner)),
    removeSurplus: (owner, keep, now) => withDeadline(timeout, () => store.removeSurplus(owner, keep, now)),
    removeExpired: (of, now, most) => withDeadline(timeout, () => store.removeExpired(of, now, most)),
    list: (owner, now, most) => withDeadline(timeout, () => store.list(owner, now, most)),
  }
}
