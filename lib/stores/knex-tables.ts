import type { Knex } from 'knex'
import { dialectOf } from './knex-dialect.js'

/**
 * Creates a user table for `knexUsers`: id, username (unique), password, is_active, token_epoch. Call it from a migration of
 * the application; it does not ask whether the table is there. On MySQL and MariaDB user names compare by their bytes, as
 * they do elsewhere.
 *
 * @param options `table`: its name, 'users'.
 */
export async function createUserTable(db: Knex, options: { readonly table?: string } = {}): Promise<void> {
  const { table = 'users' } = options
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
