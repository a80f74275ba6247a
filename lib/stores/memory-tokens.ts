import {
  complete,
  LISTED,
  type NewStoredToken,
  type StoredToken,
  type TokenOwner,
  type TokenStore,
} from './token-store.js'

/** Stored tokens in memory, for tests and for a single process that may forget them when it stops. */
export function memoryTokens(): TokenStore {
  const tokens = new Map<string, StoredToken>()
  let lastId = 0
  const newestFirst = (owner: TokenOwner, now: number): StoredToken[] =>
    [...tokens.values()].filter((token) => isOf(token, owner) && token.expiresAt > now).toReversed()

  const add = (token: NewStoredToken): string => {
    const id = String((lastId += 1))
    tokens.set(token.digest, { ...complete(token), id })
    return id
  }

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

    remove: async (digest) => tokens.delete(digest),
    async removeOne(owner, id) {
      const token = [...tokens.values()].find((one) => one.id === id && isOf(one, owner))
      return token !== undefined && tokens.delete(token.digest)
    },
    async removeAll(owner) {
      for (const token of tokens.values()) if (isOf(token, owner)) tokens.delete(token.digest)
    },
    async removeSurplus(owner, keep, now) {
      for (const token of newestFirst(owner, now).slice(keep)) tokens.delete(token.digest)
    },
    async removeExpired(of, now, most) {
      const expired = [...tokens.values()].filter((token) => isOf(token, of) && token.expiresAt <= now).slice(0, most)
      for (const token of expired) tokens.delete(token.digest)
      return expired.length
    },
    list: async (owner, now, most = LISTED) => newestFirst(owner, now).slice(0, most),
  }
}

function isOf(token: StoredToken, of: { readonly purpose: string; readonly userId?: string }): boolean {
  return token.purpose === of.purpose && (of.userId === undefined || token.userId === of.userId)
}
