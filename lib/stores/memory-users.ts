import type { User } from '../user.js'
import { ownCopy } from './own-copy.js'
import type { UserStore } from './user-store.js'

/**
 * Users in memory, for tests and for a fixed handful of them. Each look-up answers a copy of its own, whose `password` is
 * not enumerable, so that `ctx.body = ctx.state.user` leaks no hash; the rows given are never changed.
 */
export function memoryUsers<U extends User>(
  rows: Iterable<U>,
): UserStore<U> & Required<Pick<UserStore<U>, 'bumpEpoch'>> {
  const byId = new Map<string, U>()
  const idOf = new Map<string, string>()
  for (const row of rows) {
    if (byId.has(String(row.id)) || idOf.has(row.username))
      throw new TypeError('rows must have distinct ids and user names')
    byId.set(String(row.id), { ...ownCopy(row), password: row.password })
    idOf.set(row.username, String(row.id))
  }
  const copy = (id: string): U | null => {
    const row = byId.get(id)
    return row === undefined ? null : ownCopy(row)
  }

  return {
    findById: async (id) => copy(id),
    findByUsername: async (username) => copy(idOf.get(username) ?? ''),
    async bumpEpoch(id) {
      const row = byId.get(id)
      if (row === undefined) throw new Error('there is no such user')
      row.tokenEpoch = (row.tokenEpoch ?? 0) + 1
    },
  }
}
