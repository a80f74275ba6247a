import type { Knex } from 'knex'
import { dialectOf, identifier } from './dialect.js'

/**
 * Creates a user table for `knexUsers`: id, username (unique), password, is_active, token_epoch. Call it from a migration of
 * the application; it does not ask whether the table is there. On MySQL and MariaDB user names compare by their bytes, as
 * they do elsewhere.
 *
 * @param options `table`: its name, 'users'.
 */
export async function createUserTable(db: Knex, options: { readonly table?: string } = {}): Promise<void> {
  const table = identifier('table', options.table ?? 'users')
  const exact = dialectOf(db) === 'mysql'
  await db.schema.createTable(table, (columns) => {
    columns.increments('id')
    const username = columns.string('username', 254).notNullable().unique()
    if (exact) username.collate('utf8mb4_bin')
    columns.string('password', 255)
    columns.boolean('is_active').notNullable().defaultTo(true)
    columns.integer('token_epoch').notNullable().defaultTo(0)
  })
}

/**
 * Creates a token table for `knexTokens`: digests alone, in a column that compares bytes, with the owner and integer seconds.
 * Call it from a migration of the application; it does not ask whether the table is there.
 *
 * @param options `table`: its name, 'tokens'.
 */
export async function createTokenTable(db: Knex, options: { readonly table?: string } = {}): Promise<void> {
  const table = identifier('table', options.table ?? 'tokens')
  const exact = dialectOf(db) === 'mysql'
  await db.schema.createTable(table, (columns) => {
    columns.increments('id')
    const digest = columns.string('digest', 64).notNullable().unique()
    const purpose = columns.string('purpose', 100).notNullable()
    const userId = columns.string('user_id', 255).notNullable()
    if (exact) {
      digest.collate('ascii_bin')
      purpose.collate('utf8mb4_bin')
      userId.collate('utf8mb4_bin')
    }
    columns.bigInteger('created_at').notNullable()
    columns.bigInteger('last_used_at')
    columns.bigInteger('expires_at').notNullable()
    columns.index(['purpose', 'user_id', 'expires_at'])
    columns.index(['purpose', 'expires_at'])
  })
}
