import type { Knex } from 'knex'
import { hashPassword, newUsername } from 'koa-tokenapi'
import { type KnexUser, knexUsers, type KnexUserStore } from 'koa-tokenapi/knex'

/** The application's users: what the token API reads of them, and what the application writes. */
export interface Users extends KnexUserStore<KnexUser> {
  /** Replaces the old hash by a new one; false if another request has changed it in the meantime. */
  changePassword(user: KnexUser, hash: string): Promise<boolean>
  /** Adds a user, unless there is one with that name. */
  add(username: string, password: string): Promise<void>
}

const TABLE = 'users'
const TIMEOUT = 5000 // milliseconds

export function usersOf(db: Knex): Users {
  return {
    ...knexUsers(db, { table: TABLE }),

    async changePassword(user, hash) {
      // One statement that names the old hash: of two concurrent changes one succeeds, and the other changes no row.
      const changed = await db(TABLE)
        .where({ id: user.id, password: user.password })
        .update({ password: hash })
        .timeout(TIMEOUT)
      return changed === 1
    },

    async add(username, password) {
      const row = { username: newUsername(username), password: await hashPassword(password) }
      await db(TABLE).insert(row).onConflict('username').ignore().timeout(TIMEOUT)
    },
  }
}
