import { InternalError } from '../errors.js'
import type { User } from '../user.js'
import { ownCopy } from './own-copy.js'
import { propertyOf } from './user-row.js'
import type { UserStore } from './user-store.js'

type Writes = 'bumpEpoch' | 'appendEndedLogin' | 'dropEndedLogins'

/**
 * Users in memory, for tests and for a fixed handful of them. Each lookup returns a copy of its own, whose `password` is not
 * enumerable, so that `ctx.body = ctx.state.user` does not send the hash, and whose `endedLogins` is null if the row given
 * has none. The rows given are never changed.
 *
 * @throws {TypeError} for rows that share an id or a user name.
 */
export function memoryUsers<U extends User>(rows: Iterable<U>): UserStore<U> & Required<Pick<UserStore<U>, Writes>> {
  const byId = new Map<string, U>()
  const idOf = new Map<string, string>()
  for (const row of rows) {
    if (byId.has(String(row.id)) || idOf.has(row.username))
      throw new TypeError('rows must have distinct ids and user names')
    byId.set(String(row.id), { ...ownCopy(row), ...known(row), endedLogins: row.endedLogins ?? null })
    idOf.set(row.username, String(row.id))
  }
  const copy = (id: string): U | null => {
    const row = byId.get(id)
    return row === undefined ? null : ownCopy(row)
  }
  const existing = (id: string): U => {
    const row = byId.get(id)
    if (row === undefined) throw new InternalError('there is no such user', 'ERR_USER_NOT_FOUND')
    return row
  }
  const raiseEpoch = (row: U): void => {
    row.tokenEpoch = (row.tokenEpoch ?? 0) + 1
  }

  return {
    findById: async (id) => copy(id),
    findByUsername: async (username) => copy(idOf.get(username) ?? ''),
    bumpEpoch: async (id) => raiseEpoch(existing(id)),

    async appendEndedLogin(id, entry, most) {
      const row = existing(id)
      const text = [row.endedLogins ?? '', entry].filter((part) => part !== '').join(' ')
      const isFull = text.length > most
      if (isFull) raiseEpoch(row)
      row.endedLogins = isFull ? null : text
    },

    async dropEndedLogins(id, from, to) {
      const row = byId.get(id)
      if (row !== undefined && row.endedLogins === from) row.endedLogins = to
    },
  }
}

/** What the library reads of a user, also if an instance of a class has it as a getter: a spread would lose it. */
function known(row: User): Partial<User> {
  const names = ['id', 'username', 'password', 'isActive', 'tokenEpoch'] as const
  return Object.fromEntries(
    names.map((name) => [name, propertyOf(row, name)]).filter(([, value]) => value !== undefined),
  )
}
