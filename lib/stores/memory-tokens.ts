import {
  complete,
  LISTED,
  type NewStoredToken,
  type StoredToken,
  type TokenOwner,
  type TokenStore,
} from './token-store.js'

/**
 * Stored tokens in memory, for tests and for a single process that may forget them when it stops. What one user does takes as
 * long as that user has tokens, however many others have.
 */
export function memoryTokens(): TokenStore {
  const tokens = new Map<string, StoredToken>()
  /** The digests of each owner, oldest first. */
  const owned = new Map<string, Set<string>>()
  let lastId = 0

  const add = (token: NewStoredToken): string => {
    const id = String((lastId += 1))
    tokens.set(token.digest, { ...complete(token), id })
    const key = keyOf(token)
    const digests = owned.get(key)
    if (digests === undefined) owned.set(key, new Set([token.digest]))
    else digests.add(token.digest)
    return id
  }
  const remove = (token: StoredToken): void => {
    tokens.delete(token.digest)
    const key = keyOf(token)
    const digests = owned.get(key)
    digests?.delete(token.digest)
    if (digests?.size === 0) owned.delete(key)
  }
  const ownedBy = (owner: TokenOwner): StoredToken[] =>
    [...(owned.get(keyOf(owner)) ?? [])].flatMap((digest) => tokens.get(digest) ?? [])
  const newestFirst = (owner: TokenOwner, now: number): StoredToken[] =>
    ownedBy(owner)
      .filter((token) => now < token.expiresAt)
      .toReversed()

  return {
    async add(token) {
      if (tokens.has(token.digest)) throw new Error('there is a token with this digest')
      return add(token)
    },
    async addMissing(candidates) {
      let added = 0
      for (const token of candidates) {
        if (tokens.has(token.digest)) continue
        add(token)
        added += 1
      }
      return added
    },
    find: async (digest) => tokens.get(digest) ?? null,

    async slide(digest, { expiresAt, lastUsedAt, unusedSince, latest = Infinity }) {
      const token = tokens.get(digest)
      if (token === undefined || (token.lastUsedAt ?? 0) > unusedSince) return
      if (token.expiresAt > expiresAt && token.expiresAt <= latest) return
      tokens.set(digest, { ...token, expiresAt, lastUsedAt })
    },

    async remove(digest) {
      const token = tokens.get(digest)
      if (token !== undefined) remove(token)
      return token !== undefined
    },
    async removeOne(owner, id) {
      const token = ownedBy(owner).find((one) => one.id === id)
      if (token !== undefined) remove(token)
      return token !== undefined
    },
    async removeAll(owner) {
      for (const token of ownedBy(owner)) remove(token)
    },
    async removeSurplus(owner, keep, now) {
      for (const token of newestFirst(owner, now).slice(keep)) remove(token)
    },
    async removeExpired({ purpose, userId }, now, most) {
      let removed = 0
      for (const token of userId === undefined ? tokens.values() : ownedBy({ purpose, userId })) {
        if (removed === most) break
        if (token.purpose !== purpose || now < token.expiresAt) continue
        remove(token)
        removed += 1
      }
      return removed
    },
    list: async (owner, now, most = LISTED) => newestFirst(owner, now).slice(0, most),
  }
}

function keyOf({ purpose, userId }: TokenOwner): string {
  return JSON.stringify([purpose, userId])
}
