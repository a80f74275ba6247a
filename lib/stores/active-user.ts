import { canonicalUsername, type FindUser, idText, isActive, isUserId, type User } from '../user.js'
import { accept, refuse, type Verdict } from '../verdict.js'
import { timeoutOption, withDeadline } from '../deadline.js'
import type { UserStore } from './user-store.js'

/** Look-ups that trust neither what is asked nor what comes back. Null is nobody; a store that fails or hangs is a rejection. */
export interface Lookup<U extends User> {
  byId(id: string): Promise<U | null>
  byUsername(username: string): Promise<U | null>
}

/** @param options `timeout`: seconds that the store may take. */
export function lookup<U extends User>(users: UserStore<U>, options: { readonly timeout: number }): Lookup<U> {
  const { timeout } = options
  return {
    async byId(id) {
      if (typeof id !== 'string' || !isUserId(id)) return null
      const row = await withDeadline(timeout, (call) => users.findById(id, call))
      return isPresent(row) && idText(row.id) === id ? row : null
    },
    async byUsername(username) {
      const name = typeof username === 'string' ? canonicalUsername(username) : null
      if (name === null) return null
      const row = await withDeadline(timeout, (call) => users.findByUsername(name, call))
      return isPresent(row) && row.username === name ? row : null
    },
  }
}

/**
 * The `find` of one request: nobody is `invalid`, a disabled account `inactive`. It remembers its answers, so that several
 * token kinds cost one look-up; make a new one for each request, or a changed password would not be seen.
 *
 * @param options `timeout`: seconds that the store may take, 5.
 */
export function activeUser<U extends User>(
  users: UserStore<U>,
  options: { readonly timeout?: number } = {},
): FindUser<U> {
  const timeout = timeoutOption(options)
  return findActive(lookup(users, { timeout }))
}

/** `activeUser` over look-ups that are already there. */
export function findActive<U extends User>(users: Lookup<U>): FindUser<U> {
  const answers = new Map<string, Promise<Verdict<U, 'invalid' | 'inactive'>>>()
  return (by) => {
    const key = 'id' in by ? `id:${by.id}` : `username:${by.username}`
    let answer = answers.get(key)
    if (answer === undefined) {
      answer = judged('id' in by ? users.byId(by.id) : users.byUsername(by.username))
      answers.set(key, answer)
    }
    return answer
  }
}

async function judged<U extends User>(found: Promise<U | null>): Promise<Verdict<U, 'invalid' | 'inactive'>> {
  const user = await found
  if (user === null) return refuse('invalid')
  return isActive(user) ? accept(user) : refuse('inactive')
}

function isPresent<U>(row: U | null | undefined): row is U {
  return row !== null && row !== undefined
}
