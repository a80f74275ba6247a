import type { FindUser, Hasher, User } from '../../lib/index.js'

export type Counting = Hasher & { readonly hashes: () => number }

/** A hasher that counts how often it does the work of a hash. */
export function counting(hasher: Hasher): Counting {
  let hashes = 0
  return {
    ...hasher,
    async hash(password) {
      hashes += 1
      return hasher.hash(password)
    },
    read(encoded) {
      const stored = hasher.read(encoded)
      if (stored === null) return null
      return {
        ...stored,
        async verify(password) {
          hashes += 1
          return stored.verify(password)
        },
      }
    },
    hashes: () => hashes,
  }
}

/** A `find` that keeps what it was asked. */
export function watched<U extends User>(find: FindUser<U>): { find: FindUser<U>; asked: readonly object[] } {
  const asked: object[] = []
  return {
    asked,
    find: (by) => {
      asked.push(by)
      return find(by)
    },
  }
}
