import { ContractViolation } from '../errors.js'
import { canonicalUsername, type FindUser, idText, isActive, isUserId, type User, userIdText } from '../user.js'
import { accept, refuse, type Verdict } from '../verdict.js'
import { timeoutOption } from '../deadline.js'
import { userRow } from './user-row.js'
import { type UsersById, usersInTime } from './user-store.js'
import { checkOptions, type OptionNames } from '../option-names.js'

/**
 * Lookups that trust neither what is asked nor what the store returns (see `userRow`). Null if there is no such user. They reject if
 * the store fails, hangs or breaks its contract.
 */
export interface Lookup<U extends User> {
  byId(id: string): Promise<U | null>
  byUsername(username: string): Promise<U | null>
}

/** @param options `timeout`: seconds that the store may take. */
export function lookup<U extends User>(users: UsersById<U>, options: { readonly timeout: number }): Lookup<U> {
  const timed = usersInTime(users, options.timeout)
  return {
    async byId(id) {
      if (typeof id !== 'string' || !isUserId(id)) return null
      const row = userRow(await timed.findById(id))
      return row !== null && idText(row.id) === id ? row : null
    },
    async byUsername(username) {
      const name = typeof username === 'string' ? canonicalUsername(username) : null
      if (name === null) return null
      if (timed.findByUsername === undefined)
        throw new ContractViolation('the user store has no findByUsername', 'ERR_NOT_SUPPORTED_BY_STORE')
      const row = userRow(await timed.findByUsername(name))
      if (row === null || row.username !== name) return null
      userIdText(row) // a user who cannot be found again by id would log in, and every token would be refused
      return row
    },
  }
}

/**
 * The `find` of one request: `invalid` for an unknown user, `inactive` for a disabled account. It remembers its results, so that
 * several token kinds cost one lookup. Make a new one for each request, or a changed password would not be seen.
 *
 * @param options `timeout`: seconds that the store may take, 5.
 * @throws {TypeError} that names `timeout`, unless it is a number of seconds above 0.
 */
export function activeUser<U extends User>(
  users: UsersById<U>,
  options: { readonly timeout?: number } = {},
): FindUser<U> {
  checkOptions('activeUser', options, { timeout: true } satisfies OptionNames<typeof options>)
  const timeout = timeoutOption(options)
  return findActive(lookup(users, { timeout }))
}

/** `activeUser` over lookups that exist already. */
export function findActive<U extends User>(users: Lookup<U>): FindUser<U> {
  const results = new Map<string, Promise<Verdict<U, 'invalid' | 'inactive'>>>()
  return (by) => {
    const isById = hasId(by)
    const key = isById ? `id:${by.id}` : `username:${by.username}`
    let result = results.get(key)
    if (result === undefined) {
      result = active(isById ? users.byId(by.id) : users.byUsername(by.username))
      results.set(key, result)
    }
    return result
  }
}

function hasId(by: { id: string } | { username: string }): by is { id: string } {
  return Object.hasOwn(by, 'id')
}

async function active<U extends User>(found: Promise<U | null>): Promise<Verdict<U, 'invalid' | 'inactive'>> {
  const user = await found
  if (user === null) return refuse('invalid')
  return isActive(user) ? accept(user) : refuse('inactive')
}
